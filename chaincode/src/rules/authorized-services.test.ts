import { expect } from 'chai';
import fc from 'fast-check';
import { nothingUsed, plus, type Sums } from '../model/accumulators.ts';
import { type AuthorizationDecision, type AuthorizationState, membersNamed } from '../model/authorizations.ts';
import { type Bill, type BillItem, readBill } from '../model/bill.ts';
import { readCover } from '../model/coverage.ts';
import { type Changeable, exampleClaim } from '../model/example-claim.fixture.ts';
import { examplePlan } from '../model/example-plan.fixture.ts';
import { readPlan } from '../model/plans.ts';
import { type Adjudication, adjudicateClaim } from './adjudication.ts';
import { adjustmentOf } from './adjustments.ts';
import { authorizationResponseOf } from './authorization-response.ts';
import { decided, readAsked } from './authorizations.ts';
import {
  type Authorizations,
  authorizedLines,
  type DecidedOn,
  inForce,
  NO_AUTHORIZATIONS,
} from './authorized-services.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const TYPES = 'https://codesystem.x12.org/005010/1365';
const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
const ID = '5a5a5a5a-0000-4000-8000-000000000001';
const APPROVED: AuthorizationDecision = { outcome: 'approve' };

const asked = (code: string, more: object = {}, system = CPT): object => ({
  productOrService: { coding: [{ system, code }] },
  ...more,
});

/** A request as it was decided. @param items in their order */
function authorized(
  items: readonly object[],
  decision: AuthorizationDecision = APPROVED,
  { use = 'preauthorization', isNamed = false, id = ID } = {},
): Authorizations {
  const claim = exampleClaim().claim as Changeable;
  const item = items.map((one, index) => ({ sequence: index + 1, ...one }));
  Object.assign(claim, { id, use, item });
  delete claim['billablePeriod'];
  const request = readAsked(claim);
  const { status, items: lines } = decided(request, decision);
  const at = '2026-02-10T10:00:00.000Z';
  const state = {
    id,
    step: 2,
    payer: 'payer',
    status,
    receivedAt: at,
    decidedAt: at,
    updatedAt: at,
    urgency: 'standard',
  };
  const response = authorizationResponseOf({
    ...{ responseId: 'r', claim, asked: request, state: state as AuthorizationState, items: lines, decision },
  });
  const found = authorizedLines({ id, isOwn: true, receivedAt: at }, claim, response);
  return { isNamed, all: [{ id, on: () => found }] };
}

interface Line {
  code: string;
  billed?: number;
  day?: string;
  quantity?: number;
  system?: string;
}
const [template] = readBill(exampleClaim().claim).items;
const billOf = (...lines: Line[]): Bill => ({
  ...readBill(exampleClaim().claim),
  items: lines.map(
    ({ code, billed = 10_000, day = '2026-03-01', quantity = 1, system = CPT }, index): BillItem => ({
      ...{ ...template!, sequence: index + 1, codes: [{ system, code }], billed, first: day, last: day },
      quantity: { digits: BigInt(quantity), scale: 0 },
    }),
  ),
});

/** By the example plan without its costs: of code A, and those of its family, none is paid without an authorization. */
function decide(bill: Bill, authorizations: Authorizations, before = new Map<string, Sums>()): Adjudication {
  const plan = examplePlan();
  delete plan['plan'];
  const benefit = plan['coverage'][0].benefit.find((one: Changeable) => one['type'].coding[0].code === 'authorized');
  const url = 'https://telemed-ledger.example/fhir/StructureDefinition/plan-service';
  for (const code of ['97110', '97112', '97140']) benefit.extension.push({ url, valueCoding: { system: CPT, code } });
  benefit.extension.push({ url, valueCoding: { system: TYPES, code: 'PT' } });
  const terms = readPlan(plan, 1);
  return adjudicateClaim(bill, readCover(exampleClaim().coverage), { on: () => undefined }, NONE, {
    ...{ on: () => terms, before, provider: 'hospital', authorizations, currencies: [] },
  });
}
const NONE = { claim: undefined, lines: new Map() };
const said = ({ items }: Adjudication): unknown[] =>
  items.map(({ benefit, denied }) => (denied === undefined ? benefit : denied));

