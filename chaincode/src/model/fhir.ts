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

const SUBJECT_ELEMENTS = ['patient', 'subject', 'beneficiary', 'individual', 'for'] as const;

/**
 * The id of the Patient a resource is about (its patient compartment, hl7.org/fhir/R4/compartmentdefinition-patient.html),
 * or undefined for what concerns no patient. A Patient is about itself; a Provenance about its Patient target.
 */
export function patientIdOf(resource: Record<string, unknown>): string | undefined {
  if (resource['resourceType'] === 'Patient') return resource['id'] as string | undefined;
  const candidates: unknown[] = SUBJECT_ELEMENTS.map((element) => resource[element]);
  if (Array.isArray(resource['target'])) candidates.push(...resource['target']);
  for (const candidate of candidates) {
    const text = (candidate as Reference | undefined)?.reference;
    const found = typeof text === 'string' ? /^Patient\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/.exec(text) : null;
    if (found !== null) return found[1];
  }
  return undefined;
}
