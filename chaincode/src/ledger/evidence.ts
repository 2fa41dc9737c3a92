/**
 * Evidence across the line of a collection: whoever holds a value shows its exact text, and every endorser,
 * member or not, checks it against the hash that its own ledger keeps.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { z } from 'zod';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { isIncluded, leafHash } from '../model/merkle.ts';
import { isIdOfPlace, placeSchema, type RecordEvidence, recordIdAt, sheetSchema } from '../model/sheets.ts';
import { type Anchored, anchoredSchema } from '../model/values.ts';
import { checkNotErased, isRestricted } from './marks.ts';
import { parseText } from './parse.ts';
import type { Store } from './store.ts';

/**
 * Checks that `text` is, byte for byte, what is anchored under a private key, and parses it.
 * @param expression where in the input the text stands, for the error
 * @throws LedgerError NOT_FOUND when nothing is anchored there, INVALID when something else is
 */
export async function checkPresented<S extends z.ZodType>(
  store: Store,
  collection: string,
  key: string,
  text: string,
  schema: S,
  expression: string,
): Promise<z.output<S>> {
  const anchor = await store.anchor(collection, key);
  if (anchor === undefined) throw new LedgerError('NOT_FOUND', 'nothing is anchored there', expression);
  if (anchor !== sha256Hex(text)) throw new LedgerError('INVALID', 'not what was anchored', expression);
  return parseText(schema, text, expression);
}

/** A record version that was shown: what it says, and the text that its sheet holds. */
export interface ShownRecord {
  anchored: Anchored;
  evidence: RecordEvidence;
}

/**
 * Checks that a record version stands on a sheet of its provider, and is the current one. Works on every peer.
 * @param expression where in the input the evidence stands, for the error
 * @throws LedgerError NOT_FOUND when there is no such sheet, INVALID when it holds something else, CONFLICT when a newer
 *   version is anchored or the record is erased
 */
export async function checkRecord(
  store: Store,
  provider: string,
  evidence: RecordEvidence,
  expression: string,
): Promise<ShownRecord> {
  const record = await checkStanding(store, provider, evidence, expression);
  // Like what is erased it is evidence of nothing, and is delivered to nobody.
  if (record.anchored.deleted !== undefined) throw new LedgerError('CONFLICT', 'the record is deleted', expression);
  return record;
}

/** The same of a version that may say that its record is deleted: what follows it follows that. @throws LedgerError as checkRecord */
export async function checkStanding(
  store: Store,
  provider: string,
  evidence: RecordEvidence,
  expression: string,
): Promise<ShownRecord> {
  const collection = collections.care(provider);
  const { id, version, sheet, index, text } = evidence;
  const key = privateKeys.sheet(sheet);
  const tree = await checkPresented(store, collection, key, evidence.tree, sheetSchema, `${expression}.tree`);
  if (!isIncluded(leafHash(text), index, evidence.path, tree))
    throw new LedgerError('INVALID', 'does not stand on that sheet', expression);
  const anchored = parseText(anchoredSchema, text, `${expression}.text`);
  if (anchored.id !== id || anchored.version !== version || anchored.resource.id !== id)
    throw new LedgerError('INVALID', 'is another record or version', expression);
  await checkPlace(store, collection, evidence, anchored.resource.resourceType, expression);
  if ((await store.anchor(collection, privateKeys.version(id, version + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'is not the current version', expression);
  await checkNotErased(store, provider, id, expression);
  // Whatever it is shown for: what is read of a record says nothing of that, and decoys read the same.
  await isRestricted(store, provider, id);
  return { anchored, evidence };
}

/** That this place is the version's: by the record's id, or by the key that says so. */
async function checkPlace(
  store: Store,
  collection: string,
  { id, version, sheet, index, place }: RecordEvidence,
  type: string,
  expression: string,
): Promise<void> {
  if (place === undefined) {
    if (version !== 1 || id !== recordIdAt({ sheet, index }, type))
      throw new LedgerError('INVALID', 'does not show where the version stands', `${expression}.place`);
    return;
  }
  if (version === 1 && isIdOfPlace(id))
    throw new LedgerError('INVALID', 'begins where its id says', `${expression}.place`);
  const key = privateKeys.version(id, version);
  const stated = await checkPresented(store, collection, key, place, placeSchema, `${expression}.place`);
  if (stated.sheet !== sheet || stated.index !== index)
    throw new LedgerError('INVALID', 'stands elsewhere', `${expression}.place`);
}

/**
 * Checks record versions of one provider, all of them current and none twice, in the order of the evidence.
 * @throws LedgerError as {@link checkRecord}; the expression is `<root>[i]`
 */
export function checkRecords(
  store: Store,
  provider: string,
  evidence: readonly RecordEvidence[],
  root: string,
): Promise<ShownRecord[]> {
  const ids = new Set(evidence.map(({ id }) => id));
  if (ids.size < evidence.length) throw new LedgerError('INVALID', 'a record is shown twice', root);
  return Promise.all(evidence.map((one, index) => checkRecord(store, provider, one, `${root}[${index}]`)));
}
