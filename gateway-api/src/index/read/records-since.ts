/** Whether something of what a search finds is new: for those who are told that it is, and of nothing else. */
import type { Kysely } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import type { IndexTables } from '../schema.ts';
import { heldIn, matchingIn } from './matching.ts';

const KEYS_PER_QUERY = 500;

export class RecordsSince {
  readonly #db: Kysely<IndexTables>;
  /** Name of the collection. */
  readonly #inbox: string;

  constructor(db: Kysely<IndexTables>, inbox: string) {
    this.#db = db;
    this.#inbox = inbox;
  }

  /** Whether a search finds a version of one of these keys (their hashes), or of a block behind this one. */
  async any(search: Search, since: number | readonly string[]): Promise<boolean> {
    const visible = heldIn(this.#db, this.#inbox).where('fault', 'is', null).where('erased', '=', 0);
    const found = matchingIn(visible, search, {}).select('versions.id').limit(1);
    if (typeof since === 'number') return (await found.where('block', '>', since).executeTakeFirst()) !== undefined;
    for (let start = 0; start < since.length; start += KEYS_PER_QUERY) {
      const some = since.slice(start, start + KEYS_PER_QUERY);
      if ((await found.where('key_hash', 'in', some).executeTakeFirst()) !== undefined) return true;
    }
    return false;
  }
}
