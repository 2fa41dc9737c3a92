/**
 * What members use of plan years. Each adjudication writes the next entry, on the newest, which is shown; of two at once one is refused,
 * and sends again. Giving back needs to show nothing: it is the next of a series, which the next entry takes into account.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import {
  type Accumulator,
  accumulatorSchema,
  isNothing,
  minus,
  nothingUsed,
  plus,
  type Return,
  returnSchema,
  type Sums,
  type Taken,
} from '../model/accumulators.ts';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { newestNumber } from '../model/series.ts';

export interface ShownUsage {
  year: string;
  entry: number;
  text?: string | undefined;
  returns: string[];
}

/** A plan year of a member as it stands. */
interface Usage {
  entry: number;
  returned: number;
  totals: Sums;
}

interface Member {
  payer: string;
  /** Id of the coverage. */
  coverage: string;
}

/**
 * What was used of these plan years, as it was shown; that there is more cannot be hidden.
 * @throws LedgerError CONFLICT where there is a newer entry, or more was given back
 */
export async function checkUsage(
  store: Store,
  member: Member,
  years: readonly string[],
  shown: readonly ShownUsage[],
): Promise<Map<string, Usage>> {
  const found = new Map<string, Usage>();
  for (const year of years) {
    const one = shown.find((usage) => usage.year === year) ?? { year, entry: 0, returns: [] };
    found.set(year, await checkYear(store, member, one));
  }
  return found;
}

async function checkYear(
  store: Store,
  { payer, coverage }: Member,
  { year, entry, text = '', returns }: ShownUsage,
): Promise<Usage> {
  const own = collections.billing(payer);
  const before =
    entry === 0
      ? { totals: nothingUsed(), returned: 0 }
      : await checkPresented(
          store,
          own,
          privateKeys.accumulator(coverage, year, entry),
          text,
          accumulatorSchema,
          'usage',
        );
  const returned = before.returned + returns.length;
  for (const key of [
    privateKeys.accumulator(coverage, year, entry + 1),
    privateKeys.accumulatorReturn(coverage, year, returned + 1),
  ])
    if ((await store.anchor(own, key)) !== undefined)
      throw new LedgerError('CONFLICT', 'more was used of the plan by now', 'usage');
  let { totals } = before;
  for (const [index, one] of returns.entries()) {
    const key = privateKeys.accumulatorReturn(coverage, year, before.returned + index + 1);
    totals = minus(totals, (await checkPresented(store, own, key, one, returnSchema, 'usage')).sums);
  }
  return { entry, returned, totals };
}

/** What a claim takes of plan years, by their first days, and what it took before, which is given back. */
interface Taking {
  id: string;
  salt: string;
  currency: string;
  taken: ReadonlyMap<string, Sums>;
  earlier: readonly Taken[];
}

/** Writes what a claim takes of plan years, each as the next entry, and says which these are. */
export function takeUsage(
  store: Store,
  { payer, coverage }: Member,
  usage: ReadonlyMap<string, Usage>,
  claim: Taking,
): Taken[] {
  const own = collections.billing(payer);
  const years = new Set([...claim.taken.keys(), ...claim.earlier.map(({ year }) => year)]);
  return [...years].flatMap((year) => {
    const before = usage.get(year)!;
    const earlier = claim.earlier.find((one) => one.year === year);
    const returned = before.returned + (earlier === undefined ? 0 : 1);
    if (earlier !== undefined)
      store.putPrivate(
        own,
        privateKeys.accumulatorReturn(coverage, year, returned),
        returnOf(coverage, earlier, claim.salt),
      );
    const sums = claim.taken.get(year) ?? nothingUsed();
    if (isNothing(sums)) return [];
    const entry = before.entry + 1;
    const value: Accumulator = {
      ...{ schema: 1, coverage, year, salt: sha256Hex(`accumulator/${year}/${claim.salt}`) },
      ...{ claim: sha256Hex(`${claim.id}/${claim.salt}`), currency: claim.currency },
      ...{ totals: plus(withoutEarlier(before.totals, earlier), sums), returned },
    };
    store.putPrivate(own, privateKeys.accumulator(coverage, year, entry), value);
    return [{ year, entry, sums }];
  });
}

const withoutEarlier = (totals: Sums, earlier: Taken | undefined): Sums =>
  earlier === undefined ? totals : minus(totals, earlier.sums);

/** What others have used of plan years, by their first days: a claim that is decided anew does not count against itself. */
export const usedByOthers = (usage: ReadonlyMap<string, Usage>, earlier: readonly Taken[]): Map<string, Sums> =>
  new Map(
    [...usage].map(([year, { totals }]) => [
      year,
      withoutEarlier(
        totals,
        earlier.find((one) => one.year === year),
      ),
    ]),
  );

const returnOf = (coverage: string, { year, sums }: Taken, salt: string): Return => ({
  ...{ schema: 1, coverage, year, sums, salt: sha256Hex(`accumulator-return/${year}/${salt}`) },
});

/** Gives back what a claim took: where it is taken back, voided or replaced. @param salt of the transaction */
export async function returnUsage(
  store: Store,
  { payer, coverage }: Member,
  taken: readonly Taken[],
  salt: string,
): Promise<void> {
  const own = collections.billing(payer);
  for (const one of taken) {
    const at = (n: number): string => privateKeys.accumulatorReturn(coverage, one.year, n);
    const newest = await newestNumber(async (n) => (await store.anchor(own, at(n))) !== undefined);
    store.putPrivate(own, at(newest + 1), returnOf(coverage, one, salt));
  }
}
