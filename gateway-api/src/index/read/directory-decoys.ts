/** Directories of consents that are read beside the one that matters: how far each has come, and that it has come no farther. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Decoy } from '@telemed-ledger/chaincode/model/decoys.ts';
import { bucketOf, bucketsAround } from '@telemed-ledger/chaincode/model/directories.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { IndexTables } from '../schema.ts';

/** More than all directories of a hundred providers. */
const REMEMBERED = 10_000;

export class DirectoryDecoys {
  readonly #db: Kysely<IndexTables>;
  /** The generation that each was seen at last. */
  readonly #seen = new LRUCache<string, number>({ max: REMEMBERED });

  constructor(db: Kysely<IndexTables>) {
    this.#db = db;
  }

  /** @param collection care_<Provider> */
  async of(collection: string, patientId: string): Promise<Decoy[]> {
    const decoys: Decoy[] = [];
    for (const bucket of bucketsAround(bucketOf(patientId))) {
      const generation = await this.#newest(collection, bucket);
      for (const one of generation === 0 ? [1] : [generation, generation + 1])
        decoys.push({ collection, key: privateKeys.directory(bucket, one) });
    }
    return decoys;
  }

  async #newest(collection: string, bucket: string): Promise<number> {
    const name = `${collection} ${bucket}`;
    let generation = this.#seen.get(name) ?? 0;
    while (await this.#isWritten(collection, privateKeys.directory(bucket, generation + 1))) generation += 1;
    this.#seen.set(name, generation);
    return generation;
  }

  async #isWritten(collection: string, key: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('anchors')
      .select('block')
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection)
      .executeTakeFirst();
    return row !== undefined;
  }
}
