/**
 * The little of FHIR R4 that the ledger's rules must know: loose shapes, and whose data a resource is.
 * Structural validation is the gateway's.
 */
import { z } from 'zod';
import { faultIn, fhirIdSchema, resourceTypeSchema } from './texts.ts';

/** Any resource: every string and name in it is one that a resource may hold, however deep it stands. */
export const resourceSchema = z
  .looseObject({ resourceType: resourceTypeSchema, id: fhirIdSchema })
  .superRefine((resource, context) => {
    const fault = faultIn(resource);
    if (fault !== undefined) context.addIssue({ code: 'custom', path: fault.path, message: fault.reason });
  });
export type Resource = z.infer<typeof resourceSchema>;

export interface Reference {
  reference?: string;
  identifier?: { system?: string; value?: string };
  display?: string;
}

const PATIENT = /^Patient\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/;
const SUBJECT_ELEMENTS = ['patient', 'subject', 'beneficiary', 'individual', 'for'] as const;

/** Types whose patient takes part in it, or has a place in it, and is not named by an element of the usual names. */
const TAKING_PART: Readonly<Record<string, (resource: Record<string, unknown>) => unknown>> = {
  Account: ({ subject }) => subject,
  Appointment: ({ participant }) => [participant ?? []].flat().map((one) => (one as { actor?: unknown } | null)?.actor),
  AppointmentResponse: ({ actor }) => actor,
  Binary: ({ securityContext }) => securityContext,
  Schedule: ({ actor }) => actor,
  SupplyRequest: ({ deliverTo }) => deliverTo,
};

const patientIn = (value: unknown): string | undefined => {
  const text = (value as Reference | null | undefined)?.reference;
  return typeof text === 'string' ? PATIENT.exec(text)?.[1] : undefined;
};

/**
 * The id of the Patient a resource is about (its patient compartment, hl7.org/fhir/R4/compartmentdefinition-patient.html),
 * or undefined for what concerns no patient. A Patient is about itself; a Provenance about its Patient target. What several
 * patients take part in is about none of them: it would tell each of the others.
 */
export function patientIdOf(resource: Record<string, unknown>): string | undefined {
  if (resource['resourceType'] === 'Patient') return resource['id'] as string | undefined;
  const parts = [TAKING_PART[String(resource['resourceType'])]?.(resource) ?? []].flat();
  if (parts.length > 0) {
    const [patient, ...others] = new Set(parts.flatMap((one) => patientIn(one) ?? []));
    return others.length === 0 ? patient : undefined;
  }
  const candidates: unknown[] = SUBJECT_ELEMENTS.map((element) => resource[element]);
  if (Array.isArray(resource['target'])) candidates.push(...resource['target']);
  for (const candidate of candidates) {
    const found = patientIn(candidate);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a version that deletes a record holds: its type, its id and, under `subject` whatever its type, the Patient whose it was. */
export function tombstoneOf(resource: Resource): Resource {
  const { resourceType, id } = resource;
  const patient = resourceType === 'Patient' ? undefined : patientIdOf(resource);
  return { resourceType, id, ...(patient === undefined ? {} : { subject: { reference: `Patient/${patient}` } }) };
}

/** Whether two records bear one identifier, of a system, and so are of one person. */
export function shareIdentifier(one: Resource, other: Resource): boolean {
  const others = new Set(identifiersOf(other));
  return identifiersOf(one).some((identifier) => others.has(identifier));
}

const identifiersOf = (resource: Resource): string[] =>
  ([resource['identifier'] ?? []].flat() as { system?: unknown; value?: unknown }[]).flatMap(({ system, value }) =>
    typeof system === 'string' && typeof value === 'string' ? [JSON.stringify([system, value])] : [],
  );
