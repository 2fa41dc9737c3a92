/**
 * The sections of a patient summary after HL7's International Patient Summary (hl7.org/fhir/uv/ips): which records are in which,
 * and how each is told in a line. The first three are there in every summary, also where they are empty.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';

export interface Section {
  title: string;
  /** LOINC. */
  code: string;
  types: readonly string[];
  isRequired?: true;
  /** In place of its records it shows what she takes by them, each medicine once. */
  isReconciled?: true;
  holds(resource: Resource): boolean;
}

interface Coding {
  code?: string;
  display?: string;
}
interface Concept {
  text?: string;
  coding?: Coding[];
}

const concepts = (value: unknown): Concept[] => [value ?? []].flat() as Concept[];
const hasCode = (value: unknown, ...codes: readonly string[]): boolean =>
  concepts(value).some(({ coding = [] }) => coding.some(({ code }) => codes.includes(code ?? '')));
const isOfStatus = ({ status }: Resource, ...statuses: readonly string[]): boolean => statuses.includes(String(status));
const isError = (resource: Resource): boolean =>
  resource['status'] === 'entered-in-error' || hasCode(resource['verificationStatus'], 'entered-in-error', 'refuted');
const ENDED = ['resolved', 'inactive', 'remission'];
const FINAL = ['final', 'amended', 'corrected'];
const observed = (...categories: readonly string[]): Pick<Section, 'types' | 'holds'> => ({
  types: ['Observation'],
  holds: (one) => isOfStatus(one, ...FINAL) && hasCode(one['category'], ...categories),
});

export const SECTIONS: readonly Section[] = [
  {
    ...{ title: 'Problems', code: '11450-4', types: ['Condition'], isRequired: true },
    holds: (one) => !isError(one) && !hasCode(one['clinicalStatus'], ...ENDED),
  },
  {
    ...{ title: 'Allergies and intolerances', code: '48765-2', types: ['AllergyIntolerance'], isRequired: true },
    holds: (one) => !isError(one) && !hasCode(one['clinicalStatus'], ...ENDED),
  },
  {
    ...{ title: 'Medication', code: '10160-0', types: [], isRequired: true, isReconciled: true },
    holds: () => false,
  },
  {
    ...{ title: 'Immunizations', code: '11369-6', types: ['Immunization'] },
    holds: (one) => isOfStatus(one, 'completed'),
  },
  {
    ...{ title: 'Procedures', code: '47519-4', types: ['Procedure'] },
    holds: (one) => isOfStatus(one, 'completed', 'in-progress'),
  },
  { title: 'Results', code: '30954-2', ...observed('laboratory', 'imaging', 'exam', 'procedure') },
  { title: 'Vital signs', code: '8716-3', ...observed('vital-signs') },
  { title: 'Social history', code: '29762-2', ...observed('social-history') },
  {
    ...{ title: 'Past problems', code: '11348-0', types: ['Condition'] },
    holds: (one) => !isError(one) && hasCode(one['clinicalStatus'], ...ENDED),
  },
];

const told = (value: unknown): string | undefined => {
  const [concept] = concepts(value);
  const [coding] = concept?.coding ?? [];
  return concept?.text ?? coding?.display ?? coding?.code;
};

function valueTold(resource: Resource): string | undefined {
  const quantity = resource['valueQuantity'] as { value?: unknown; unit?: string; code?: string } | undefined;
  if (quantity !== undefined)
    return [String(quantity.value ?? ''), quantity.unit ?? quantity.code].filter(Boolean).join(' ');
  return told(resource['valueCodeableConcept']) ?? (resource['valueString'] as string | undefined);
}

const WHEN = [
  'onsetDateTime',
  'recordedDate',
  'effectiveDateTime',
  'occurrenceDateTime',
  'performedDateTime',
  'authoredOn',
];

/** A record in one line: what it is, its value, and the day. */
export function lineOf(resource: Resource): string {
  const names = ['code', 'vaccineCode', 'medicationCodeableConcept'].map((name) => told(resource[name]));
  const medication = (resource['medicationReference'] as { display?: string } | undefined)?.display;
  const what = names.find((name) => name !== undefined) ?? medication ?? resource.resourceType;
  const when = WHEN.map((name) => resource[name]).find((one) => typeof one === 'string') as string | undefined;
  return [what, valueTold(resource), when?.slice(0, 10)].filter((part) => part !== undefined).join(', ');
}
