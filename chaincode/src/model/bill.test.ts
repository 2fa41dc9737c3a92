import { expect } from 'chai';
import { type BillPart, billedInAll, checkDiagnoses, isInParts, readBill } from './bill.ts';
import { evidenceOf, targetOf } from './claim-evidence.ts';
import { addDays, countDays, covers, daysFrom, daysOfPeriod, firstDay, lastDay } from './days.ts';
import { findLedgerError } from './errors.ts';
import { type Changeable, exampleClaim, exampleIds } from './example-claim.fixture.ts';
import { parseExact } from './numbers.ts';

const claimWith = (change: (claim: Changeable) => void): Changeable => {
  const { claim } = exampleClaim();
  change(claim);
  return claim;
};

function failure(act: () => unknown): { code: string | undefined; expression: string | undefined } {
  try {
    act();
  } catch (error) {
    const found = findLedgerError((error as Error).message);
    return { code: found?.code, expression: found?.expression };
  }
  throw new Error('nothing failed');
}

describe('a bill', () => {
  it('reads a Claim in minor units', () => {
    const bill = readBill(exampleClaim().claim);
    expect(bill).to.deep.include({
      claimId: exampleIds.claim,
      patient: `Patient/${exampleIds.patient}`,
      coverage: `Coverage/${exampleIds.coverage}`,
      currencies: ['USD'],
      total: 15050,
    });
    expect(bill.items[1]).to.deep.equal({
      sequence: 2,
      codes: [{ system: 'http://snomed.info/sct', code: '166888009' }],
      quantity: { digits: 2n, scale: 0 },
      computed: 3050,
      billed: 3050,
      parts: [],
      modifiers: [],
      first: '2026-02-10',
      last: '2026-02-10',
      services: [`Encounter/${exampleIds.encounter}`],
      careTeam: [],
    });
    expect(billedInAll(bill)).to.equal(15050);
  });

  it('takes the net from the product where none is stated, and the care team an item names', () => {
    const { items } = readBill(
      claimWith((claim) => {
        delete claim['item'][1].net;
        claim['item'][1].careTeamSequence = [2];
        claim['careTeam'] = [
          { sequence: 1, provider: { reference: 'Practitioner/a' } },
          { sequence: 2, provider: { reference: 'Practitioner/b' } },
        ];
      }),
    );
    expect(items[1]?.billed).to.equal(3050);
    expect(items.map(({ careTeam }) => careTeam.map(({ reference }) => reference))).to.deep.equal([
      ['Practitioner/a', 'Practitioner/b'],
      ['Practitioner/b'],
    ]);
  });

  it('computes with the digits that were sent, and rounds what is paid alone', () => {
    for (const [quantity, unitPrice, factor, computed] of [
      ['2.0', '15.250', undefined, 3050],
      ['90', '0.0334', undefined, 301],
      ['3', '33.33', '0.50', 5000],
      ['3', '33.333333333333333333', '1.000', 10000],
      ['1.00000000000000000001', '0.005', '1E+0', 1],
      ['0.99999999999999999999', '0.005', '1', 0],
    ] as const) {
      const { items } = readBill(
        claimWith((claim) => {
          const [, item] = claim['item'];
          item.quantity.value = parseExact(quantity);
          item.unitPrice.value = parseExact(unitPrice);
          if (factor !== undefined) item.factor = parseExact(factor);
        }),
      );
      expect(items[1]?.computed, `${quantity} × ${unitPrice}`).to.equal(computed);
    }
  });

  const PART = { sequence: 1, productOrService: { coding: [{ code: 'a' }] } };
  const usd = (value: number): object => ({ value, currency: 'USD' });

  it('reads details and theirs, each with what it asks for', () => {
    const { items } = readBill(
      claimWith((claim) => {
        const [item] = claim['item'];
        item.detail = [
          { ...PART, net: usd(100), subDetail: [{ ...PART, quantity: { value: 4 }, unitPrice: usd(25) }] },
          { ...PART, sequence: 2, subDetail: [{ ...PART, net: usd(20) }] },
        ];
      }),
    );
    const billed = (part: BillPart): unknown => [part.billed, ...part.parts.map(billed)];
    expect(billed(items[0]!)).to.deep.equal([12000, [10000, [10000]], [2000, [2000]]]);
    expect(isInParts(items[0]!)).to.equal(true);
  });

  it('asks of an item for what its details ask for, where it does not say', () => {
    const { items } = readBill(
      claimWith((claim) => {
        delete claim['total'];
        delete claim['item'][0].net;
        claim['item'][0].detail = [
          { ...PART, net: usd(7) },
          { ...PART, sequence: 2 },
        ];
      }),
    );
    expect(items[0]?.billed).to.equal(700);
  });

  it('decides an item itself whose details only describe it', () => {
    const { items } = readBill(claimWith((claim) => (claim['item'][0].detail = [PART])));
    expect(items[0]?.billed).to.equal(12000);
    expect(isInParts(items[0]!)).to.equal(false);
  });

  const MALFORMED: [string, (claim: Changeable) => void, string][] = [
    ['another type', (claim) => (claim['resourceType'] = 'Coverage'), 'Claim.resourceType'],
    ['a draft', (claim) => (claim['status'] = 'draft'), 'Claim.status'],
    ['a preauthorization', (claim) => (claim['use'] = 'preauthorization'), 'Claim.use'],
    ['no items', (claim) => (claim['item'] = []), 'Claim.item'],
    ['no patient', (claim) => delete claim['patient'], 'Claim.patient'],
    ['a group as the patient', (claim) => (claim['patient'] = { reference: 'Group/1' }), 'Claim.patient'],
    [
      'a patient elsewhere',
      (claim) => (claim['patient'] = { reference: 'https://x.example/Patient/1' }),
      'Claim.patient',
    ],
    ['a coverage without reference', (claim) => (claim['insurance'][0].coverage = { display: 'x' }), 'Claim.insurance'],
    ['no focal insurance', (claim) => (claim['insurance'][0].focal = false), 'Claim.insurance'],
    [
      'a service without a code',
      (claim) => (claim['item'][0].productOrService = { text: 'visit' }),
      'Claim.item[0].productOrService.coding',
    ],
    ['money with too many decimals', (claim) => (claim['item'][0].net.value = 1.001), 'Claim.item[0].net.value'],
    ['money below zero', (claim) => (claim['total'].value = -1), 'Claim.total.value'],
    ['a quantity of none', (claim) => (claim['item'][1].quantity.value = 0), 'Claim.item[1].quantity.value'],
    [
      'a quantity of nearly none',
      (claim) => (claim['item'][1].quantity.value = parseExact('0.0e5')),
      'Claim.item[1].quantity.value',
    ],
    [
      'a quantity out of all proportion',
      (claim) => (claim['item'][1].quantity.value = parseExact('1e400')),
      'Claim.item[1].unitPrice',
    ],
    [
      'a quantity that nobody could count',
      (claim) => (claim['item'][1].quantity.value = parseExact('1e4000')),
      'Claim.item[1].quantity.value',
    ],
    ['a price below zero', (claim) => (claim['item'][1].unitPrice.value = -0.001), 'Claim.item[1].unitPrice.value'],
    ['a factor below zero', (claim) => (claim['item'][1].factor = -1), 'Claim.item[1].factor'],
    ['a product out of range', (claim) => (claim['item'][1].quantity.value = 1e15), 'Claim.item[1].unitPrice'],
    ['a detail of nothing', (claim) => (claim['item'][0].detail = [{}]), 'Claim.item[0].detail[0].sequence'],
    [
      'a detail below zero',
      (claim) => (claim['item'][0].detail = [{ ...PART, net: { value: -1, currency: 'USD' } }]),
      'Claim.item[0].detail[0].net.value',
    ],
    [
      'a detail of a detail without a code',
      (claim) => (claim['item'][0].detail = [{ ...PART, subDetail: [{ sequence: 1 }] }]),
      'Claim.item[0].detail[0].subDetail[0].productOrService',
    ],
    [
      'two details of one sequence',
      (claim) => (claim['item'][0].detail = [PART, PART]),
      'Claim.item[0].detail.sequence',
    ],
    [
      'more details than can be decided',
      (claim) =>
        (claim['item'][0].detail = Array.from({ length: 100 }, (_, index) => ({
          ...{ ...PART, sequence: index + 1 },
          subDetail: Array.from({ length: 30 }, (_, under) => ({ ...PART, sequence: under + 1 })),
        }))),
      'Claim.item.detail',
    ],
    ['two items of one sequence', (claim) => (claim['item'][1].sequence = 1), 'Claim.item.sequence'],
    ['no date', (claim) => delete claim['billablePeriod'], 'Claim.item[0].serviced'],
    ['a month as the date', (claim) => (claim['item'][1].servicedDate = '2026-02'), 'Claim.item[1].serviced'],
    ['a day that is none', (claim) => (claim['item'][1].servicedDate = '2026-02-41'), 'Claim.item[1].servicedDate'],
    [
      'an end before its start',
      (claim) => (claim['billablePeriod'] = { start: '2026-02-10', end: '2026-02-09' }),
      'Claim.item[0].serviced',
    ],
    [
      'a span of years',
      (claim) => (claim['billablePeriod'] = { start: '2020-01-01', end: '2026-02-09' }),
      'Claim.item[0].serviced',
    ],
    [
      'a procedure that is not listed',
      (claim) => (claim['item'][0].procedureSequence = [1]),
      'Claim.item[0].procedureSequence',
    ],
    [
      'a long list of people',
      (claim) => (claim['careTeam'] = Array(51).fill({ sequence: 1, provider: {} })),
      'Claim.careTeam',
    ],
    [
      'an item that names too much',
      (claim) => (claim['item'][0].encounter = Array(51).fill({ reference: 'Encounter/x' })),
      'Claim.item[0].encounter',
    ],
    [
      'a code that only looks like another',
      (claim) => (claim['item'][0].productOrService.coding[0].code = '185317003\u200b'),
      'Claim.item[0].productOrService.coding[0].code',
    ],
    [
      'nothing billed',
      (claim) => {
        claim['item'] = [{ sequence: 1, productOrService: { coding: [{ code: 'x' }] } }];
        delete claim['total'];
      },
      'Claim.item',
    ],
  ];
  for (const [title, change, expression] of MALFORMED) {
    it(`refuses ${title}`, () => {
      expect(failure(() => readBill(claimWith(change)))).to.deep.equal({ code: 'INVALID', expression });
    });
  }

  it('refuses what is no object', () => {
    for (const odd of [null, undefined, 1, 'x', []]) {
      expect(failure(() => readBill(odd))).to.deep.equal({ code: 'INVALID', expression: 'Claim' });
    }
  });
});

