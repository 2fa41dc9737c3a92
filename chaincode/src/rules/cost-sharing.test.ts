import { expect } from 'chai';
import fc from 'fast-check';
import { nothingUsed, plus, type Sums } from '../model/accumulators.ts';
import { type Bill, type BillItem, readBill } from '../model/bill.ts';
import { readCover } from '../model/coverage.ts';
import { type Changeable, exampleClaim } from '../model/example-claim.fixture.ts';
import { examplePlan } from '../model/example-plan.fixture.ts';
import { readPlan } from '../model/plans.ts';
import { type Adjudication, adjudicateClaim } from './adjudication.ts';
import { type Authorizations, NO_AUTHORIZATIONS } from './authorized-services.ts';
import type { Verdict } from './claims.ts';
import type { PlanFacts } from './cost-sharing.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const NONE: Verdict = { claim: undefined, lines: new Map() };
const YEAR = '2026-01-01';

interface Line {
  code: string;
  billed: number;
  day?: string;
  quantity?: number;
}

const [template] = readBill(exampleClaim().claim).items;
const billOf = (...lines: Line[]): Bill => ({
  ...readBill(exampleClaim().claim),
  items: lines.map(
    ({ code, billed, day = '2026-06-01', quantity = 1 }, index): BillItem => ({
      ...{ ...template!, sequence: index + 1, codes: [{ system: CPT, code }], billed, first: day, last: day },
      quantity: { digits: BigInt(quantity), scale: 0 },
    }),
  ),
});

interface Given {
  plan?: (plan: Changeable) => void;
  before?: Sums;
  provider?: string;
  authorizations?: Authorizations;
}

function decide(
  bill: Bill,
  { plan = () => {}, before, provider = 'hospital', authorizations = NO_AUTHORIZATIONS }: Given = {},
): Adjudication {
  const made = examplePlan();
  plan(made);
  const terms = readPlan(made, 1);
  const facts: PlanFacts = {
    ...{ on: (day) => (day.startsWith('2026') ? terms : undefined), provider, authorizations },
    ...{ before: new Map(before === undefined ? [] : [[YEAR, before]]), currencies: ['USD'] },
  };
  return adjudicateClaim(bill, readCover(exampleClaim().coverage), { on: () => undefined }, NONE, facts);
}

/** share, of it deductible, benefit, denied by */
const said = ({ items }: Adjudication): unknown[] =>
  items.map(({ share, deductible, benefit, denied }) =>
    denied === undefined ? [share, deductible, benefit] : [share, deductible, benefit, denied],
  );
const used = (sums: Partial<Sums>): Given => ({ before: { ...nothingUsed(), ...sums } });

