import { expect } from 'chai';
import fc from 'fast-check';
import { type Bill, readBill } from '../model/bill.ts';
import type { FeeSchedule } from '../model/claims.ts';
import { type Cover, readCover } from '../model/coverage.ts';
import { exampleClaim, exampleSalt } from '../model/example-claim.fixture.ts';
import { type Adjudication, adjudicateClaim, type Decision } from './adjudication.ts';
import type { Verdict } from './claims.ts';

const VISIT = '185317003';
const TEST = '166888009';

const tariff = (prices: Record<string, number>, unlisted?: FeeSchedule['unlisted']): FeeSchedule => ({
  ...{ schema: 1, salt: exampleSalt('b'), version: '2026-1', currency: 'USD', prices, unlisted },
  loadedAt: '2026-01-01T00:00:00.000Z',
});

/** A cover with a copay in cents and a coinsurance in per cent; undefined for none. */
const coverWith = (copay?: number, percent?: number): Cover => ({
  ...readCover(exampleClaim().coverage),
  copay: copay === undefined ? undefined : { units: copay, currency: 'USD' },
  coinsurance: percent === undefined ? undefined : { digits: BigInt(percent), scale: 0 },
});

const ALL: Verdict = { claim: { edit: 'currency', version: '1', outcome: 'deny' }, lines: new Map() };
const NONE: Verdict = { claim: undefined, lines: new Map() };
/** These lines do not stand. */
const without = (...sequences: number[]): Verdict => ({
  claim: undefined,
  lines: new Map(sequences.map((one) => [one, { edit: 'duplicate', version: '1', outcome: 'deny' }])),
});

const bill = (): Bill => readBill(exampleClaim().claim);

/** submitted, eligible, share, benefit, reduction */
const row = ({ submitted, eligible, share, benefit, reduction }: Decision): number[] => [
  ...[submitted, eligible, share, benefit, reduction],
];

interface Case {
  title: string;
  cover: Cover;
  prices?: Record<string, number>;
  denied?: Verdict;
  status: Adjudication['status'];
  items: number[][];
  total: number[];
}

const CASES: Case[] = [
  {
    title: 'pays all that is billed where the patient pays nothing and no price is set',
    cover: coverWith(),
    status: 'approved',
    items: [
      [12000, 12000, 0, 12000, 0],
      [3050, 3050, 0, 3050, 0],
    ],
    total: [15050, 15050, 0, 15050, 0],
  },
  {
    title:
      "takes the copay once and the coinsurance of what is left, and still approves: that is the patient's contract",
    cover: coverWith(2000, 10),
    status: 'approved',
    items: [
      [12000, 12000, 3000, 9000, 0],
      [3050, 3050, 305, 2745, 0],
    ],
    total: [15050, 15050, 3305, 11745, 0],
  },
  {
    title: 'carries a copay that the first item cannot hold on to the next',
    cover: coverWith(13000),
    status: 'approved',
    items: [
      [12000, 12000, 12000, 0, 0],
      [3050, 3050, 1000, 2050, 0],
    ],
    total: [15050, 15050, 13000, 2050, 0],
  },
  {
    title: 'allows the price times the quantity, and pays in part',
    cover: coverWith(),
    prices: { [TEST]: 1000 },
    status: 'partial',
    items: [
      [12000, 12000, 0, 12000, 0],
      [3050, 2000, 0, 2000, 1050],
    ],
    total: [15050, 14000, 0, 14000, 1050],
  },
  {
    title: 'never pays more than was billed',
    cover: coverWith(),
    prices: { [VISIT]: 99999, [TEST]: 99999 },
    status: 'approved',
    items: [
      [12000, 12000, 0, 12000, 0],
      [3050, 3050, 0, 3050, 0],
    ],
    total: [15050, 15050, 0, 15050, 0],
  },
  {
    title: 'prefers a price of the code in its system to one of the bare code',
    cover: coverWith(),
    prices: { [`http://snomed.info/sct|${VISIT}`]: 8000, [VISIT]: 100 },
    status: 'partial',
    items: [
      [12000, 8000, 0, 8000, 4000],
      [3050, 3050, 0, 3050, 0],
    ],
    total: [15050, 11050, 0, 11050, 4000],
  },
  {
    title: 'leaves it to the patient where the patient pays everything',
    cover: coverWith(undefined, 100),
    status: 'patient-responsibility',
    items: [
      [12000, 12000, 12000, 0, 0],
      [3050, 3050, 3050, 0, 0],
    ],
    total: [15050, 15050, 15050, 0, 0],
  },
  {
    title: 'denies where every price is nothing',
    cover: coverWith(2000, 10),
    prices: { [VISIT]: 0, [TEST]: 0 },
    status: 'denied',
    items: [
      [12000, 0, 0, 0, 12000],
      [3050, 0, 0, 0, 3050],
    ],
    total: [15050, 0, 0, 0, 15050],
  },
  {
    title: 'pays the lines that stand, with the copay from them, and nothing of one that is denied',
    cover: coverWith(2000),
    denied: without(1),
    status: 'partial',
    items: [
      [12000, 0, 0, 0, 12000],
      [3050, 3050, 2000, 1050, 0],
    ],
    total: [15050, 3050, 2000, 1050, 12000],
  },
  {
    title: 'finds a price whatever the case of the letters',
    cover: coverWith(),
    prices: { 'HTTP://SNOMED.INFO/SCT|185317003': 8000 },
    status: 'partial',
    items: [
      [12000, 8000, 0, 8000, 4000],
      [3050, 3050, 0, 3050, 0],
    ],
    total: [15050, 11050, 0, 11050, 4000],
  },
  {
    title: 'allows nothing of a claim that an edit denies',
    cover: coverWith(2000, 10),
    denied: ALL,
    status: 'denied',
    items: [
      [12000, 0, 0, 0, 12000],
      [3050, 0, 0, 0, 3050],
    ],
    total: [15050, 0, 0, 0, 15050],
  },
];

