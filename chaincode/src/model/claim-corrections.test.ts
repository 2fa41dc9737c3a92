import { expect } from 'chai';
import { correctionOf } from './claim-corrections.ts';
import { findLedgerError } from './errors.ts';

const FREQUENCY = 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency';
const coded = (code: string): object => ({ coding: [{ system: 'https://example.org', code }] });
const related = (id: string, more: object = {}, relationship = 'prior'): object => ({
  ...{ claim: { reference: `Claim/${id}` }, relationship: coded(relationship) },
  ...more,
});
const extension = (value: object): object => ({ extension: [{ url: FREQUENCY, ...value }] });
const typeOfBill = (code: string): object => ({
  supportingInfo: [{ sequence: 1, category: coded('typeofbill'), code: coded(code) }],
});

const CASES: [string, object, ReturnType<typeof correctionOf>][] = [
  ['nothing else', {}, undefined],
  ['an associated claim', { related: [related('a', {}, 'associated')] }, undefined],
  ['an original’s frequency', { ...extension({ valueCode: '1' }) }, undefined],
  [
    'an original’s frequency next to a prior claim',
    { ...extension({ valueCode: '1' }), related: [related('a')] },
    undefined,
  ],
  ['a prior claim alone', { related: [related('a')] }, { kind: 'replace', claim: 'a' }],
  ['a replacement', { ...extension({ valueCode: '7' }), related: [related('a')] }, { kind: 'replace', claim: 'a' }],
  [
    'a void as a Coding',
    { ...extension({ valueCoding: { code: '8' } }), related: [related('a')] },
    { kind: 'void', claim: 'a' },
  ],
  [
    'a void as a concept, with the prior claim',
    { related: [related('a', extension({ valueCodeableConcept: coded('8') }))] },
    { kind: 'void', claim: 'a' },
  ],
  ['a type of bill that replaces', { ...typeOfBill('137'), related: [related('a')] }, { kind: 'replace', claim: 'a' }],
  ['a type of bill that voids', { ...typeOfBill('0118'), related: [related('a')] }, { kind: 'void', claim: 'a' }],
  ['a type of bill of an original', typeOfBill('131'), undefined],
];

const REFUSED: [string, object][] = [
  ['a void of no claim', extension({ valueCode: '8' })],
  [
    'a replacement of an associated claim',
    { ...extension({ valueCode: '7' }), related: [related('a', {}, 'associated')] },
  ],
  ['two prior claims', { related: [related('a'), related('b')] }],
  ['two frequencies', { ...extension({ valueCode: '7' }), ...typeOfBill('138'), related: [related('a')] }],
  ['a prior claim by its number', { related: [{ identifier: { value: '1' }, relationship: coded('prior') }] }],
];

describe('What a Claim corrects', () => {
  for (const [what, claim, correction] of CASES)
    it(`follows from ${what}`, () => {
      expect(correctionOf({ resourceType: 'Claim', id: 'x', ...claim })).to.deep.equal(correction);
    });
  for (const [what, claim] of REFUSED)
    it(`is refused of ${what}`, () => {
      const attempt = () => correctionOf({ resourceType: 'Claim', id: 'x', ...claim });
      expect(attempt)
        .to.throw()
        .satisfy(({ message }: Error) => findLedgerError(message)?.expression === 'Claim.related');
    });
});
