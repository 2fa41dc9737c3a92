/**
 * Who of those whom a provider has recorded as related to a patient may act for her, and in what, as the record's relationship says.
 * @see https://hl7.org/fhir/R4/relatedperson-definitions.html#RelatedPerson.relationship
 */
import { CARETAKER_ACT_SYSTEM, CARETAKER_ACTS, type CaretakerAct, type Code } from './consent-codes.ts';
import type { Resource } from './fhir.ts';

export const ROLE_CODES = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';

/** v3-RoleCode: whoever she has told the provider that he acts for her. */
export const DELEGATEE = 'DELEGATEE';

/** Relationships of v3-RoleCode by which a person acts for somebody who cannot: parents, guardians, attorneys. */
const GUARDIANS = new Set(
  'PRN MTH FTH NMTH NFTH ADOPTP STPPRN PRNFOST GUARD POWATT HPOWATT DPOWATT SPOWATT'.split(' '),
);

/**
 * What the custodian alone lets somebody do of whom a provider has recorded that a patient lets him act for her, and not in what: no more
 * than the custodian does for her itself.
 */
export const ACTS_OF_CUSTODIAN: readonly CaretakerAct[] = ['read', 'answer'];

/** Codes of a system in the relationship; none of what is no RelatedPerson in use. */
function codesIn({ resourceType, active, relationship }: Resource, of: string): string[] {
  if (resourceType !== 'RelatedPerson' || active === false) return [];
  const concepts = [relationship ?? []].flat() as { coding?: readonly Code[] }[];
  return concepts.flatMap(({ coding = [] }) =>
    coding.flatMap(({ system, code = '' }) => (system === of ? [code] : [])),
  );
}

/** Whether the record says that he acts for a patient who cannot. Whose it is, is not looked at. */
export const isGuardian = (record: Resource): boolean =>
  codesIn(record, ROLE_CODES).some((code) => GUARDIANS.has(code));

/**
 * What he may be let do by what the record says: nothing where it does not say that he acts for her, as a relative or a contact does
 * not; the acts that it names among its relationships; where it names none, of a parent, guardian or attorney all.
 */
export function actsRecorded(record: Resource): readonly CaretakerAct[] {
  const isDelegatee = codesIn(record, ROLE_CODES).includes(DELEGATEE);
  if (!isDelegatee && !isGuardian(record)) return [];
  const named = codesIn(record, CARETAKER_ACT_SYSTEM);
  if (named.length > 0) return CARETAKER_ACTS.filter((act) => named.includes(act));
  return isGuardian(record) ? CARETAKER_ACTS : ACTS_OF_CUSTODIAN;
}
