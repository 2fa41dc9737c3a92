/**
 * What a submitted Claim says that it is to another one: its replacement, or what voids it. R4 has no element for the frequency of a
 * bill (X12 CLM05-3, the last digit of UB-04's type of bill): it is read where CARIN and its users write it.
 */
import { objectsOf, targetOf } from './claim-evidence.ts';
import { LedgerError } from './errors.ts';
import type { Reference, Resource } from './fhir.ts';

/** https://telemed-ledger.example: 1 original, 7 replaces a prior claim, 8 voids it. */
const FREQUENCY = 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency';

/** `replace` by frequency code 7, `void` by 8. */
export interface Correction {
  kind: 'replace' | 'void';
  /** Id of the claim that it names. */
  claim: string;
}

const KINDS: Record<string, Correction['kind'] | undefined> = { '7': 'replace', '8': 'void' };

const codesIn = (concept: unknown): string[] =>
  objectsOf((concept as { coding?: unknown } | undefined)?.coding).flatMap(({ code }) =>
    typeof code === 'string' ? [code] : [],
  );

/** The codes of extensions, as a code, a Coding or a CodeableConcept. */
function frequenciesOf(element: Record<string, unknown>): string[] {
  return objectsOf(element['extension'])
    .filter(({ url }) => url === FREQUENCY)
    .flatMap(({ valueCode, valueCoding, valueCodeableConcept }) => [
      ...codesIn({ coding: [{ code: valueCode }, valueCoding] }),
      ...codesIn(valueCodeableConcept),
    ]);
}

/**
 * The last digit of the type of bill, as CARIN's `supportingInfo:typeofbill` has it
 * (https://hl7.org/fhir/us/carin-bb/StructureDefinition-C4BB-ExplanationOfBenefit-Outpatient-Institutional.html).
 */
const typesOfBill = (claim: Resource): string[] =>
  objectsOf(claim['supportingInfo'])
    .filter(({ category }) => codesIn(category).includes('typeofbill'))
    .flatMap(({ code }) => codesIn(code).map((one) => one.slice(-1)));

/** The claims that it names as adjusted by itself: http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship, `prior`. */
const priorsOf = (claim: Resource): Record<string, unknown>[] =>
  objectsOf(claim['related']).filter(({ relationship }) => codesIn(relationship).includes('prior'));

/**
 * What a Claim corrects; undefined for one that stands by itself. One that names a prior claim and no frequency replaces that, as an
 * update of a request does in Da Vinci PAS.
 * @throws LedgerError INVALID where it says two things, or names no claim
 */
export function correctionOf(claim: Resource): Correction | undefined {
  const priors = priorsOf(claim);
  const stated = [...frequenciesOf(claim), ...priors.flatMap(frequenciesOf), ...typesOfBill(claim)];
  const kinds = new Set(stated.map((one) => KINDS[one] ?? 'original'));
  if (kinds.size > 1) throw new LedgerError('INVALID', 'has two frequency codes', 'Claim.related');
  const [kind = priors.length > 0 ? ('replace' as const) : ('original' as const)] = [...kinds];
  if (kind === 'original') return undefined;
  const targets = priors.map((prior) => targetOf(prior['claim'] as Reference | undefined));
  const [target] = targets;
  if (targets.length !== 1 || target === undefined || !target.startsWith('Claim/'))
    throw new LedgerError('INVALID', 'names no prior claim by Claim/<id> with the relationship prior', 'Claim.related');
  return { kind, claim: target.slice('Claim/'.length) };
}
