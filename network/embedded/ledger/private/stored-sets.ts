/**
 * The private write sets of committed transactions, as peers keep them for DeliverWithPrivateData: which exist in a
 * block and which organisations hold them, each set by itself, and where a key occurs in them (for purges).
 */

import { decodePrivateSet, withoutKeys } from '@telemed-ledger/formats/blocks/rwset.ts';
import { bufferOf, mapKey } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { after, occurrenceKey, occurrencePrefix, readNumber64, storedSetKey, storedSetsKey } from '../state/keys.ts';
import type { Batch, Reader, View } from '../state/store.ts';

export interface StoredSet {
  tx: number;
  namespace: string;
  collection: string;
  /** Organisations whose peers hold it. */
  organisations: string[];
  bytes: Uint8Array;
}

/** Where a private key was written: the set of a transaction, and the plain key. */
export interface Occurrence {
  databaseKey: Buffer;
  block: number;
  tx: number;
  key: Buffer;
}

/** The set of one transaction in one collection. */
export interface SetPlace {
  block: number;
  tx: number;
  namespace: string;
  collection: string;
}

export function putStoredSets(batch: Batch, block: number, sets: StoredSet[]): void {
  if (sets.length === 0) return;
  const index = sets.map((set) =>
    encode([1, set.tx], [2, set.namespace], [3, set.collection], ...repeated(4, set.organisations)),
  );
  batch.put(storedSetsKey(block), encode(...repeated(1, index)));
  for (const set of sets) putSet(batch, block, set);
}

function putSet(batch: Batch, block: number, set: StoredSet): void {
  batch.put(storedSetKey(block, set.tx, set.namespace, set.collection), bufferOf(set.bytes));
  const { writes, metadataKeys } = decodePrivateSet(set.bytes);
  for (const key of [...writes.map((write) => write.key), ...metadataKeys]) {
    const start = occurrencePrefix(set.namespace, set.collection, sha256(key));
    batch.put(occurrenceKey(start, block, set.tx), key);
  }
}

/** What one organisation's peer holds of a block. */
export function readStoredSets(view: View, block: number, organisation: string): StoredSet[] {
  const index = view.get(storedSetsKey(block));
  if (!index) return [];
  return new Message(index).list(1).flatMap((bytes) => {
    const entry = new Message(bytes);
    const organisations = entry.list(4).map(String);
    const [tx, namespace, collection] = [entry.number(1), entry.text(2), entry.text(3)];
    const set = view.get(storedSetKey(block, tx, namespace, collection));
    if (!set || !organisations.includes(organisation)) return [];
    return [{ tx, namespace, collection, organisations, bytes: set }];
  });
}

/** Whose peers hold a set by the block's list, be the set itself there or not; undefined where it is not listed. */
export function listedHolders(view: Reader, { block, tx, namespace, collection }: SetPlace): string[] | undefined {
  try {
    for (const bytes of new Message(view.get(storedSetsKey(block)) ?? Buffer.alloc(0)).list(1)) {
      const entry = new Message(bytes);
      const isIt = entry.number(1) === tx && entry.text(2) === namespace && entry.text(3) === collection;
      if (isIt) return entry.list(4).map(String);
    }
  } catch {
    // A list that cannot be read names nothing.
  }
  return undefined;
}

export async function occurrences(
  view: View,
  namespace: string,
  collection: string,
  keyHash: Uint8Array,
): Promise<Occurrence[]> {
  const start = occurrencePrefix(namespace, collection, keyHash);
  const found = await view.all({ gte: start, lt: after(start) });
  return found.map(([databaseKey, key]) => ({
    databaseKey,
    block: readNumber64(databaseKey, start.length),
    tx: readNumber64(databaseKey, start.length + 8),
    key,
  }));
}

/** Sets of earlier blocks from which keys are taken in one block: several keys may lie in one set. */
export class Trimmer {
  readonly #view: View;
  readonly #keys = new Map<string, { databaseKey: Buffer; keys: Set<string> }>();

  constructor(view: View) {
    this.#view = view;
  }

  remove(namespace: string, collection: string, { block, tx, key }: Occurrence): void {
    const databaseKey = storedSetKey(block, tx, namespace, collection);
    const id = mapKey(databaseKey);
    const entry = this.#keys.get(id) ?? { databaseKey, keys: new Set() };
    entry.keys.add(mapKey(key));
    this.#keys.set(id, entry);
  }

  write(batch: Batch): void {
    for (const { databaseKey, keys } of this.#keys.values()) {
      const bytes = this.#view.get(databaseKey);
      if (bytes) batch.put(databaseKey, bufferOf(withoutKeys(bytes, (key) => keys.has(mapKey(key)))));
    }
  }
}