describe('what is authorized', () => {
  const three = [asked('A', { quantity: { value: 3 } })];
  const ended = { ...APPROVED, period: { start: '2026-02-11', end: '2026-03-31' } };
  const why = { reason: { text: 'why' } };
  const CASES: [string, Authorizations, Line[], unknown[]][] = [
    ['nothing without a request', NO_AUTHORIZATIONS, [{ code: 'A' }], ['no-authorization']],
    [
      'nothing under a number that there is not',
      { isNamed: true, all: [] },
      [{ code: 'A' }],
      ['authorization-invalid'],
    ],
    ['a service, whatever case its code is in', authorized([asked('A')]), [{ code: 'a' }], [10_000]],
    ['no other service', authorized([asked('B')]), [{ code: 'A' }], ['no-authorization']],
    [
      'no other service under its number',
      authorized([asked('B')], APPROVED, { isNamed: true }),
      [{ code: 'A' }],
      ['authorization-invalid'],
    ],
    ['no code of another system', authorized([asked('A', {}, 'urn:x')]), [{ code: 'A' }], ['no-authorization']],
    [
      'what lies in a range of codes',
      authorized([
        asked('97110', {
          extension: [
            {
              url: `${PAS}/extension-productOrServiceCodeEnd`,
              valueCodeableConcept: { coding: [{ system: CPT, code: '97112' }] },
            },
          ],
        }),
      ]),
      [{ code: '97110' }, { code: '97112' }, { code: '97140' }],
      [10_000, 10_000, 'no-authorization'],
    ],
    [
      'a kind of services by its service type',
      authorized([asked('PT', {}, TYPES)]),
      [{ code: '97110' }, { code: '97140' }],
      [10_000, 10_000],
    ],
    [
      'no kind that the plan does not have so',
      authorized([asked('3', {}, TYPES)]),
      [{ code: '97110' }],
      ['no-authorization'],
    ],
    ['as many units as were asked for', authorized(three), [{ code: 'A', quantity: 3 }], [10_000]],
    ['of more units those', authorized(three), [{ code: 'A', quantity: 4 }], [7_500]],
    [
      'of several lines those that come first',
      authorized(three),
      [{ code: 'A', quantity: 2 }, { code: 'A', quantity: 2 }, { code: 'A' }],
      [10_000, 5_000, 'authorization-exceeded'],
    ],
    [
      'as many as the payer said',
      authorized(three, {
        outcome: 'modify',
        ...why,
        items: [{ sequence: 1, outcome: 'modify', quantity: 1, ...why }],
      }),
      [{ code: 'A', quantity: 2 }],
      [5_000],
    ],
    ['any number where nobody said how many', authorized([asked('A')]), [{ code: 'A', quantity: 500 }], [10_000]],
    [
      'on the days that the payer said',
      authorized(three, ended),
      [
        { code: 'A', day: '2026-02-10' },
        { code: 'A', day: '2026-02-11' },
        { code: 'A', day: '2026-03-31' },
        { code: 'A', day: '2026-04-01' },
      ],
      ['authorization-exceeded', 10_000, 10_000, 'authorization-exceeded'],
    ],
    [
      'else on those that were asked for',
      authorized([asked('A', { servicedPeriod: { start: '2026-03-01', end: '2026-03' } })]),
      [
        { code: 'A', day: '2026-02-28' },
        { code: 'A', day: '2026-03-31' },
        { code: 'A', day: '2026-04-01' },
      ],
      ['authorization-exceeded', 10_000, 'authorization-exceeded'],
    ],
    [
      'else from when it was asked on, wherever that was',
      authorized([asked('A')]),
      [
        { code: 'A', day: '2026-02-08' },
        { code: 'A', day: '2026-02-09' },
        { code: 'A', day: '2027-02-09' },
      ],
      ['authorization-exceeded', 10_000, 10_000],
    ],
    [
      'nothing that was denied',
      authorized([asked('A')], { outcome: 'deny', ...why }),
      [{ code: 'A' }],
      ['authorization-denied'],
    ],
    [
      'of lines those that were approved',
      authorized([asked('A'), asked('97110')], { ...APPROVED, items: [{ sequence: 2, outcome: 'deny', ...why }] }),
      [{ code: 'A' }, { code: '97110' }],
      [10_000, 'authorization-denied'],
    ],
    [
      'nothing by a predetermination',
      authorized([asked('A')], APPROVED, { use: 'predetermination' }),
      [{ code: 'A' }],
      ['no-authorization'],
    ],
    ['without being needed', NO_AUTHORIZATIONS, [{ code: 'z' }], [10_000]],
  ];
  for (const [title, authorizations, lines, expected] of CASES)
    it(title, () => {
      const adjudication = decide(billOf(...lines), authorizations);
      expect(said(adjudication)).to.deep.equal(expected);
      for (const { submitted, benefit, reduction, adjustments } of adjudication.items) {
        expect(submitted).to.equal(benefit + reduction);
        expect(adjustments.reduce((sum, { units }) => sum + units, 0)).to.equal(reduction);
      }
    });

  it('is said by X12’s codes', () => {
    const codes = ['no-authorization', 'authorization-exceeded', 'authorization-denied', 'authorization-invalid'].map(
      (name) => adjustmentOf(name).reason.coding.map(({ code }) => code),
    );
    expect(codes).to.deep.equal([
      ['CO', '197', 'no-authorization'],
      ['CO', '198', 'authorization-exceeded'],
      ['CO', '39', 'authorization-denied'],
      ['CO', '15', 'authorization-invalid'],
    ]);
  });

  it('lets no code ride on another', () => {
    const bill = billOf({ code: 'A' });
    bill.items[0]!.codes.push({ system: CPT, code: '97110' });
    expect(said(decide(bill, authorized([asked('A')])))).to.deep.equal(['no-authorization']);
    bill.items[0]!.codes[1] = { system: 'http://snomed.info/sct', code: '91251008' };
    expect(said(decide(bill, authorized([asked('A')])))).to.deep.equal([10_000]);
  });

  it('links what is for the service, a predetermination too', () => {
    const { linked = [] } = decide(billOf({ code: 'A' }, { code: 'z' }), {
      isNamed: false,
      all: [
        ...authorized([asked('A')]).all,
        ...authorized([asked('z')], APPROVED, { use: 'predetermination', id: ID.replace('1', '2') }).all,
        ...authorized([asked('Q')], APPROVED, { id: ID.replace('1', '3') }).all,
      ],
    });
    expect(linked.map(({ authorization, number }) => [authorization, number])).to.deep.equal([
      [ID, `PA-${ID.slice(0, 8)}-2`],
      [ID.replace('1', '2'), undefined],
    ]);
  });

  it('pays no more units than were authorized, in any claims and any order', () => {
    const line = fc.record({ code: fc.constantFrom('A', '97110'), quantity: fc.integer({ min: 1, max: 5 }) });
    const claims = fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { maxLength: 30 });
    fc.assert(
      fc.property(claims, fc.integer({ min: 1, max: 20 }), (all, units) => {
        const authorizations = authorized([
          asked('A', { quantity: { value: units } }),
          asked('97110', { quantity: { value: 2 } }),
        ]);
        let sums = nothingUsed();
        let paid = 0;
        for (const lines of all) {
          const bill = billOf(...lines.map((one) => ({ ...one, billed: one.quantity * 100 })));
          const { items, taken } = decide(bill, authorizations, new Map([[ID, sums]]));
          paid += items.reduce((sum, { benefit }) => sum + benefit / 100, 0);
          sums = plus(sums, taken?.get(ID) ?? nothingUsed());
        }
        const wanted = (code: string): number =>
          all.flat().reduce((sum, one) => sum + (one.code === code ? one.quantity : 0), 0);
        expect(paid).to.equal(Math.min(units, wanted('A')) + Math.min(2, wanted('97110')));
        expect(sums.used['1']?.units ?? 0).to.equal(Math.min(units, wanted('A')));
      }),
      { numRuns: 100 },
    );
  });
});

