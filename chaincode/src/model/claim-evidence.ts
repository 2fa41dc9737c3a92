/**
 * Which records a claim rests on: the references that the claim edits follow. The provider's gateway gathers
 * those records as evidence, and the edits find them again by the same names.
 */
import type { Reference, Resource } from './fhir.ts';

/** The types whose records an edit reads. */
const EVIDENCE_TYPES = ['Patient', 'Encounter', 'Procedure', 'Observation', 'Practitioner'];

const RELATIVE = /^([A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** `Type/id` of a relative reference, without its version; undefined for anything else. */
export function targetOf(reference: unknown): string | undefined {
  const text = (reference as Reference | null | undefined)?.reference;
  return typeof text === 'string' ? RELATIVE.exec(text)?.[1] : undefined;
}

/** The objects in an element that should hold a list of them; records come from outside and may hold anything. */
export const objectsOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : [];

function claimReferences(claim: Resource): unknown[] {
  return [
    claim['patient'],
    claim['provider'],
    ...objectsOf(claim['careTeam']).map((member) => member['provider']),
    ...objectsOf(claim['procedure']).map((procedure) => procedure['procedureReference']),
    ...objectsOf(claim['supportingInfo']).map((information) => information['valueReference']),
    ...objectsOf(claim['item']).flatMap((item) => objectsOf(item['encounter'])),
  ];
}

/** The people who did what an Encounter, a Procedure or an Observation records, as references. */
export function performersOf(resource: Resource): unknown[] {
  if (resource.resourceType === 'Encounter') return objectsOf(resource['participant']).map((one) => one['individual']);
  if (resource.resourceType === 'Procedure') return objectsOf(resource['performer']).map((one) => one['actor']);
  if (resource.resourceType === 'Observation') return objectsOf(resource['performer']);
  return [];
}

/**
 * What the edits read next to this resource, as `Type/id`, each once. Follow it from the Claim on: the Claim names
 * the patient, encounters, procedures, observations and care team; those name their practitioners.
 */
export function evidenceOf(resource: Resource): string[] {
  const references = resource.resourceType === 'Claim' ? claimReferences(resource) : performersOf(resource);
  const targets = references.map(targetOf).filter((target) => target !== undefined);
  return [...new Set(targets)].filter((target) => EVIDENCE_TYPES.includes(target.split('/')[0] ?? ''));
}
