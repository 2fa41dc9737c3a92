/**
 * Companions: what concerns no patient and goes with a record that refers to it, so that its references lead somewhere at the
 * receiver too: who treated, where, on whose behalf, with which medication and device.
 */
import type { Resource } from './fhir.ts';
import { ORGANISATION_SYSTEM } from './organisations.ts';
import { relative } from './record-facts.ts';

const COMPANION_TYPES = ['Device', 'Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole'];
export const companionTypes: readonly string[] = COMPANION_TYPES;

/** The most that go with one part of a delivery. */
export const MAX_COMPANIONS = 100;

/** What a Reference means: a record by its `Type/id`, or whatever bears an identifier. */
export type Target = { reference: string } | { type?: string; system: string; value: string };

const LITERAL = /^(?:(.+)\/)?([A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64})$/;

/**
 * The records of a provider that a resource may mean, wherever in it. What it contains (`#`), what stands elsewhere and what
 * is named by display alone means none.
 * @param provider its name: an absolute reference means its record where it begins with the base of that organisation
 * @see https://hl7.org/fhir/R4/references.html
 */
export function targetsIn(resource: Resource, provider: string): Target[] {
  // An identifier of the resource's own is no reference.
  const { identifier: _, ...content } = resource;
  return targetsAnywhereIn(content, `${ORGANISATION_SYSTEM}/${provider}`);
}

function targetsAnywhereIn(value: unknown, base: string): Target[] {
  if (Array.isArray(value)) return value.flatMap((one) => targetsAnywhereIn(one, base));
  if (typeof value !== 'object' || value === null) return [];
  const { reference, identifier, type } = value as Record<string, unknown>;
  return [
    ...(typeof reference === 'string' ? literal(reference, base) : []),
    ...logical(identifier, type),
    ...Object.values(value).flatMap((member) => targetsAnywhereIn(member, base)),
  ];
}

function literal(text: string, base: string): Target[] {
  const [, own, reference] = LITERAL.exec(relative(text)) ?? [];
  return reference === undefined || (own !== undefined && own !== base) ? [] : [{ reference }];
}

function logical(identifier: unknown, type: unknown): Target[] {
  if (typeof identifier !== 'object' || identifier === null || Array.isArray(identifier)) return [];
  const { system, value } = identifier as Record<string, unknown>;
  if (typeof system !== 'string' || typeof value !== 'string') return [];
  return [{ system, value, ...(typeof type === 'string' ? { type } : {}) }];
}

/** Whether a Reference means a record. */
export function isMeant(resource: Resource, target: Target): boolean {
  if ('reference' in target) return target.reference === `${resource.resourceType}/${resource.id}`;
  if (target.type !== undefined && target.type !== resource.resourceType) return false;
  const identifiers = [resource['identifier'] ?? []].flat() as { system?: unknown; value?: unknown }[];
  return identifiers.some(({ system, value }) => system === target.system && value === target.value);
}

const PEOPLE = /(?:^|\/)(?:Patient|RelatedPerson)\/[^/]+$/;

/** Whether a record may go with another: its type does, and nothing in it leads to a patient or one of theirs. */
export const isCompanion = (resource: Resource): boolean =>
  COMPANION_TYPES.includes(resource.resourceType) && !leadsToPatient(resource);

/** Whether anything in it is a reference to a patient, or to somebody of theirs. */
export function leadsToPatient(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(leadsToPatient);
  if (typeof value !== 'object' || value === null) return false;
  const { reference, type, resourceType } = value as Record<string, unknown>;
  const isOne = [type, resourceType].some((one) => one === 'Patient' || one === 'RelatedPerson');
  const leads = typeof reference === 'string' && PEOPLE.test(relative(reference));
  return isOne || leads || Object.values(value).some(leadsToPatient);
}
