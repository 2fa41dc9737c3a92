/** What of what a search finds is new: for those who are told that it is. */
import type { Kysely } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import type { IndexTables } from '../schema.ts';
import { heldIn, matchingIn } from './matching.ts';

const KEYS_PER_QUERY = 500;
/** About: what a block holds is taken together. */
const MOST_AT_ONCE = 1_000;

export class RecordsSince {
  readonly #db: Kysely<IndexTables>;
  /** Name of the collection. */
  readonly #inbox: string;

  constructor(db: Kysely<IndexTables>, inbox: string) {
    this.#db = db;
    this.#inbox = inbox;
  }

  /**
   * What a search finds of blocks behind `since` and up to `until`, or of such keys (hashes), in the order of the ledger; `upTo` is the
   * block that it ends with: of many the first alone.
   */
  async found(
    search: Search,
    { since, until, keys = [] }: { since: number; until: number; keys?: readonly string[] },
  ): Promise<{ records: { type: string; id: string }[]; upTo: number }> {
    const matching = this.#matching(search);
    const behind = matching.where('block', '>', since).where('block', '<=', until);
    const last = await behind.select('block').orderBy('block').offset(MOST_AT_ONCE).limit(1).executeTakeFirst();
    const upTo = last?.block ?? until;
    const read = (some: typeof matching) => some.select(['versions.type', 'versions.id']).orderBy('sequence').execute();
    const records = await read(behind.where('block', '<=', upTo));
    for (let start = 0; start < keys.length; start += KEYS_PER_QUERY)
      records.push(
        ...(await read(
          matching.where('block', '<=', since).where('key_hash', 'in', keys.slice(start, start + KEYS_PER_QUERY)),
        )),
      );
    return { records, upTo };
  }

  /** Whether a search finds a version of one of these keys (their hashes), or of a block behind this one. */
  async any(search: Search, since: number | readonly string[]): Promise<boolean> {
    const found = this.#matching(search).select('versions.id').limit(1);
    if (typeof since === 'number') return (await found.where('block', '>', since).executeTakeFirst()) !== undefined;
    for (let start = 0; start < since.length; start += KEYS_PER_QUERY) {
      const some = since.slice(start, start + KEYS_PER_QUERY);
      if ((await found.where('key_hash', 'in', some).executeTakeFirst()) !== undefined) return true;
    }
    return false;
  }

  #matching(search: Search) {
    const visible = heldIn(this.#db, this.#inbox).where('fault', 'is', null).where('erased', '=', 0);
    return matchingIn(visible, search, {});
  }
}
