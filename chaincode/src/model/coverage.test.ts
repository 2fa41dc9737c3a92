import { expect } from 'chai';
import { readCover } from './coverage.ts';
import { findLedgerError } from './errors.ts';
import { type Changeable, exampleClaim, exampleIds } from './example-claim.fixture.ts';

const coverageWith = (change: (coverage: Changeable) => void): Changeable => {
  const { coverage } = exampleClaim();
  change(coverage);
  return coverage;
};

describe('a coverage', () => {
  it('reads whom it covers, when, and what the patient pays', () => {
    expect(readCover(exampleClaim().coverage)).to.deep.equal({
      id: exampleIds.coverage,
      status: 'active',
      beneficiary: { identifier: { system: 'https://payer.example/member', value: 'M-88-2001' } },
      subscriberId: undefined,
      plans: [],
      days: { first: '2026-01-01', last: '2026-12-31' },
      copay: { units: 2000, currency: 'USD' },
      coinsurance: { digits: 10n, scale: 0 },
    });
  });

  it('names the plan that it is of by its classes', () => {
    const classes = [
      { type: { coding: [{ code: 'group' }] }, value: 'G' },
      {
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: 'plan' }] },
        value: 'P',
      },
      { type: {}, value: 1 },
      'x',
    ];
    expect(readCover(coverageWith((coverage) => (coverage['class'] = classes))).plans).to.deep.equal(['P']);
  });

  it('may leave the patient nothing to pay', () => {
    const { copay, coinsurance } = readCover(coverageWith((coverage) => delete coverage['costToBeneficiary']));
    expect([copay, coinsurance]).to.deep.equal([undefined, undefined]);
  });

  const cost = (index: number): string => `Coverage.costToBeneficiary[${index}]`;
  const MALFORMED: [string, (coverage: Changeable) => void, string][] = [
    ['a status that is none', (coverage) => (coverage['status'] = 'valid'), 'Coverage.status'],
    ['no beneficiary', (coverage) => delete coverage['beneficiary'], 'Coverage.beneficiary'],
    ['no payor', (coverage) => (coverage['payor'] = []), 'Coverage.payor'],
    ['a period without days', (coverage) => (coverage['period'].start = 'soon'), 'Coverage.period.start'],
    [
      'a copay without money',
      (coverage) => delete coverage['costToBeneficiary'][0].valueMoney,
      `${cost(0)}.valueMoney.currency`,
    ],
    [
      'a coinsurance without a percentage',
      (coverage) => delete coverage['costToBeneficiary'][1].valueQuantity,
      `${cost(1)}.valueQuantity`,
    ],
    [
      'over a hundred per cent',
      (coverage) => (coverage['costToBeneficiary'][1].valueQuantity.value = 101),
      `${cost(1)}.valueQuantity.value`,
    ],
    [
      'two copays',
      (coverage) => (coverage['costToBeneficiary'][1] = coverage['costToBeneficiary'][0]),
      `${cost(1)}.type`,
    ],
    [
      'a deductible, which nobody would subtract',
      (coverage) => (coverage['costToBeneficiary'][0].type.coding[0].code = 'deductible'),
      `${cost(0)}.type`,
    ],
    ['an exception', (coverage) => (coverage['costToBeneficiary'][0].exception = [{}]), `${cost(0)}.exception`],
  ];
  for (const [title, change, expression] of MALFORMED) {
    it(`refuses ${title}`, () => {
      try {
        readCover(coverageWith(change));
      } catch (error) {
        expect(findLedgerError((error as Error).message)).to.deep.include({ code: 'INVALID', expression });
        return;
      }
      expect.fail('it was read');
    });
  }
});
