/** The marks of patients' keys: written whenever a ring changes, read by whoever endorses what she says of her claims. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { putMark } from '../ledger/marks.ts';
import type { Store } from '../ledger/store.ts';
import { LedgerError } from '../model/errors.ts';
import { type KeyOwner, keyMarkName, keyMarkOf, keyMarkSchema, ringIn } from '../model/key-marks.ts';
import { privateKeys } from '../model/keys.ts';
import type { KeyRing } from '../model/patient-keys.ts';
import { newestNumber } from '../model/series.ts';

const newestMark = (store: Store, owner: KeyOwner): Promise<number> => {
  const [care, name] = [collections.care(owner.provider), keyMarkName(owner)];
  return newestNumber(async (n) => (await store.anchor(care, privateKeys.keyMark(name, n))) !== undefined);
};

/** The next state of a patient's ring, with provider and custodian, and as a mark. @throws LedgerError CONFLICT */
export async function putKeyMark(
  store: Store,
  consortium: Consortium,
  owner: KeyOwner,
  ring: KeyRing,
  salt: string,
): Promise<void> {
  const key = privateKeys.keyMark(keyMarkName(owner), (await newestMark(store, owner)) + 1);
  const mark = keyMarkOf(owner, ring, salt);
  await store.putOnce(collections.care(owner.provider), key, mark, { expression: 'private.patient' });
  await putMark(store, consortium, key, mark, 'private.patient');
}

/** A patient's keys; undefined where she had none since they are marked. Works on every peer. @throws LedgerError CONFLICT where the mark is another */
export async function keysOf(store: Store, owner: KeyOwner): Promise<KeyRing | undefined> {
  const n = await newestMark(store, owner);
  if (n === 0) return undefined;
  const key = privateKeys.keyMark(keyMarkName(owner), n);
  const [theirs, marked] = await Promise.all(
    [collections.care(owner.provider), collections.marks].map((place) => store.anchor(place, key)),
  );
  const mark = theirs === marked ? await store.getPrivate(collections.marks, key, keyMarkSchema) : undefined;
  if (mark === undefined) throw new LedgerError('CONFLICT', 'the mark of her keys is not theirs', 'patient');
  return ringIn(owner, mark);
}