describe('adjudication', () => {
  for (const { title, cover, prices, denied = NONE, status, items, total } of CASES) {
    it(title, () => {
      const decided = adjudicateClaim(bill(), cover, prices && tariff(prices), denied);
      expect(decided.status).to.equal(status);
      expect(decided.currency).to.equal('USD');
      expect(decided.items.map(row)).to.deep.equal(items);
      expect(row(decided.total)).to.deep.equal(total);
    });
  }

  it('pays nothing for what no price is agreed on, unless that is agreed', () => {
    const eligible = (unlisted?: FeeSchedule['unlisted']): number[] =>
      adjudicateClaim(bill(), coverWith(), tariff({ [TEST]: 1000 }, unlisted), NONE).items.map((item) => item.eligible);
    expect(eligible('not-covered')).to.deep.equal([0, 2000]);
    expect(eligible('as-billed')).to.deep.equal([12000, 2000]);
    expect(eligible()).to.deep.equal([12000, 2000]);
  });

  it('looks prices up among the prices only', () => {
    const odd = bill();
    odd.items[0]!.codes = [{ system: '', code: 'constructor' }];
    expect(adjudicateClaim(odd, coverWith(), tariff({}), NONE).items[0]?.eligible).to.equal(12000);
  });

  it('loses and makes no money: submitted = benefit + share + reduction, per item and in all, never below zero', () => {
    const units = fc.integer({ min: 0, max: 10_000_000_000 });
    const line = fc.record({ billed: units, price: fc.option(units), quantity: fc.integer({ min: 1, max: 999 }) });
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 12 }),
        fc.option(units),
        fc.option(fc.integer({ min: 0, max: 10_000 })),
        fc.boolean(),
        (lines, copay, hundredths, denied) => {
          const [template] = bill().items;
          const made: Bill = {
            ...bill(),
            items: lines.map(({ billed, quantity }, index) => ({
              ...{ ...template!, sequence: index + 1, billed, codes: [{ system: '', code: `c${index}` }] },
              quantity: { digits: BigInt(quantity), scale: 1 },
            })),
          };
          const priced = lines.flatMap(({ price }, index) => (price === null ? [] : [[`c${index}`, price] as const]));
          const cover: Cover = {
            ...coverWith(copay ?? undefined),
            coinsurance: hundredths === null ? undefined : { digits: BigInt(hundredths), scale: 2 },
          };
          const { items, total } = adjudicateClaim(
            made,
            cover,
            tariff(Object.fromEntries(priced)),
            denied ? ALL : without(1),
          );
          for (const decision of [...items, total]) {
            const { submitted, eligible, share, benefit, reduction } = decision;
            expect(submitted).to.equal(benefit + share + reduction);
            expect(eligible).to.equal(benefit + share);
            for (const amount of row(decision)) expect(Number.isSafeInteger(amount) && amount >= 0).to.equal(true);
          }
          for (const member of ['submitted', 'eligible', 'share', 'benefit', 'reduction'] as const) {
            expect(items.reduce((sum, item) => sum + item[member], 0)).to.equal(total[member]);
          }
          expect(items.map(({ submitted }) => submitted)).to.deep.equal(lines.map(({ billed }) => billed));
        },
      ),
    );
  });
});
