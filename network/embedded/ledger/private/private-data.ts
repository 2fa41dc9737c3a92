/**
 * Private data at commit (spec 4.5): each eligible organisation's peer takes a valid transaction's sets into its
 * private state, all of them keep the sets for delivery, and expiry and purge take both away again.
 */

import { decodePrivateSet, withoutKeys } from '@telemed-ledger/formats/blocks/rwset.ts';
import * as codes from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type { Channel } from '../../seams.ts';
import type { ParsedTransaction } from '../blocks/transaction.ts';
import type { Collection, CommittedDefinition } from '../definitions/definitions.ts';
import { findCollection } from '../definitions/definitions.ts';
import {
  after,
  expiryKey,
  expiryPrefix,
  hashKey,
  occurrenceKey,
  occurrencePrefix,
  privateKey,
  readNumber64,
  storedSetKey,
  transientKey,
} from '../state/keys.ts';
import type { Batch } from '../state/store.ts';
import { decodeVersioned, encodeVersioned } from '../state/store.ts';
import type { CommittedState, Updates } from '../state/updates.ts';
import { transientKeyOf } from './forgetting.ts';
import type { StoredSet } from './stored-sets.ts';
import { occurrences, putStoredSets, Trimmer } from './stored-sets.ts';
import type { TransientStore } from './transient-store.ts';

const EMPTY = Buffer.alloc(0);
/** Codes of transactions that got as far as the endorsement check: their sets are kept even where they are invalid. */
export const KEPT: ReadonlySet<number> = new Set([
  codes.VALID,
  codes.ENDORSEMENT_POLICY_FAILURE,
  codes.MVCC_READ_CONFLICT,
  codes.PHANTOM_READ_CONFLICT,
]);

/** Where sets come from when their transaction commits. */
export interface PendingSets extends Pick<TransientStore, 'remove'> {
  get(txId: string, privateHash: Buffer, place: Pick<StoredSet, 'tx' | 'namespace' | 'collection'>): Buffer | undefined;
}

export interface PrivateContext {
  block: number;
  channel: Channel;
  organisations: { name: string; mspId: string }[];
  definitions: ReadonlyMap<string, CommittedDefinition>;
  committed: CommittedState;
  transient: PendingSets;
  batch: Batch;
}

/** Writes everything private of one block into its batch; answers the keys whose former values are purged. */
export async function commitPrivateData(
  transactions: ParsedTransaction[],
  results: number[],
  updates: Updates,
  context: PrivateContext,
): Promise<Buffer[]> {
  const work = new PrivateCommit(context);
  for (const [tx, transaction] of transactions.entries()) {
    const code = results[tx] ?? codes.INVALID_OTHER_REASON;
    if (!KEPT.has(code)) continue;
    work.take(tx, transaction);
    if (code !== codes.VALID) continue;
    await work.purge(tx, transaction);
    work.apply(tx);
  }
  await work.expire(updates);
  work.schedule(updates);
  work.write();
  return work.purged;
}

/** With the key under which it was kept before its transaction was ordered. */
type TakenSet = StoredSet & { pending: Buffer };

class PrivateCommit {
  readonly #context: PrivateContext;
  /** Private state by database key; undefined deletes. */
  readonly #state = new Map<string, { databaseKey: Buffer; bytes: Buffer | undefined }>();
  readonly #trimmer: Trimmer;
  /** Database keys that held what is purged: of private state, of stored sets and of sets before their commit. */
  readonly purged: Buffer[] = [];
  #sets: TakenSet[] = [];

  constructor(context: PrivateContext) {
    this.#context = context;
    this.#trimmer = new Trimmer(context.committed.view);
  }

  #collection(namespace: string, name: string): Collection | undefined {
    return findCollection(this.#context.definitions.get(namespace), name, this.#context.channel);
  }

  /** Takes a transaction's private sets out of the transient store. */
  take(tx: number, transaction: ParsedTransaction): void {
    const { transient, batch } = this.#context;
    for (const { namespace, collections } of transaction.rwset) {
      for (const { collection, privateHash } of collections) {
        if (privateHash.length === 0) continue;
        const bytes = transient.get(transaction.txId, privateHash, { tx, namespace, collection });
        if (!bytes) continue;
        transient.remove(transaction.txId, privateHash, batch);
        const organisations = this.#eligible(this.#collection(namespace, collection));
        const pending = transientKey(transaction.txId, privateHash);
        if (organisations.length > 0) this.#sets.push({ tx, namespace, collection, organisations, bytes, pending });
      }
    }
  }