describe('which decision of a request is in force', () => {
  const decisions = (...all: [string, DecidedOn['status']][]): DecidedOn[] =>
    all.map(([day, status], index) => ({ day, status, step: index + 1 }));
  const CASES: [string, DecidedOn[], string, number | undefined][] = [
    ['none while it is pended', decisions(['2026-01-01', 'pended']), '2026-02-01', undefined],
    [
      'the first, on days before it too',
      decisions(['2026-01-05', 'pended'], ['2026-01-10', 'approved']),
      '2026-01-01',
      2,
    ],
    [
      'the last by that day',
      decisions(['2026-01-01', 'approved'], ['2026-02-01', 'pended'], ['2026-03-01', 'denied']),
      '2026-03-01',
      3,
    ],
    [
      'the one before, while a revision is open and on earlier days',
      decisions(['2026-01-01', 'approved'], ['2026-02-01', 'pended'], ['2026-03-01', 'denied']),
      '2026-02-28',
      1,
    ],
    [
      'the one before it was taken back',
      decisions(['2026-01-01', 'partial'], ['2026-03-01', 'cancelled']),
      '2026-02-28',
      1,
    ],
    ['that it was taken back', decisions(['2026-01-01', 'partial'], ['2026-03-01', 'cancelled']), '2026-03-02', 2],
  ];
  for (const [title, all, day, step] of CASES)
    it(title, () => {
      expect(inForce(all, day)?.step).to.equal(step);
    });
});

describe('for whom it is authorized', () => {
  const named = (value: string): object => ({
    identifier: { system: 'https://telemed-ledger.example/organisations', value },
  });
  const CASES: [string, object, string | undefined, string[]][] = [
    ['whoever asks, where that is a member', {}, 'clinic', ['clinic']],
    ['anybody, where nobody here asks', {}, undefined, []],
    ['whom it names', { careTeam: [{ provider: named('hospital') }] }, 'clinic', ['hospital']],
    [
      'whom it contains',
      {
        careTeam: [{ provider: { reference: '#h' } }],
        contained: [
          { resourceType: 'Organization', id: 'h', identifier: [(named('hospital') as Changeable)['identifier']] },
        ],
      },
      undefined,
      ['hospital'],
    ],
    [
      'not a person of nobody’s here',
      { careTeam: [{ provider: { reference: 'Practitioner/x' } }] },
      'clinic',
      ['clinic'],
    ],
  ];
  for (const [title, claim, provider, expected] of CASES)
    it(title, () => {
      expect([...membersNamed(claim as never, provider)]).to.deep.equal(expected);
    });
});
