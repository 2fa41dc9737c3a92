/**
 * What of the records that a claim rests on is kept with it: what the claim edits judge by, and nothing else of the person. The
 * endorsers see the whole records when the claim is submitted and hold them against their sheets; what they keep is made of
 * those, the same by each of them.
 */
import { canonicalJson } from './canonical.ts';
import type { Resource } from './fhir.ts';
import type { RecordEvidence } from './sheets.ts';
import type { Anchored } from './values.ts';

/** Of people these elements alone. */
const OF_PEOPLE: Readonly<Record<string, readonly string[]>> = {
  Patient: [
    ...['identifier', 'active', 'gender', 'birthDate', 'deceasedBoolean', 'deceasedDateTime', 'multipleBirthBoolean'],
    ...['multipleBirthInteger', 'link'],
  ],
  Practitioner: ['identifier', 'active', 'qualification'],
};
/** Of what took place everything but what was found and what was written about it. */
const NOT_OF_SERVICES: readonly RegExp[] = [
  /^(?:text|note|contained|photo|telecom|address|interpretation|component|referenceRange|conclusion|conclusionCode)$/,
  /^(?:presentedForm|content|media|dosageInstruction|dosage|reasonCode|reasonReference|diagnosis|complication|report)$/,
  /^_?value[A-Z]/,
];
/** What an identifier says of its holder beside its number. */
const IDENTIFIER = ['use', 'type', 'system', 'value', 'period'];

const isKept = (type: string, name: string): boolean => {
  if (['resourceType', 'id', 'meta'].includes(name)) return true;
  const own = OF_PEOPLE[type];
  return own === undefined ? !NOT_OF_SERVICES.some((one) => one.test(name)) : own.includes(name);
};

const slim = (name: string, value: unknown): unknown =>
  name !== 'identifier' || !Array.isArray(value)
    ? value
    : value.map((one) => Object.fromEntries(Object.entries(one as object).filter(([key]) => IDENTIFIER.includes(key))));

/** A record as it is kept with a claim. */
export const minimumOf = (resource: Resource): Resource =>
  Object.fromEntries(
    Object.entries(resource)
      .filter(([name]) => isKept(resource.resourceType, name))
      .map(([name, value]) => [name, slim(name, value)]),
  ) as Resource;

/** A record that was shown, as it is kept: where it stands, and what of it counts; its salt and its path stay behind. */
export function keptEvidence({ id, version, sheet, index, tree }: RecordEvidence, shown: Anchored): RecordEvidence {
  const { salt: _, ...anchored } = shown;
  const kept = { ...anchored, salt: '0'.repeat(64), resource: minimumOf(shown.resource) };
  return { id, version, sheet, index, path: [], tree, text: canonicalJson(kept) };
}
