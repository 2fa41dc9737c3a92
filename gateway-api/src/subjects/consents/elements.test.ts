/** What becomes of a Consent's elements is said of all that R4 has, and of no others. */
import { CONSENT_ELEMENTS, PROVISION_ELEMENTS } from '@telemed-ledger/chaincode/model/consent-elements.ts';
import { expect } from 'chai';
import { schemaOf } from '../../fhir/validation/schema.ts';

const elementsOf = (type: string): string[] => [
  ...new Set([...(schemaOf(type)?.elements.values() ?? [])].map(({ element }) => element)),
];

describe('What is said of the elements of a Consent', () => {
  it('is said of each that R4 has, and of no other', () => {
    expect(elementsOf('Consent').length).to.be.greaterThan(15);
    expect(Object.keys(CONSENT_ELEMENTS)).to.have.members(elementsOf('Consent'));
    expect(Object.keys(PROVISION_ELEMENTS)).to.have.members(elementsOf('Consent.provision'));
  });
});
