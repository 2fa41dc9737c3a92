/**
 * Who of those whom a provider has recorded as related to a patient may act for her, as the record's relationship says.
 * @see https://hl7.org/fhir/R4/relatedperson-definitions.html#RelatedPerson.relationship
 */
import type { Code } from './consent-codes.ts';
import type { Resource } from './fhir.ts';

export const ROLE_CODES = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';

/** v3-RoleCode: whoever she has told the provider that he acts for her. */
export const DELEGATEE = 'DELEGATEE';

/** Relationships of v3-RoleCode by which a person acts for somebody who cannot: parents, guardians, attorneys. */
const GUARDIANS = new Set(
  'PRN MTH FTH NMTH NFTH ADOPTP STPPRN PRNFOST GUARD POWATT HPOWATT DPOWATT SPOWATT'.split(' '),
);

const isRelated = ({ resourceType, active, relationship }: Resource, fits: (code: string) => boolean): boolean =>
  resourceType === 'RelatedPerson' &&
  active !== false &&
  ([relationship ?? []].flat() as { coding?: readonly Code[] }[]).some(({ coding = [] }) =>
    coding.some(({ system, code = '' }) => system === ROLE_CODES && fits(code)),
  );

/** Whether the record says that he acts for a patient who cannot. Whose it is, is not looked at. */
export const isGuardian = (record: Resource): boolean => isRelated(record, (code) => GUARDIANS.has(code));

/** Whether it says that he acts for her, because she cannot or because she said so: a relative or a contact does not. */
export const isToAct = (record: Resource): boolean =>
  isRelated(record, (code) => code === DELEGATEE || GUARDIANS.has(code));
