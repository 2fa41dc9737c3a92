/**
 * A register that stands on the ledger as a Merkle tree over buckets, as this organisation's read model holds it: the buckets, and their
 * paths to the root.
 */
import { leafHash, rootFrom } from '@telemed-ledger/chaincode/model/merkle.ts';
import {
  BUCKETS,
  type BucketEvidence,
  bucketOfNumber,
  bucketPaths,
  type Register,
} from '@telemed-ledger/chaincode/model/registers.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { notHereYet } from '../../http/failures.ts';
import type { Evidence } from './evidence.ts';

const REGISTERS = collections.registers;

export interface Standing {
  generation: number;
  /** The newest text of each bucket that was written. */
  texts: Map<number, string>;
  paths: string[][];
  /** Of the last bucket that was read. */
  sequence: number;
}

/** Which register: the kinds of its keys, how they are made, and the text of a bucket in which nothing stands. */
export interface RegisterKeys {
  root: string;
  bucket: string;
  rootKey(generation: number): string;
  bucketKey(index: number, generation: number): string;
  empty: string;
}

/** What a transaction wrote into a bucket. */
interface Written {
  index: number;
  generation: number;
  text: string;
  sequence: number;
  transactionId: string;
}

export class BucketRegister {
  readonly #evidence: Evidence;
  readonly #keys: RegisterKeys;
  readonly #nothing: Standing;
  /** As it was last put together: a generation is the same for ever. */
  #standing: Standing;

  constructor(evidence: Evidence, keys: RegisterKeys) {
    this.#evidence = evidence;
    this.#keys = keys;
    this.#nothing = { generation: 0, texts: new Map(), paths: bucketPaths(new Map(), keys.empty), sequence: -1 };
    this.#standing = this.#nothing;
  }

  /**
   * The buckets that these names lie in, ascending and each once, with their paths to the newest root.
   * @throws {Failure} 503 where a part of it has not arrived
   */
  async bucketsOf(names: readonly string[]): Promise<{ register: number; buckets: BucketEvidence[] }> {
    const { generation, texts, paths } = await this.current();
    const indexes = [...new Set(names.map(bucketOfNumber))].sort((one, other) => one - other);
    const buckets = indexes.map((index) => ({ text: texts.get(index) ?? this.#keys.empty, path: paths[index] ?? [] }));
    return { register: generation, buckets };
  }

  /** The text of the bucket that a name lies in. @throws {Failure} 503 where a part of it has not arrived */
  async bucketOf(name: string): Promise<string> {
    return (await this.current()).texts.get(bucketOfNumber(name)) ?? this.#keys.empty;
  }

  /** The register as it stands. @throws {Failure} 503 where a part of it has not arrived */
  async current(): Promise<Standing> {
    const series = this.#keys.rootKey(0).slice(0, -1);
    const generation = await this.#evidence.newest(REGISTERS, series, this.#standing.generation);
    if (this.#standing.generation === generation) return this.#standing;
    const root = await this.#rootOf(generation);
    // A read model that is being filled anew is at an earlier generation than what is remembered.
    for (const before of [this.#standing, this.#nothing]) {
      const next = await this.#after(before, generation);
      if (this.#rootIn(next) !== root) continue;
      this.#standing = next;
      return next;
    }
    throw notHereYet(1);
  }

  /** All that was written into buckets up to a generation, oldest first. @param after sequence of the last one that is known */
  async written(generation: number, after = -1): Promise<Written[]> {
    const roots = await this.#evidence.values(REGISTERS, this.#keys.root, after);
    const writtenBy = new Map(roots.map((root) => [root.key, root.transaction_id]));
    const all = await this.#evidence.values(REGISTERS, this.#keys.bucket, after);
    return all.flatMap(({ key, value: text, sequence, transaction_id: transactionId }) => {
      const place = this.#placeIn(key);
      if (place === undefined || place.at > generation) return [];
      // Only the transaction that made a generation says what its bucket is.
      if (writtenBy.get(this.#keys.rootKey(place.at)) !== transactionId) return [];
      return [{ index: place.index, generation: place.at, text, sequence, transactionId }];
    });
  }

  async #rootOf(generation: number): Promise<string> {
    const text = await this.#evidence.text(REGISTERS, this.#keys.rootKey(generation));
    if (text === undefined) throw notHereYet(1);
    return (JSON.parse(text) as Register).root;
  }

  async #after(before: Standing, generation: number): Promise<Standing> {
    const texts = new Map(before.texts);
    let { sequence } = before;
    for (const bucket of await this.written(generation, before.sequence)) {
      texts.set(bucket.index, bucket.text);
      sequence = bucket.sequence;
    }
    return { generation, texts, paths: bucketPaths(texts, this.#keys.empty), sequence };
  }

  /** The bucket and the generation that a key names; undefined for one that is no bucket's. */
  #placeIn(key: string): { index: number; at: number } | undefined {
    const [index = -1, at = 0] = key.split('/').slice(1).map(Number);
    const isBucket = index >= 0 && index < BUCKETS && key === this.#keys.bucketKey(index, at);
    return isBucket ? { index, at } : undefined;
  }

  #rootIn({ texts, paths }: Standing): string {
    return rootFrom(leafHash(texts.get(0) ?? this.#keys.empty), 0, paths[0] ?? []);
  }
}
