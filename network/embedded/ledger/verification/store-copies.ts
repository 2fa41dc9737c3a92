/**
 * Copies of private values in the store itself: each member's private state, and sets that wait for a transaction that
 * the store does not have as committed.
 */
import { decodePrivateSet, type Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type { SetPlace } from '../private/stored-sets.ts';
import { after, occurrencePrefix, privateKey, transientKey } from '../state/keys.ts';
import { decodeVersioned, type Reader } from '../state/store.ts';
import { type Copy, fits, type PrivateCopies } from './private-sets.ts';

const PRIVATE_STATE = { gte: Buffer.from('p'), lt: Buffer.from('q') };

export class StoreCopies implements PrivateCopies {
  readonly #store: Reader;
  readonly #organisations: string[];
  /** Plain keys by namespace, collection and hash, from all private state; made when it is first needed. */
  #keys: Promise<Map<string, Buffer>> | undefined;

  constructor(store: Reader, organisations: { name: string }[]) {
    this.#store = store;
    this.#organisations = organisations.map(({ name }) => name);
  }

  async find(place: SetPlace, hashed: Write): Promise<Copy | undefined> {
    const key = await this.keyOf(place, hashed.key);
    if (!key) return undefined;
    if (hashed.isDelete) return { key, value: Buffer.alloc(0), from: 'its key' };
    for (const name of this.#organisations) {
      const value = this.#valueOf(privateKey(name, place.namespace, place.collection, key));
      if (value && fits({ value }, hashed)) return { key, value, from: `${name}'s private state` };
    }
    return undefined;
  }

  #valueOf(databaseKey: Buffer): Buffer | undefined {
    try {
      const bytes = this.#store.get(databaseKey);
      return bytes && decodeVersioned(bytes).value;
    } catch {
      return undefined;
    }
  }

  async keyOf(place: SetPlace, keyHash: Buffer): Promise<Buffer | undefined> {
    const start = occurrencePrefix(place.namespace, place.collection, keyHash);
    const indexed = await this.#store.all({ gte: start, lt: after(start) });
    const found = indexed.find(([, key]) => sha256(key).equals(keyHash));
    if (found) return found[1];
    this.#keys ??= this.#allKeys();
    return (await this.#keys).get(idOf(place.namespace, place.collection, keyHash));
  }

  async #allKeys(): Promise<Map<string, Buffer>> {
    const keys = new Map<string, Buffer>();
    for await (const [databaseKey] of this.#store.entries(PRIVATE_STATE)) {
      const place = readPrivateKey(databaseKey);
      if (place) keys.set(idOf(place.namespace, place.collection, sha256(place.key)), place.key);
    }
    return keys;
  }
}

/** A set that waits in the transient store, which the hash in the block proves. */
export function pendingSet(store: Reader, txId: string, privateHash: Buffer): Buffer | undefined {
  const set = store.get(transientKey(txId, privateHash))?.subarray(8);
  return set && sha256(set).equals(privateHash) && decodePrivateSet(set) ? set : undefined;
}

export interface PrivateKeyPlace {
  organisation: string;
  namespace: string;
  collection: string;
  key: Buffer;
}

/** undefined where it is no key of private state. */
function readPrivateKey(databaseKey: Buffer): PrivateKeyPlace | undefined {
  const ends: number[] = [];
  for (let at = 0; ends.length < 3; ) {
    at = databaseKey.indexOf(0, at) + 1;
    if (at === 0) return undefined;
    ends.push(at);
  }
  const [one = 0, two = 0, three = 0] = ends;
  const text = (from: number, to: number): string => databaseKey.toString('utf8', from, to - 1);
  return {
    organisation: text(1, one),
    namespace: text(one, two),
    collection: text(two, three),
    key: databaseKey.subarray(three),
  };
}

const idOf = (namespace: string, collection: string, keyHash: Buffer): string =>
  `${namespace}\0${collection}\0${mapKey(keyHash)}`;
