import { expect } from 'chai';
import fc from 'fast-check';
import { type Bill, type BillPart, readBill } from '../model/bill.ts';
import type { FeeSchedule } from '../model/claims.ts';
import { type Cover, readCover } from '../model/coverage.ts';
import { exampleClaim, exampleSalt } from '../model/example-claim.fixture.ts';
import { ONE } from '../model/money.ts';
import { type Adjudication, adjudicateClaim, type Decided, type Decision } from './adjudication.ts';
import type { Tariffs } from './claim-facts.ts';
import type { Verdict } from './claims.ts';

const VISIT = '185317003';
const TEST = '166888009';

const tariff = (prices: Record<string, number>, unlisted?: FeeSchedule['unlisted']): FeeSchedule => ({
  ...{ schema: 1, salt: exampleSalt('b'), version: '2026-1', currency: 'USD', prices, unlisted },
  loadedAt: '2026-01-01T00:00:00.000Z',
});

const always = (schedule: FeeSchedule | undefined): Pick<Tariffs, 'on'> => ({ on: () => schedule });

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

/** A part that asks for so much. */
const partOf = (code: string, sequence: number, billed: number, parts: BillPart[] = []): BillPart => ({
  ...{ sequence, billed, parts, codes: [{ system: '', code }], modifiers: [], computed: undefined, quantity: ONE },
});
const all = (decided: Decided): Decided[] => [decided, ...decided.parts.flatMap(all)];
const isAsking = ({ submitted }: Decided): boolean => submitted > 0;
const AMOUNTS = ['submitted', 'eligible', 'share', 'deductible', 'benefit', 'reduction'] as const;