describe('the diagnoses of a claim', () => {
  const diagnosis = [1, 4].map((sequence) => ({ sequence }));
  it('are those that its lines name', () => {
    checkDiagnoses({ diagnosis, item: [{}, { diagnosisSequence: [4, 1] }] });
    checkDiagnoses({ item: [{}] });
  });

  for (const [what, claim, at] of [
    [
      'one that is not listed',
      { diagnosis, item: [{}, { diagnosisSequence: [1, 2] }] },
      'Claim.item[1].diagnosisSequence',
    ],
    ['one of no list', { item: [{ diagnosisSequence: [1] }] }, 'Claim.item[0].diagnosisSequence'],
    ['one without a number', { diagnosis: [{}], item: [{}] }, 'Claim.diagnosis[0].sequence'],
  ] as const)
    it(`are refused: ${what}`, () => expect(failure(() => checkDiagnoses(claim)).expression).to.equal(at));
});

describe('the evidence of a claim', () => {
  it('is the patient, the services and the care team, each once, and whoever performed the services', () => {
    const { claim, encounter, procedure, observation, patient } = exampleClaim();
    claim['careTeam'] = [{ sequence: 1, provider: { reference: 'Practitioner/p' } }];
    claim['procedure'] = [{ sequence: 1, procedureReference: { reference: 'Procedure/q/_history/3' } }];
    claim['supportingInfo'] = [{ sequence: 1, valueReference: { reference: 'DocumentReference/d' } }];
    expect(evidenceOf(claim)).to.deep.equal([
      `Patient/${exampleIds.patient}`,
      'Practitioner/p',
      'Procedure/q',
      `Encounter/${exampleIds.encounter}`,
    ]);
    for (const record of [encounter, procedure, observation]) {
      expect(evidenceOf(record)).to.deep.equal([`Practitioner/${exampleIds.practitioner}`]);
    }
    expect(evidenceOf(patient)).to.deep.equal([]);
  });

  it('names only relative references', () => {
    const references = ['Patient/1', 'Patient/1/_history/2', 'urn:uuid:1', 'https://x.example/Patient/1', '#p', 7];
    expect(references.map((reference) => targetOf({ reference }))).to.deep.equal([
      ...['Patient/1', 'Patient/1'],
      ...[undefined, undefined, undefined, undefined],
    ]);
    expect([undefined, null, 'Patient/1'].map(targetOf)).to.deep.equal([undefined, undefined, undefined]);
  });
});

