/**
 * Which records a claim rests on: the references that the claim edits follow. The provider's gateway gathers
 * those records as evidence, and the edits find them again by the same names.
 */
import type { Reference, Resource } from './fhir.ts';

/** The types whose records an edit reads. */
const EVIDENCE_TYPES = [
  ...['Patient', 'Encounter', 'Procedure', 'Observation', 'DiagnosticReport', 'Immunization'],
  ...['MedicationDispense', 'MedicationAdministration', 'MedicationRequest', 'Medication', 'SupplyDelivery'],
  ...['Practitioner', 'PractitionerRole'],
];

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
    claim['prescription'],
    ...objectsOf(claim['careTeam']).map((member) => member['provider']),
    ...objectsOf(claim['procedure']).map((procedure) => procedure['procedureReference']),
    ...objectsOf(claim['supportingInfo']).map((information) => information['valueReference']),
    ...objectsOf(claim['item']).flatMap((item) => objectsOf(item['encounter'])),
  ];
}

const PERFORMED_BY: Record<string, (resource: Resource) => unknown[]> = {
  Encounter: (resource) => objectsOf(resource['participant']).map((one) => one['individual']),
  Procedure: (resource) => objectsOf(resource['performer']).map((one) => one['actor']),
  MedicationDispense: (resource) => objectsOf(resource['performer']).map((one) => one['actor']),
  MedicationAdministration: (resource) => objectsOf(resource['performer']).map((one) => one['actor']),
  Immunization: (resource) => objectsOf(resource['performer']).map((one) => one['actor']),
  Observation: (resource) => objectsOf(resource['performer']),
  DiagnosticReport: (resource) => objectsOf(resource['performer']),
  SupplyDelivery: (resource) => [resource['supplier']],
};

/** The people who did what a record is of, as references. */
export const performersOf = (resource: Resource): unknown[] => PERFORMED_BY[resource.resourceType]?.(resource) ?? [];

/** hl7.org/fhir/R4/references-definitions.html#Reference.type */
type Named = Reference & { type?: string };

/** Whether a reference names somebody; organisations, patients and devices answer for nothing by a licence. */
export function isPerson(reference: Named): boolean {
  if (reference.reference === undefined && reference.identifier === undefined) return false;
  const [type = ''] = (targetOf(reference) ?? `${reference.type ?? 'Practitioner'}/`).split('/');
  return type === 'Practitioner' || type === 'PractitionerRole';
}

/** `Encounter/<id>` of the visit whose people did what a record is of, where the record itself names nobody. */
export const visitOf = (resource: Resource): string | undefined =>
  resource.resourceType in PERFORMED_BY && !(objectsOf(performersOf(resource)) as Named[]).some(isPerson)
    ? targetOf(resource['encounter'])
    : undefined;

/** What is read next to a record: who did it, and what it says by reference alone. */
function recordReferences(resource: Resource): unknown[] {
  return [
    ...performersOf(resource),
    ...(resource.resourceType === 'PractitionerRole' ? [resource['practitioner']] : []),
    ...(visitOf(resource) === undefined ? [] : [resource['encounter']]),
    resource['medicationReference'],
  ];
}

const codingsIn = (concept: unknown): Coding[] =>
  objectsOf((concept as { coding?: unknown } | null | undefined)?.coding).flatMap(({ system, code }) =>
    typeof code === 'string' ? [{ system: typeof system === 'string' ? system : '', code: code.toUpperCase() }] : [],
  );

export interface Coding {
  /** Empty where none is said. */
  system: string;
  /** In capitals. */
  code: string;
}

/**
 * The codes by which a record says what was done.
 * @param medication the Medication that it names by reference, where that is shown
 */
export function codingsOf(resource: Resource, medication?: Resource): Coding[] {
  const { type, serviceType, code, vaccineCode, medicationCodeableConcept } = resource as Record<string, unknown>;
  const { itemCodeableConcept } = (resource['suppliedItem'] ?? {}) as Record<string, unknown>;
  const concepts: Record<string, unknown[]> = {
    Encounter: [...objectsOf(type), serviceType],
    Immunization: [vaccineCode],
    SupplyDelivery: [itemCodeableConcept],
    ...Object.fromEntries(MEDICINES.map((one) => [one, [medicationCodeableConcept, medication?.['code']]])),
  };
  return (concepts[resource.resourceType] ?? [code]).flatMap(codingsIn);
}

/** Records that are of a medicine. */
const MEDICINES = ['MedicationDispense', 'MedicationAdministration', 'MedicationRequest'];

/**
 * What the edits read next to this resource, as `Type/id`, each once. Follow it from the Claim on: the Claim names the patient,
 * what was done and the care team; those name their practitioners, and a role whose it is.
 */
export function evidenceOf(resource: Resource): string[] {
  const references = resource.resourceType === 'Claim' ? claimReferences(resource) : recordReferences(resource);
  const targets = references.map(targetOf).filter((target) => target !== undefined);
  return [...new Set(targets)].filter((target) => EVIDENCE_TYPES.includes(target.split('/')[0] ?? ''));
}

/** Encounters that last for days, each with services of its own (http://terminology.hl7.org/CodeSystem/v3-ActCode). */
const STAYS = ['IMP', 'ACUTE', 'NONAC', 'OBSENC', 'SS', 'PRENC'];

/** The code of an Encounter's class. */
export const classOf = (encounter: Resource | undefined): string | undefined =>
  (encounter?.['class'] as { code?: string } | null | undefined)?.code;
export const isStay = (encounter: Resource | undefined): boolean => STAYS.includes(classOf(encounter) ?? '');
