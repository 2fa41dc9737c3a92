/** The fee schedules between a payer and a provider as they are shown to endorsers: the newest book, and what of it a claim needs. */
import { priceBookSchema } from '@telemed-ledger/chaincode/model/claims.ts';
import { inForceOn } from '@telemed-ledger/chaincode/model/dated.ts';
import { type Contracting, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { notHereYet } from '../../http/failures.ts';
import type { ReadModel } from '../../index/read/queries.ts';

interface Shown {
  book: number;
  text: string;
}

/** @throws {Failure} 503 where it has not arrived */
async function textAt(index: ReadModel, own: string, key: string): Promise<string> {
  const text = await index.evidence.text(own, key);
  if (text === undefined) throw notHereYet(1);
  return text;
}

/** The newest book of a provider's fee schedules; undefined where there is none. @throws {Failure} 503 */
export async function bookShown(index: ReadModel, own: string, between: Contracting): Promise<Shown | undefined> {
  const book = await index.evidence.newest(own, privateKeys.priceBook(between, 0).slice(0, -1));
  return book === 0 ? undefined : { book, text: await textAt(index, own, privateKeys.priceBook(between, book)) };
}

/**
 * What a claim is priced by. @param own the collection of this organisation's billing @param days YYYY-MM-DD
 * @throws {Failure} 503 where something of it has not arrived
 */
export async function pricesShown(index: ReadModel, own: string, between: Contracting, days: readonly string[]) {
  const scheduleAt = async (generation: number) => ({
    generation,
    text: await textAt(index, own, privateKeys.feeSchedule(between, generation)),
  });
  const shown = await bookShown(index, own, between);
  if (shown === undefined) {
    const generation = await index.evidence.newest(own, privateKeys.feeSchedule(between, 0).slice(0, -1));
    return generation === 0 ? {} : { feeSchedule: await scheduleAt(generation) };
  }
  const { entries } = priceBookSchema.parse(JSON.parse(shown.text));
  const needed = new Set(days.flatMap((day) => inForceOn(entries, day)?.generation ?? []));
  return { prices: { ...shown, schedules: await Promise.all([...needed].map(scheduleAt)) } };
}