describe('days', () => {
  it('are what a date or dateTime names, and span a partial date', () => {
    const texts = ['2026', '2026-02', '2026-02-10', '2026-02-10T23:30:00-05:00'];
    expect(texts.map(firstDay)).to.deep.equal(['2026-01-01', '2026-02-01', '2026-02-10', '2026-02-10']);
    expect(texts.map(lastDay)).to.deep.equal(['2026-12-31', '2026-02-31', '2026-02-10', '2026-02-10']);
  });

  it('count across the end of a month and a leap day', () => {
    expect(daysFrom('2024-02-28', '2024-03-01')).to.deep.equal(['2024-02-28', '2024-02-29', '2024-03-01']);
    expect(countDays('2026-01-01', '2026-12-31')).to.equal(365);
    expect(addDays('2026-01-01', -1)).to.equal('2025-12-31');
  });

  it('lie within a span that is open where a period is', () => {
    expect(covers(daysOfPeriod({ start: '2026-02' }), '2026-02-01', '2030-01-01')).to.equal(true);
    expect(covers(daysOfPeriod({ end: '2026-02' }), '1990-01-01', '2026-02-28')).to.equal(true);
    expect(covers(daysOfPeriod({ end: '2026-02' }), '2026-02-28', '2026-03-01')).to.equal(false);
    expect(covers(daysOfPeriod(undefined), '0001-01-01', '9999-12-31')).to.equal(true);
  });
});
