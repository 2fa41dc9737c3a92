/**
 * What blocks should have left in the store, without a replay: blocks come newest first, so that the first write of a
 * key that comes by is the one that counts. Validation codes are taken as they stand; whether they are right is the
 * commit hash's matter.
 */
import { headerHash, type StoredBlock, TRANSACTIONS_FILTER } from '@telemed-ledger/formats/blocks/block.ts';
import { type CollectionRwset, decodePrivateSet, type Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { type ParsedTransaction, parseTransaction } from '../blocks/transaction.ts';
import { readTransaction } from '../blocks/tx-index.ts';
import { KEPT } from '../private/private-data.ts';
import { listedHolders, type SetPlace } from '../private/stored-sets.ts';
import {
  hashKey,
  headerHashKey,
  historyKey,
  number64,
  occurrenceKey,
  occurrencePrefix,
  privateKey,
  stateKey,
  storedSetKey,
  txIdKey,
} from '../state/keys.ts';
import { decodeVersioned, type Reader, type Versioned } from '../state/store.ts';
import type { Damage, Fault } from './damage.ts';
import { placeOf } from './places.ts';
import { fits } from './private-sets.ts';

export interface EffectsOptions {
  store: Reader;
  height: number;
  /** Blocks after which what block `block` writes expires; 0 never. */
  lifeOf(namespace: string, collection: string, block: number): number;
}

interface WritePlace {
  databaseKey: Buffer;
  block: number;
  tx: number;
  write: Write;
}

type Found = 'current' | 'other';

export class BlockEffects {
  readonly damages: Damage[] = [];
  readonly #options: EffectsOptions;
  /** False for blocks picked from the middle: a key that they wrote may have been written since. */
  readonly #isNewestFirst: boolean;
  readonly #written = new Set<string>();
  /** Keys of which metadata alone was written since: their version is that of a later block. */
  readonly #raised = new Set<string>();
  readonly #purged = new Set<string>();

  constructor(options: EffectsOptions, isNewestFirst: boolean) {
    this.#options = options;
    this.#isNewestFirst = isNewestFirst;
  }

  check(block: StoredBlock): void {
    const { number } = block.header;
    const { store } = this.#options;
    const key = headerHashKey(headerHash(block.header));
    if (!store.get(key)?.equals(number64(number))) this.#report(key, store.get(key) ? 'altered' : 'missing');
    const codes = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
    const transactions = block.envelopes.map(parseTransaction);
    for (const [tx, transaction] of [...transactions.entries()].reverse()) {
      const code = codes[tx] ?? VALID;
      this.#checkIndex(transaction.txId, number, tx, code);
      if (code === VALID) this.#checkWrites(transaction, number, tx);
      else if (KEPT.has(code)) this.#checkKept(transaction, number, tx);
    }
  }

  #report(databaseKey: Buffer, fault: Fault, holders?: string[]): void {
    const { subject, place, organisation } = placeOf(databaseKey);
    for (const holder of holders ?? [organisation]) {
      this.damages.push({ organisation: holder, subject, fault, place });
    }
  }

  /** The first transaction with an id is the one that the index names. */
  #checkIndex(txId: string, block: number, tx: number, code: number): void {
    if (txId === '') return;
    const key = txIdKey(txId);
    const value = this.#options.store.get(key);
    if (!value) return void this.#report(key, 'missing');
    const found = value.length === 13 ? readTransaction(txId, value) : undefined;
    const isThis = found?.block === block && found.index === tx;
    const isEarlier = found && (found.block < block || (found.block === block && found.index < tx));
    if (!isEarlier && !(isThis && found.code === code)) this.#report(key, 'altered');
  }

  #checkWrites({ rwset }: ParsedTransaction, block: number, tx: number): void {
    for (const { namespace, writes, metadataWrites, collections } of rwset) {
      for (const write of writes) {
        const databaseKey = stateKey(namespace, write.key);
        this.#checkValue({ databaseKey, block, tx, write }, (held) => held.equals(write.value));
        const history = historyKey(namespace, write.key, block, tx);
        if (!this.#options.store.get(history)) this.#report(history, 'missing');
      }
      for (const { key } of metadataWrites) this.#raise(stateKey(namespace, key));
      for (const each of collections)
        this.#checkCollection({ block, tx, namespace, collection: each.collection }, each);
    }
  }

  /** Of an invalid transaction only the private sets are kept. */
  #checkKept({ rwset }: ParsedTransaction, block: number, tx: number): void {
    for (const { namespace, collections } of rwset) {
      for (const each of collections) this.#checkSet({ block, tx, namespace, collection: each.collection }, each);
    }
  }

  /** A write of metadata beside one of the value is no reason for another version. */
  #raise(databaseKey: Buffer): void {
    const id = mapKey(databaseKey);
    if (!this.#written.has(id)) this.#raised.add(id);
  }

  #checkCollection(place: SetPlace, hashed: CollectionRwset): void {
    const { block, tx, namespace, collection } = place;
    const { store, height, lifeOf } = this.#options;
    const at = (key: Buffer): Buffer => hashKey(namespace, collection, key);
    const life = lifeOf(namespace, collection, block);
    const isExpired = life > 0 && block + life + 1 < height;
    const holders = listedHolders(store, place) ?? [];
    for (const { key, isPurge } of hashed.writes) if (isPurge) this.#purged.add(mapKey(at(key)));
    if (!isExpired) this.#checkSet(place, hashed);
    for (const write of hashed.writes) {
      const written = { databaseKey: at(write.key), block, tx, write };
      if (isExpired) this.#written.add(mapKey(written.databaseKey));
      else if (this.#checkValue(written, (held) => held.equals(write.value)) === 'current') {
        this.#checkPrivate(place, write, holders);
      }
    }
    for (const { key } of hashed.metadataWrites) this.#raise(at(key));
  }

  /** Answers `current` where state holds, or should hold, what was written. */
  #checkValue({ databaseKey, block, tx, write }: WritePlace, isValue: (held: Buffer) => boolean): Found {
    const id = mapKey(databaseKey);
    if (this.#written.has(id)) return 'other';
    this.#written.add(id);
    const bytes = this.#options.store.get(databaseKey);
    const held = bytes && read(bytes);
    if (bytes && !held) this.#report(databaseKey, 'altered');
    const isSame = held?.version.block === block && held.version.tx === tx;
    if (!this.#isNewestFirst && !isSame) return 'other';
    if (write.isDelete) {
      if (held && (isSame || this.#isNewestFirst)) this.#report(databaseKey, 'unexpected');
      return 'other';
    }
    if (!bytes) this.#report(databaseKey, 'missing');
    else if (held && !(isValue(held.value) && (isSame || this.#raised.has(id)))) this.#report(databaseKey, 'altered');
    return 'current';
  }

  #checkPrivate({ block, tx, namespace, collection }: SetPlace, write: Write, holders: string[]): void {
    if (holders.length === 0) return;
    const { store } = this.#options;
    const index = occurrenceKey(occurrencePrefix(namespace, collection, write.key), block, tx);
    const key = store.get(index);
    if (!key || !sha256(key).equals(write.key)) return void this.#report(index, key ? 'altered' : 'missing');
    for (const holder of holders) {
      const databaseKey = privateKey(holder, namespace, collection, key);
      const bytes = store.get(databaseKey);
      const held = bytes && read(bytes);
      if (!bytes) this.#report(databaseKey, 'missing');
      else if (!held || !fits(held, write)) this.#report(databaseKey, 'altered');
    }
  }

  /** A set lacks what was purged since; otherwise it has the hash that the block names. */
  #checkSet(place: SetPlace, { privateHash, writes, metadataWrites }: CollectionRwset): void {
    const holders = listedHolders(this.#options.store, place) ?? [];
    if (holders.length === 0) return;
    const databaseKey = storedSetKey(place.block, place.tx, place.namespace, place.collection);
    const set = this.#options.store.get(databaseKey);
    if (!set) return void this.#report(databaseKey, 'missing', holders);
    if (sha256(set).equals(privateHash)) return;
    const held = readSet(set);
    const isWhole = writes.every((write) => {
      const plain = held?.writes.find(({ key }) => sha256(key).equals(write.key));
      if (plain) return fits(plain, write);
      return !this.#isNewestFirst || this.#purged.has(mapKey(hashKey(place.namespace, place.collection, write.key)));
    });
    const isNamed = metadataWrites.every(({ key }) => held?.metadataKeys.some((each) => sha256(each).equals(key)));
    if (!held || !isWhole || !isNamed) this.#report(databaseKey, 'altered', holders);
  }
}

function read(bytes: Buffer): Versioned | undefined {
  try {
    return decodeVersioned(bytes);
  } catch {
    return undefined;
  }
}

function readSet(bytes: Buffer): ReturnType<typeof decodePrivateSet> | undefined {
  try {
    return decodePrivateSet(bytes);
  } catch {
    return undefined;
  }
}