  #eligible(collection: Collection | undefined): string[] {
    const isMember = (mspId: string): boolean => collection?.memberMspIds.has(mspId) ?? false;
    return this.#context.organisations.filter(({ mspId }) => isMember(mspId)).map(({ name }) => name);
  }

  /** Puts the sets of a valid transaction into the private state of the organisations that hold them. */
  apply(tx: number): void {
    const version = { block: this.#context.block, tx };
    for (const set of this.#sets.filter((each) => each.tx === tx)) {
      const { writes, metadataKeys } = decodePrivateSet(set.bytes);
      const written = new Set(writes.map((write) => mapKey(write.key)));
      const at = (key: Buffer): Buffer[] =>
        set.organisations.map((organisation) => privateKey(organisation, set.namespace, set.collection, key));
      for (const { key, value, isDelete } of writes) {
        const bytes = isDelete ? undefined : encodeVersioned({ version, value, metadata: EMPTY });
        for (const databaseKey of at(key)) this.#put(databaseKey, bytes);
      }
      for (const key of metadataKeys) {
        if (!written.has(mapKey(key))) for (const databaseKey of at(key)) this.#raise(databaseKey, version);
      }
    }
  }

  #put(databaseKey: Buffer, bytes: Buffer | undefined): void {
    this.#state.set(mapKey(databaseKey), { databaseKey, bytes });
  }

  /** A write of metadata alone raises the version with that of the hash. */
  #raise(databaseKey: Buffer, version: { block: number; tx: number }): void {
    const bytes = this.#bytes(databaseKey);
    if (bytes) this.#put(databaseKey, encodeVersioned({ ...decodeVersioned(bytes), version }));
  }

  #bytes(databaseKey: Buffer): Buffer | undefined {
    const pending = this.#state.get(mapKey(databaseKey));
    return pending ? pending.bytes : this.#context.committed.view.get(databaseKey);
  }

  /** Takes purged keys out of private state and out of every stored set up to this transaction's own. */
  async purge(tx: number, transaction: ParsedTransaction): Promise<void> {
    for (const { namespace, collections } of transaction.rwset) {
      for (const { collection, writes } of collections) {
        const hashes = writes.filter((write) => write.isPurge).map((write) => write.key);
        if (hashes.length > 0) await this.#purgeKeys(tx, namespace, collection, hashes);
      }
    }
  }

  async #purgeKeys(tx: number, namespace: string, collection: string, hashes: Buffer[]): Promise<void> {
    const { committed, batch } = this.#context;
    this.#purgeFromBlock(tx, namespace, collection, new Set(hashes.map(mapKey)));
    for (const hash of hashes) {
      for (const occurrence of await occurrences(committed.view, namespace, collection, hash)) {
        this.#trimmer.remove(namespace, collection, occurrence);
        batch.del(occurrence.databaseKey);
        this.#drop(namespace, collection, occurrence.key);
        const { block, tx } = occurrence;
        const pending = transientKeyOf(committed.view, { block, tx, namespace, collection });
        this.purged.push(storedSetKey(block, tx, namespace, collection), ...(pending === undefined ? [] : [pending]));
      }
    }
  }

  /** The part of a purge that concerns this block's transactions, the purging one included. */
  #purgeFromBlock(tx: number, namespace: string, collection: string, hashes: Set<string>): void {
    const isPurged = (key: Buffer): boolean => {
      const isHit = hashes.has(mapKey(sha256(key)));
      if (isHit) this.#drop(namespace, collection, key);
      return isHit;
    };
    this.#sets = this.#sets.map((set) => {
      if (set.tx > tx || set.namespace !== namespace || set.collection !== collection) return set;
      const bytes = withoutKeys(set.bytes, isPurged);
      if (bytes.length !== set.bytes.length) this.purged.push(set.pending);
      return { ...set, bytes };
    });
  }

  /** Takes a key out of every organisation's private state. */
  #drop(namespace: string, collection: string, key: Buffer): void {
    for (const { name } of this.#context.organisations) {
      const databaseKey = privateKey(name, namespace, collection, key);
      if (!this.#bytes(databaseKey)) continue;
      this.#put(databaseKey, undefined);
      this.purged.push(databaseKey);
    }
  }

  /** What was written blockToLive + 1 blocks ago and not since goes, value and hash. */
  async expire(updates: Updates): Promise<void> {
    const { committed, block, batch } = this.#context;
    const start = expiryPrefix(block);
    for (const [databaseKey, place] of await committed.view.all({ gte: start, lt: after(start) })) {
      batch.del(databaseKey);
      const [written, tx] = [readNumber64(databaseKey, start.length), readNumber64(databaseKey, start.length + 8)];
      const hashed = databaseKey.subarray(start.length + 16);
      const isCurrent = committed.get(hashed)?.version.block === written && !updates.byKey.has(mapKey(hashed));
      if (isCurrent) batch.del(hashed);
      this.#expireKey(place, written, tx);
    }
  }

  #expireKey(place: Buffer, written: number, tx: number): void {
    const { committed, organisations, batch } = this.#context;
    const [namespace = '', collection = ''] = place.toString('utf8', 0, place.length - 32).split('\0');
    const occurrence = occurrenceKey(occurrencePrefix(namespace, collection, place.subarray(-32)), written, tx);
    const key = committed.view.get(occurrence);
    batch.del(storedSetKey(written, tx, namespace, collection));
    if (!key) return;
    batch.del(occurrence);
    for (const { name } of organisations) {
      const databaseKey = privateKey(name, namespace, collection, key);
      const bytes = this.#bytes(databaseKey);
      if (bytes && decodeVersioned(bytes).version.block === written) this.#put(databaseKey, undefined);
    }
  }

  /** Notes when this block's hashed writes expire. */
  schedule(updates: Updates): void {
    const { block, batch } = this.#context;
    for (const { namespace, collection, key, value, version } of updates.byKey.values()) {
      if (collection === '' || value === undefined) continue;
      const life = this.#collection(namespace, collection)?.config.blockToLive ?? 0;
      if (life === 0) continue;
      const at = expiryKey(block + life + 1, block, version.tx, hashKey(namespace, collection, key));
      batch.put(at, Buffer.concat([Buffer.from(`${namespace}\0${collection}\0`), key]));
    }
  }

  write(): void {
    const { batch, block } = this.#context;
    for (const { databaseKey, bytes } of this.#state.values()) {
      if (bytes) batch.put(databaseKey, bytes);
      else batch.del(databaseKey);
    }
    this.#trimmer.write(batch);
    putStoredSets(batch, block, this.#sets);
  }
}
