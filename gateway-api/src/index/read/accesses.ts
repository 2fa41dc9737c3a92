/**
 * Finds accesses by what they are about: the patient whose records were asked for, and the end of what they rest on.
 * What is found is a candidate: whoever uses it decides by the state and the request itself.
 */
import { type Kysely, sql } from 'kysely';
import type { IndexTables } from '../schema.ts';
import { WORN } from '../write/rows.ts';
import type { PageOptions } from './own-states.ts';

/** A literal: the partial indexes are used only where the statement says so itself. */
const YES = sql.lit(1);
const REQUEST = 'request/';
const IDS_PER_QUERY = 500;

/** A request in the inbox of who sent it. */
export interface FoundRequest {
  /** Id of the access. */
  id: string;
  collection: string;
  sequence: number;
}

/** How an access stands: when it last went on, and its state where it was purged. What it says is checked when it is read. */
export interface StandingAccess {
  id: string;
  last_updated: string | null;
  value: string | null;
}

const STANDING_ACCESS = [
  'id',
  'last_updated',
  sql<string | null>`case when status = 'purged' then value end`.as('value'),
] as const;

export class Accesses {
  readonly #db: Kysely<IndexTables>;

  constructor(db: Kysely<IndexTables>) {
    this.#db = db;
  }

  /** Requests by an identifier that one of these Patients has or had; oldest first. */
  async requestsFor(patients: readonly string[], { count, after }: PageOptions): Promise<FoundRequest[]> {
    const found: FoundRequest[] = [];
    // One statement for each identifier, so that each is answered from the index and cut by it.
    for (const { system, value } of await this.#identifiersOf(patients)) {
      let query = this.#db
        .selectFrom('private_values')
        .select(['key', 'collection', 'sequence'])
        .where('patient_value', '=', value)
        .where('patient_system', '=', system)
        .orderBy('sequence')
        .limit(count);
      if (after !== undefined) query = query.where('sequence', '>', Number(after));
      for (const { key, collection, sequence } of await query.execute()) {
        if (key.startsWith(REQUEST)) found.push({ id: key.slice(REQUEST.length), collection, sequence });
      }
    }
    return found.sort((a, b) => a.sequence - b.sequence).slice(0, count);
  }

  async #identifiersOf(patients: readonly string[]): Promise<{ system: string; value: string }[]> {
    return this.#db
      .selectFrom('search_values')
      .select(['system', 'value'])
      .distinct()
      .where('parameter', '=', WORN)
      .where('id', 'in', [...patients])
      .where('type', '=', 'Patient')
      .execute();
  }

  /** Whether an access of this organisation's stands so since a later block than this one. */
  async isOwnSince(block: number): Promise<boolean> {
    const query = this.#db.selectFrom('states').select('id').where('kind', '=', 'access').where('own', '=', 1);
    return (await query.where('block', '>', block).limit(1).executeTakeFirst()) !== undefined;
  }

  /** Those of these accesses that are here, with their places in the order of the ledger. */
  async placesOf(ids: readonly string[]): Promise<{ id: string; sequence: number }[]> {
    const found: { id: string; sequence: number }[] = [];
    for (let start = 0; start < ids.length; start += IDS_PER_QUERY)
      found.push(
        ...(await this.#db
          .selectFrom('states')
          .select(['id', 'sequence'])
          .where('kind', '=', 'access')
          .where('id', 'in', ids.slice(start, start + IDS_PER_QUERY))
          .execute()),
      );
    return found;
  }

  /** Those of these accesses that are here. */
  async standing(ids: readonly string[]): Promise<StandingAccess[]> {
    const found: StandingAccess[] = [];
    for (let start = 0; start < ids.length; start += IDS_PER_QUERY)
      found.push(
        ...(await this.#db
          .selectFrom('states')
          .select(STANDING_ACCESS)
          .where('kind', '=', 'access')
          .where('id', 'in', ids.slice(start, start + IDS_PER_QUERY))
          .execute()),
      );
    return found;
  }

  /** Those that were decided on these Patients. */
  async standingAbout(patients: readonly string[]): Promise<StandingAccess[]> {
    if (patients.length === 0) return [];
    const query = this.#db.selectFrom('states').select(STANDING_ACCESS).where('kind', '=', 'access');
    return query.where('about', 'in', [...patients]).execute();
  }

  /** Ids of accesses of this organisation about which something is due: the copies' time is over, or the holder is to be told. */
  async due(now: string, { count, after }: PageOptions): Promise<{ id: string; next: string }[]> {
    let query = this.#db
      .selectFrom('states')
      .select(['id', 'ends_at', 'sequence'])
      .where('ends_at', '<=', now)
      .orderBy('ends_at')
      .orderBy('sequence')
      .limit(count);
    if (after !== undefined) {
      const [time = '', sequence = ''] = after.split(' ');
      query = query
        .where('ends_at', '>=', time)
        .where((where) => where.or([where('ends_at', '>', time), where('sequence', '>', Number(sequence))]));
    }
    const rows = await query.execute();
    return rows.map(({ id, ends_at, sequence }) => ({ id, next: `${ends_at} ${sequence}` }));
  }

  /** When the next of them will be due that is not yet; milliseconds since 1970. */
  async nextDue(now: string): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('states')
      .select('ends_at')
      .where('ends_at', '>', now)
      .orderBy('ends_at')
      .limit(1)
      .executeTakeFirst();
    return row?.ends_at ? Date.parse(row.ends_at) : undefined;
  }

  /** Ids of granted accesses of this organisation that rest on a consent which has ended. */
  async orphaned({ count, after }: PageOptions): Promise<{ id: string; next: string }[]> {
    let query = this.#db
      .selectFrom('access_consents')
      .select('access')
      .distinct()
      .where('ended', '=', YES)
      .orderBy('access')
      .limit(count);
    if (after !== undefined) query = query.where('access', '>', after);
    return (await query.execute()).map(({ access }) => ({ id: access, next: access }));
  }

  /** Whether a granted access of this organisation rests on a consent which has ended. */
  async isOrphaned(access: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('access_consents')
      .select('consent')
      .where('access', '=', access)
      .where('ended', '=', YES)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }
}
