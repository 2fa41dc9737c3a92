/**
 * The fee schedules of a provider: each counts on days of service, and a small book says which on which. The book and the schedules
 * that a claim needs are shown by whoever holds them; that there is a newer book cannot be hidden.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { type FeeSchedule, feeScheduleSchema, MAX_BOOK, type PriceBook, priceBookSchema } from '../model/claims.ts';
import { inForceOn, withNewer } from '../model/dated.ts';
import { LedgerError } from '../model/errors.ts';
import { type Contracting, privateKeys } from '../model/keys.ts';
import { exponentOf } from '../model/money.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { Tariffs } from '../rules/claim-facts.ts';
import { namedPrices } from '../rules/pricing.ts';
import { memberOfKind, putCopies } from './claim-states.ts';

interface ShownSchedule {
  generation: number;
  text: string;
}

export interface ShownPrices {
  /** The newest, of a provider that has no book. */
  feeSchedule?: ShownSchedule | undefined;
  prices?: { book: number; text: string; schedules: ShownSchedule[] } | undefined;
}

/** A schedule for a provider, beside those that it has. @throws LedgerError INVALID, CONFLICT where there is a newer book */
export async function loadFeeSchedule(call: Call<'LoadFeeSchedule'>): Promise<OutputOf<'LoadFeeSchedule'>> {
  const { input, caller, consortium, store } = call;
  const { known, before, ...tariff } = call.private;
  const { first, last, salt, currency } = tariff;
  memberOfKind(consortium, input.provider, 'provider', 'provider');
  if (exponentOf(currency) === undefined) throw new LedgerError('INVALID', 'not an ISO 4217 currency', 'currency');
  if (first !== undefined && last !== undefined && last < first)
    throw new LedgerError('INVALID', 'ends before it begins', 'last');
  const own = collections.billing(caller.organisation.name);
  const between = { payer: caller.organisation.name, provider: input.provider };
  const newest = await newestGeneration(store, own, between, known);
  const entries = await entriesBefore(store, between, before, newest);
  const days = { ...(first === undefined ? {} : { first }), ...(last === undefined ? {} : { last }) };
  const generation = newest + 1;
  const prices = namedPrices(tariff.prices);
  const schedule: FeeSchedule = {
    schema: 1,
    unlisted: 'not-covered',
    ...tariff,
    prices,
    names: 1,
    loadedAt: store.time,
  };
  const book: PriceBook = { schema: 1, salt, entries: withNewer(entries, { generation, ...days }) };
  if (book.entries.length > MAX_BOOK) throw new LedgerError('INVALID', 'too many days to tell apart', 'first');
  for (const [key, value] of [
    [privateKeys.feeSchedule(between, generation), schedule],
    [privateKeys.priceBook(between, (before?.book ?? 0) + 1), book],
  ] as const) {
    store.putPrivate(own, key, value);
    await putCopies(store, [input.provider], key, value);
  }
  return { time: store.time };
}

async function newestGeneration(store: Store, own: string, between: Contracting, known: number): Promise<number> {
  if (known > 0 && (await store.anchor(own, privateKeys.feeSchedule(between, known))) === undefined)
    throw new LedgerError('INVALID', 'there is no such generation', 'known');
  let newest = known;
  while ((await store.anchor(own, privateKeys.feeSchedule(between, newest + 1))) !== undefined) newest += 1;
  return newest;
}

/** What the book says so far. Of what was loaded before there was one, the newest counts on every day. */
async function entriesBefore(
  store: Store,
  between: Contracting,
  shown: { book: number; text: string } | undefined,
  newest: number,
): Promise<PriceBook['entries']> {
  const book = await checkBook(store, between, shown);
  if (book !== undefined) return book.entries;
  return newest === 0 ? [] : [{ generation: newest }];
}

async function checkBook(
  store: Store,
  between: Contracting,
  shown: { book: number; text: string } | undefined,
): Promise<PriceBook | undefined> {
  const own = collections.billing(between.payer);
  const number = shown?.book ?? 0;
  if ((await store.anchor(own, privateKeys.priceBook(between, number + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the payer has loaded other prices', 'feeSchedule');
  if (shown === undefined) return undefined;
  const key = privateKeys.priceBook(between, number);
  return checkPresented(store, own, key, shown.text, priceBookSchema, 'prices.text');
}

/**
 * The prices that are in force for a provider on some days, as they were shown; that there are none, or newer ones, cannot be hidden.
 * @param days YYYY-MM-DD @throws LedgerError CONFLICT, INVALID where one that is in force is not shown
 */
export async function checkPrices(
  store: Store,
  between: Contracting,
  shown: ShownPrices,
  days: readonly string[],
): Promise<Tariffs> {
  const book = await checkBook(store, between, shown.prices);
  if (book === undefined) {
    const only = await checkOnlySchedule(store, between, shown.feeSchedule);
    return { on: () => only, all: only === undefined ? [] : [only] };
  }
  const generations = new Map(days.map((day) => [day, inForceOn(book.entries, day)?.generation]));
  const schedules = new Map<number, FeeSchedule>();
  for (const generation of new Set(generations.values()))
    if (generation !== undefined) schedules.set(generation, await checkSchedule(store, between, shown, generation));
  const on = (day: string): FeeSchedule | undefined => schedules.get(generations.get(day) ?? 0);
  return { on, all: [...schedules.values()] };
}

async function checkSchedule(
  store: Store,
  between: Contracting,
  { prices }: ShownPrices,
  generation: number,
): Promise<FeeSchedule> {
  const shown = prices?.schedules.find((one) => one.generation === generation);
  if (shown === undefined)
    throw new LedgerError('INVALID', 'prices that are in force are not shown', 'prices.schedules');
  const key = privateKeys.feeSchedule(between, generation);
  return checkPresented(
    store,
    collections.billing(between.payer),
    key,
    shown.text,
    feeScheduleSchema,
    'prices.schedules',
  );
}

/** Of a provider without a book: the newest schedule counts on every day. */
async function checkOnlySchedule(
  store: Store,
  between: Contracting,
  shown: ShownSchedule | undefined,
): Promise<FeeSchedule | undefined> {
  const own = collections.billing(between.payer);
  const generation = shown?.generation ?? 0;
  if ((await store.anchor(own, privateKeys.feeSchedule(between, generation + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the payer has loaded other prices', 'feeSchedule');
  if (shown === undefined) return undefined;
  const key = privateKeys.feeSchedule(between, generation);
  return checkPresented(store, own, key, shown.text, feeScheduleSchema, 'feeSchedule');
}
