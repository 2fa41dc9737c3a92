/**
 * Marks: that something is over, in a collection that everybody holds. A mark is written once, and then by nobody without
 * all of the consortium, so that no two members take it back.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { all } from '@telemed-ledger/consortium/policies.ts';
import { restrictionHandle } from '../model/corrections.ts';
import { erasureHandle } from '../model/erasures.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { newestNumber } from '../model/series.ts';
import type { Store } from './store.ts';

/** @throws LedgerError CONFLICT at `expression` where the mark stands already */
export async function putMark(
  store: Store,
  { organisations }: Consortium,
  key: string,
  mark: object,
  expression: string,
): Promise<void> {
  const everybody = all(...organisations.map(({ mspId }) => mspId));
  await store.putOnce(collections.marks, key, mark, { expression, policy: everybody });
}

/** Whether a record of a provider is marked as erased, by its handle. Works on every peer. */
export const isMarkedErased = async (store: Store, handle: string): Promise<boolean> =>
  (await store.anchor(collections.marks, privateKeys.erased(handle))) !== undefined;

/** The number of the newest mark of a record's restrictions: odd while it is restricted. Works on every peer. */
export const newestRestriction = (store: Store, handle: string): Promise<number> =>
  newestNumber(async (n) => (await store.anchor(collections.marks, privateKeys.restricted(handle, n))) !== undefined);

/** Whether a record of a provider is to be delivered to nobody for now. Works on every peer. */
export const isRestricted = async (store: Store, provider: string, record: string): Promise<boolean> =>
  (await newestRestriction(store, restrictionHandle(provider, record))) % 2 === 1;

/**
 * Nothing rests on an erased record, none of its versions is shown, and none follows. Works on every peer.
 * @throws LedgerError CONFLICT at `expression`
 */
export async function checkNotErased(
  store: Store,
  provider: string,
  record: string,
  expression: string,
): Promise<void> {
  if (await isMarkedErased(store, erasureHandle(provider, record)))
    throw new LedgerError('CONFLICT', 'the record is erased', expression);
}