describe('adjudication', () => {
  for (const { title, cover, prices, denied = NONE, status, items, total } of CASES) {
    it(title, () => {
      const decided = adjudicateClaim(bill(), cover, always(prices && tariff(prices)), denied);
      expect(decided.status).to.equal(status);
      expect(decided.currency).to.equal('USD');
      expect(decided.items.map(row)).to.deep.equal(items);
      expect(row(decided.total)).to.deep.equal(total);
    });
  }

  it('pays nothing for what no price is agreed on, unless that is agreed', () => {
    const eligible = (unlisted?: FeeSchedule['unlisted']): number[] =>
      adjudicateClaim(bill(), coverWith(), always(tariff({ [TEST]: 1000 }, unlisted)), NONE).items.map(
        (item) => item.eligible,
      );
    expect(eligible('not-covered')).to.deep.equal([0, 2000]);
    expect(eligible('as-billed')).to.deep.equal([12000, 2000]);
    expect(eligible()).to.deep.equal([12000, 2000]);
  });

  it('goes by the prices of the day on which a service was rendered', () => {
    const made = bill();
    made.items[0]!.first = '2025-12-31';
    const on = (day: string): FeeSchedule =>
      day < '2026-01-01' ? tariff({ [VISIT]: 1000 }, 'not-covered') : tariff({ [TEST]: 500 }, 'not-covered');
    const { items } = adjudicateClaim(made, coverWith(), { on }, NONE);
    expect(items.map(({ eligible }) => eligible)).to.deep.equal([1000, 1000]);
  });

  it('looks prices up among the prices only', () => {
    const odd = bill();
    odd.items[0]!.codes = [{ system: '', code: 'constructor' }];
    expect(adjudicateClaim(odd, coverWith(), always(tariff({})), NONE).items[0]?.eligible).to.equal(12000);
  });

  /** The example's bill with its first line of 120.00 in details. */
  const inDetails = (...parts: BillPart[]): Bill => {
    const { items, ...rest } = bill();
    return { ...rest, items: [{ ...items[0]!, parts }, items[1]!] };
  };
  const decidedIn = (made: Bill, prices: Record<string, number>, verdict = NONE): Decided =>
    adjudicateClaim(made, coverWith(), always(tariff(prices, 'not-covered')), verdict).items[0]!;

  it('decides each detail by its own price, and what has none by nothing else', () => {
    const made = inDetails(partOf('a', 1, 10000), partOf('b', 2, 2000));
    const { parts, ...item } = decidedIn(made, { A: 4000 });
    expect(parts.map(row)).to.deep.equal([
      [10000, 4000, 0, 4000, 6000],
      [2000, 0, 0, 0, 2000],
    ]);
    expect(parts[1]?.denied).to.equal('not-covered');
    expect(row(item as Decided)).to.deep.equal([12000, 4000, 0, 4000, 8000]);
    expect(item.denied).to.equal(undefined);
    expect(item.adjustments).to.deep.equal([
      { name: 'contractual', units: 6000 },
      { name: 'not-covered', units: 2000 },
    ]);
  });

  it('limits details by the price of the item that they lie in, from the first on', () => {
    const made = inDetails(partOf('a', 1, 10000, [partOf('x', 1, 7000), partOf('y', 2, 3000)]), partOf('b', 2, 2000));
    const { parts } = decidedIn(made, { [VISIT]: 9000, y: 1000 });
    expect(parts[0]!.parts.map(({ eligible }) => eligible)).to.deep.equal([7000, 1000]);
    expect(parts[1]!.eligible).to.equal(1000);
  });

  it('denies a detail alone, all that lies in one, and an item of which nothing is left', () => {
    const made = inDetails(partOf('a', 1, 10000, [partOf('x', 1, 7000), partOf('y', 2, 3000)]), partOf('b', 2, 2000));
    const denying = (...places: string[]): Verdict => ({
      ...NONE,
      parts: new Map(places.map((place) => [place, { edit: 'arithmetic', version: '3', outcome: 'deny' }])),
    });
    const benefits = (...places: string[]): number[] =>
      all(decidedIn(made, { a: 99999, b: 99999 }, denying(...places))).map(({ benefit }) => benefit);
    expect(benefits()).to.deep.equal([12000, 10000, 7000, 3000, 2000]);
    expect(benefits('1.1.2')).to.deep.equal([9000, 7000, 7000, 0, 2000]);
    expect(benefits('1.1')).to.deep.equal([2000, 0, 0, 0, 2000]);
    expect(decidedIn(made, { a: 99999 }, denying('1.1')).denied).to.equal('arithmetic');
  });

  it('pays what has no price as billed up to a limit, or by the price of everything else', () => {
    const asked = (billed: number, terms: Partial<FeeSchedule>): [number, string | undefined] => {
      const made = { ...bill(), items: [{ ...bill().items[0]!, billed }] };
      const { eligible, denied } = adjudicateClaim(made, coverWith(), always({ ...tariff({}), ...terms }), NONE)
        .items[0]!;
      return [eligible, denied];
    };
    expect(asked(5_000_000, {})).to.deep.equal([5_000_000, undefined]);
    expect(asked(999_999_999_999_999, {})).to.deep.equal([0, 'no-agreed-price']);
    expect(asked(12001, { unlisted: 'as-billed', unlistedLimit: 12000 })).to.deep.equal([0, 'no-agreed-price']);
    expect(asked(12001, { unlisted: 'not-covered', defaultPrice: 7000 })).to.deep.equal([7000, undefined]);
    const [unpriced] = adjudicateClaim(
      { ...bill(), items: [{ ...bill().items[0]!, billed: 5_000_001 }] },
      coverWith(),
      always(undefined),
      NONE,
    ).items;
    expect(unpriced?.denied).to.equal('no-agreed-price');
  });

  it('loses and makes no money: submitted = benefit + share + reduction, per item and in all, never below zero', () => {
    const units = fc.integer({ min: 0, max: 10_000_000_000 });
    const line = fc.record({
      ...{ billed: units, price: fc.option(units), quantity: fc.integer({ min: 1, max: 999 }) },
      inIt: fc.array(fc.array(fc.integer({ min: 0, max: 50_000 }), { maxLength: 3 }), { maxLength: 3 }),
    });
    const sum = (parts: readonly BillPart[]): number => parts.reduce((all, { billed }) => all + billed, 0);
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
            items: lines.map(({ billed, quantity, inIt }, index) => {
              const parts = inIt.map((some, place) => {
                const deeper = some.map((asked, under) => partOf(`c${under}`, under + 1, asked));
                return partOf(`c${place}`, place + 1, sum(deeper), deeper);
              });
              return {
                ...{
                  ...template!,
                  sequence: index + 1,
                  billed: sum(parts) || billed,
                  codes: [{ system: '', code: `c${index}` }],
                },
                ...{ quantity: { digits: BigInt(quantity), scale: 1 }, parts },
              };
            }),
          };
          const priced = lines.flatMap(({ price }, index) => (price === null ? [] : [[`c${index}`, price] as const]));
          const cover: Cover = {
            ...coverWith(copay ?? undefined),
            coinsurance: hundredths === null ? undefined : { digits: BigInt(hundredths), scale: 2 },
          };
          const { items, total } = adjudicateClaim(
            made,
            cover,
            always(tariff(Object.fromEntries(priced))),
            denied ? ALL : without(1),
          );
          for (const decision of [...items.flatMap(all), total]) {
            const { submitted, eligible, share, benefit, reduction } = decision;
            expect(submitted).to.equal(benefit + share + reduction);
            expect(eligible).to.equal(benefit + share);
            if (decision !== total) {
              const { adjustments } = decision as Decided;
              const adjusted = adjustments.reduce((sofar, one) => sofar + one.units, 0);
              expect(adjusted).to.equal(submitted - benefit);
            }
            for (const amount of row(decision)) expect(Number.isSafeInteger(amount) && amount >= 0).to.equal(true);
          }
          for (const { parts, ...item } of items.flatMap(all).filter((one) => one.parts.some(isAsking)))
            for (const member of AMOUNTS)
              expect(
                parts.reduce((sum, part) => sum + part[member], 0),
                member,
              ).to.equal(item[member]);
          for (const member of ['submitted', 'eligible', 'share', 'benefit', 'reduction'] as const) {
            expect(items.reduce((sum, item) => sum + item[member], 0)).to.equal(total[member]);
          }
          expect(items.map(({ submitted }) => submitted)).to.deep.equal(made.items.map(({ billed }) => billed));
        },
      ),
    );
  });
});
