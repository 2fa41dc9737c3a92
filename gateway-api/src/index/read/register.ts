/** The register of licences as this organisation's read model holds it: its buckets, and their paths to the root. */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { leafHash, rootFrom } from '@telemed-ledger/chaincode/model/merkle.ts';
import {
  BUCKETS,
  type Bucket,
  type BucketEvidence,
  bucketOfNumber,
  bucketPaths,
  EMPTY_BUCKET,
  type Register,
} from '@telemed-ledger/chaincode/model/registers.ts';
import type { LicenceState, Person } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { notHereYet } from '../../http/failures.ts';
import type { Evidence } from './evidence.ts';

const REGISTERS = collections.registers;

interface Standing {
  generation: number;
  /** The newest text of each bucket that was written. */
  texts: Map<number, string>;
  paths: string[][];
  /** Of the last bucket that was read. */
  sequence: number;
}

const EMPTY: Standing = { generation: 0, texts: new Map(), paths: bucketPaths(new Map()), sequence: -1 };

export class LicenceRegister {
  readonly #evidence: Evidence;
  /** As it was last put together: a generation is the same for ever. */
  #standing = EMPTY;
  #listed: { standing: Standing; licences: readonly LicenceState[] } | undefined;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** A licence by its number; undefined where there is none. @throws {Failure} 503 where a part of it has not arrived */
  async licence(number: string): Promise<LicenceState | undefined> {
    const { texts } = await this.#current();
    const { licences } = JSON.parse(texts.get(bucketOfNumber(number)) ?? EMPTY_BUCKET) as Bucket;
    return Object.hasOwn(licences, number) ? licences[number] : undefined;
  }

  /** All licences, by number. @throws {Failure} 503 where a part of it has not arrived */
  async licences(): Promise<readonly LicenceState[]> {
    const standing = await this.#current();
    // Put together once for a generation: they are asked for with every write of a practitioner.
    if (this.#listed?.standing !== standing) this.#listed = { standing, licences: licencesIn(standing) };
    return this.#listed.licences;
  }

  /** What was said of a licence over time, oldest first. @throws {Failure} 503 where a part of it has not arrived */
  async statements(number: string): Promise<{ licence: LicenceState; transactionId: string }[]> {
    const { generation } = await this.#current();
    const index = bucketOfNumber(number);
    const said: { licence: LicenceState; transactionId: string }[] = [];
    const roots = await this.#evidence.values(REGISTERS, 'register');
    const writtenBy = new Map(roots.map((root) => [root.key, root.transaction_id]));
    for (const { key, value, transaction_id: transactionId } of await this.#evidence.values(REGISTERS, 'bucket')) {
      const place = placeIn(key);
      if (place?.index !== index || place.at > generation) continue;
      if (writtenBy.get(privateKeys.register(place.at)) !== transactionId) continue;
      const { licences } = JSON.parse(value) as Bucket;
      const licence = Object.hasOwn(licences, number) ? licences[number] : undefined;
      // A bucket is written for any of its licences.
      const isSaid = licence !== undefined && canonicalJson(licence) !== canonicalJson(said.at(-1)?.licence ?? {});
      if (isSaid) said.push({ licence, transactionId });
    }
    return said;
  }

  /** The licences that name a person. @throws {Failure} 503 where a part of it has not arrived */
  async licencesNaming({ organisation, practitioner }: Person): Promise<LicenceState[]> {
    return (await this.licences()).filter(({ practitioners = [] }) =>
      practitioners.some((one) => one.organisation === organisation && one.practitioner === practitioner),
    );
  }

  /**
   * The buckets that these numbers lie in, ascending and each once, with their paths to the newest root.
   * @throws {Failure} 503 where a part of it has not arrived
   */
  async bucketsOf(numbers: readonly string[]): Promise<{ register: number; buckets: BucketEvidence[] }> {
    const { generation, texts, paths } = await this.#current();
    const indexes = [...new Set(numbers.map(bucketOfNumber))].sort((one, other) => one - other);
    const buckets = indexes.map((index) => ({ text: texts.get(index) ?? EMPTY_BUCKET, path: paths[index] ?? [] }));
    return { register: generation, buckets };
  }

  async #current(): Promise<Standing> {
    const generation = await this.#evidence.newest(REGISTERS, 'register/', this.#standing.generation);
    if (this.#standing.generation === generation) return this.#standing;
    const root = await this.#rootOf(generation);
    // A read model that is being filled anew is at an earlier generation than what is remembered.
    for (const before of [this.#standing, EMPTY]) {
      const next = await this.#after(before, generation);
      if (rootIn(next) !== root) continue;
      this.#standing = next;
      return next;
    }
    throw notHereYet(1);
  }

  async #rootOf(generation: number): Promise<string> {
    const text = await this.#evidence.text(REGISTERS, privateKeys.register(generation));
    if (text === undefined) throw notHereYet(1);
    return (JSON.parse(text) as Register).root;
  }

  async #after(before: Standing, generation: number): Promise<Standing> {
    const roots = await this.#evidence.values(REGISTERS, 'register', before.sequence);
    const writtenBy = new Map(roots.map((root) => [root.key, root.transaction_id]));
    const texts = new Map(before.texts);
    let { sequence } = before;
    for (const bucket of await this.#evidence.values(REGISTERS, 'bucket', before.sequence)) {
      const { index, at } = placeIn(bucket.key) ?? {};
      if (index === undefined || at === undefined || at > generation) continue;
      // Only the transaction that made a generation says what its bucket is.
      if (writtenBy.get(privateKeys.register(at)) !== bucket.transaction_id) continue;
      texts.set(index, bucket.value);
      sequence = bucket.sequence;
    }
    return { generation, texts, paths: bucketPaths(texts), sequence };
  }
}

/** The bucket and the generation that a key names; undefined for one that is no bucket's. */
function placeIn(key: string): { index: number; at: number } | undefined {
  const [index = -1, at = 0] = key.split('/').slice(1).map(Number);
  const isBucket = index >= 0 && index < BUCKETS && key === privateKeys.bucket(index, at);
  return isBucket ? { index, at } : undefined;
}

const licencesIn = ({ texts }: Standing): LicenceState[] =>
  [...texts.values()]
    .flatMap((text) => Object.values((JSON.parse(text) as Bucket).licences))
    .sort((one, other) => (one.number < other.number ? -1 : 1));

const rootIn = ({ texts, paths }: Standing): string =>
  rootFrom(leafHash(texts.get(0) ?? EMPTY_BUCKET), 0, paths[0] ?? []);
