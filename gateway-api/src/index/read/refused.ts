/** What is to be purged of transactions that were ordered and refused: the keys that are noted, with what stands under them by now. */
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';
import type { Checks } from './checks.ts';

/** A key, and whether something stands under it: what was refused there goes with that alone. */
export interface RefusedKey {
  collection: string;
  key: string;
  isStanding: boolean;
}

export class RefusedKeys {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** Some of a collection or of all, in the order of their hashes. */
  async page({
    count,
    after,
  }: {
    count: number;
    after?: string | undefined;
  }): Promise<(RefusedKey & { next: string })[]> {
    let query = this.#db.selectFrom('refused_keys').selectAll().orderBy('key_hash').orderBy('collection').limit(count);
    if (after !== undefined) {
      const [hash, collection] = after.split(' ') as [string, string];
      query = query.where((where) =>
        where.or([
          where('key_hash', '>', hash),
          where.and([where('key_hash', '=', hash), where('collection', '>', collection)]),
        ]),
      );
    }
    const rows = this.#checks.rows('refused_keys', await query.execute());
    if (rows.length === 0) return [];
    const standing = await this.#standing(rows.map(({ key_hash }) => key_hash));
    return rows.map(({ key_hash, collection, key }) => {
      const next = `${key_hash} ${collection}`;
      return { collection, key, isStanding: standing.has(next), next };
    });
  }

  async #standing(hashes: readonly string[]): Promise<Set<string>> {
    const rows = await this.#db
      .selectFrom('anchors')
      .selectAll()
      .where('key_hash', 'in', hashes)
      .where('purged_by', 'is', null)
      .execute();
    return new Set(this.#checks.rows('anchors', rows).map(({ key_hash, collection }) => `${key_hash} ${collection}`));
  }
}