describe('the cost sharing of a plan', () => {
  const CASES: [string, Line[], Given, unknown[]][] = [
    ['takes the deductible first, then the coinsurance', [{ code: 'z', billed: 30000 }], {}, [[14000, 10000, 16000]]],
    [
      'takes what is left of the deductible',
      [{ code: 'z', billed: 30000 }],
      used({ deductible: 9000 }),
      [[6800, 1000, 23200]],
    ],
    [
      'takes the copay of a visit once a day, and no deductible where the plan waives it',
      [
        { code: 'V', billed: 2000 },
        { code: 'V', billed: 10000 },
        { code: 'v', billed: 10000, day: '2026-06-02' },
      ],
      {},
      [
        [2000, 0, 0],
        [500, 0, 9500],
        [2500, 0, 7500],
      ],
    ],
    ['stops at the maximum out of pocket', [{ code: 'z', billed: 500000 }], {}, [[30000, 10000, 470000]]],
    [
      'takes nothing once that is reached',
      [{ code: 'V', billed: 10000 }],
      used({ outOfPocket: 30000 }),
      [[0, 0, 10000]],
    ],
    [
      'pays as many units as the year has, in parts of a line',
      [{ code: 'T', billed: 40000, quantity: 4 }],
      used({ deductible: 10000, used: { therapy: { units: 1, amount: 10000 } } }),
      [[0, 0, 20000]],
    ],
    [
      'pays no more than the year has in money',
      [{ code: 'T', billed: 60000 }],
      used({ deductible: 10000, used: { therapy: { units: 1, amount: 10000 } } }),
      [[0, 0, 40000]],
    ],
    [
      'denies what is beyond all limits',
      [{ code: 'T', billed: 60000 }],
      used({ used: { therapy: { units: 3, amount: 0 } } }),
      [[0, 0, 0, 'benefit-maximum']],
    ],
    ['denies what is excluded', [{ code: 'X', billed: 100 }], {}, [[0, 0, 0, 'excluded']]],
    [
      'denies within a waiting period',
      [{ code: 'W', billed: 100, day: '2026-03-31' }],
      {},
      [[0, 0, 0, 'waiting-period']],
    ],
    ['pays after it', [{ code: 'W', billed: 100, day: '2026-04-01' }], {}, [[100, 100, 0]]],
    ['denies without an authorization', [{ code: 'A', billed: 100 }], {}, [[0, 0, 0, 'no-authorization']]],
    ['denies outside the network', [{ code: 'z', billed: 100 }], { provider: 'clinic' }, [[0, 0, 0, 'out-of-network']]],
    [
      'pays outside the network by the terms for that',
      [{ code: 'V', billed: 30000 }],
      { provider: 'clinic' },
      [[20000, 10000, 10000]],
    ],
    [
      'denies on days without terms',
      [{ code: 'z', billed: 100, day: '2027-01-01' }],
      {},
      [[0, 0, 0, 'plan-not-in-force']],
    ],
  ];
  for (const [title, lines, given, expected] of CASES)
    it(title, () => {
      const decided = decide(billOf(...lines), given);
      expect(said(decided)).to.deep.equal(expected);
      for (const { submitted, benefit, share, reduction, adjustments } of decided.items) {
        expect(submitted).to.equal(benefit + share + reduction);
        expect(adjustments.reduce((sum, { units }) => sum + units, 0)).to.equal(submitted - benefit);
      }
    });

  it('covers nothing that is in no category, where the plan says so', () => {
    const closed = (plan: Changeable): void => {
      const other = plan['coverage'][0].benefit.at(-1);
      other.extension = [
        { url: 'https://telemed-ledger.example/fhir/StructureDefinition/plan-excluded', valueBoolean: true },
      ];
    };
    expect(said(decide(billOf({ code: 'z', billed: 1 }, { code: 'V', billed: 100 }), { plan: closed }))).to.deep.equal([
      [0, 0, 0, 'excluded'],
      [100, 0, 0],
    ]);
  });

  /** Decides claims one after the other. */
  function inOrder(claims: readonly Bill[]): { sums: Sums; decided: Adjudication[] } {
    let sums = nothingUsed();
    const decided = claims.map((bill) => {
      const one = decide(bill, { before: sums });
      sums = plus(sums, one.taken?.get(YEAR) ?? nothingUsed());
      return one;
    });
    return { sums, decided };
  }

  it('exceeds no maximum in any order of fifty claims, and its sums are those of the claims', () => {
    const line = fc.record({
      code: fc.constantFrom('V', 'T', 'X', 'z'),
      billed: fc.integer({ min: 0, max: 30_000 }),
      quantity: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 50 }),
        (claims) => {
          const { sums, decided } = inOrder(claims.map((lines) => billOf(...lines)));
          const items = decided.flatMap((one) => one.items);
          const sum = (of: (item: (typeof items)[number]) => number): number =>
            items.reduce((all, item) => all + of(item), 0);
          expect(sum(({ share }) => share)).to.equal(sums.outOfPocket);
          expect(sum(({ deductible }) => deductible)).to.equal(sums.deductible);
          expect(sums.outOfPocket).to.be.at.most(30_000);
          expect(sums.deductible).to.be.at.most(10_000);
          expect(sums.used['therapy']?.units ?? 0).to.be.at.most(3);
          expect(sums.used['therapy']?.amount ?? 0).to.be.at.most(50_000);
          for (const { submitted, benefit, share, reduction, adjustments } of items) {
            expect(submitted).to.equal(benefit + share + reduction);
            expect(adjustments.reduce((all, { units }) => all + units, 0)).to.equal(submitted - benefit);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('comes to the same deductible and the same maximum in any order', () => {
    // Tens of units: a fifth of each is whole, so that rounding tells no order from another.
    const amounts = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 50, maxLength: 50 });
    const shuffled = amounts.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        const sumsOf = (all: readonly number[]): Sums =>
          inOrder(all.map((tens) => billOf({ code: 'z', billed: tens * 10 }))).sums;
        expect(sumsOf(one)).to.deep.equal(sumsOf(other));
      }),
      { numRuns: 25 },
    );
  });
});
