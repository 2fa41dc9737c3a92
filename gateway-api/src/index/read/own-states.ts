/**
 * The public states that name this organisation, found by their index: what others have among themselves costs nothing.
 * In the order in which they came onto the ledger, and in pages.
 */
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import { boundsOf } from '../../fhir/search/dates.ts';
import type { IndexTables, StatesTable } from '../schema.ts';
import type { Checks } from './checks.ts';

type Row = IndexTables['states'];

/** A literal: the indexes over own states are used only where the statement says so itself. */
const OWN = sql.lit(1);

/** Fewer than either database takes parameters of a statement. */
const IDS_AT_ONCE = 500;

/** A row that is checked when it is read, so that one that was changed does not hide the others. */
export interface StoredState {
  id: string;
  /** @throws {IntegrityFailure} */
  read(): StatesTable;
}

export interface OwnPage {
  rows: StoredState[];
  /** Where the next page begins; undefined behind the last one. */
  next?: string;
  /** Where the last row of this page stands; undefined where it is empty. */
  last?: string;
}

export interface PageOptions {
  /** Rows of the page. */
  count: number;
  /** `next` of the page before. */
  after?: string | undefined;
}

export class OwnStates {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** Whether one of these kinds changed behind a block. */
  async isSince(kinds: readonly string[], block: number): Promise<boolean> {
    for (const kind of kinds) {
      const row = await this.#of(kind).where('block', '>', block).limit(1).executeTakeFirst();
      if (row !== undefined) return true;
    }
    return false;
  }

  /** Ids of those in one of these statuses that changed behind a block, oldest change first. */
  async changedSince(
    kind: string,
    statuses: readonly string[],
    block: number,
  ): Promise<{ id: string; block: number }[]> {
    const rows = await this.#db
      .selectFrom('states')
      .select(['id', 'block'])
      .where('kind', '=', kind)
      .where('own', '=', OWN)
      .where('status', 'in', statuses)
      .where('block', '>', block)
      .orderBy('block')
      .orderBy('sequence')
      .execute();
    return rows.map(({ id, block: at }) => ({ id, block: Number(at) }));
  }

  /** In the order in which they came. */
  async page(
    kind: string,
    { count, after, status, about }: PageOptions & { status?: string | undefined; about?: string | undefined },
  ): Promise<OwnPage> {
    let query = this.#of(kind)
      .orderBy('sequence')
      .limit(count + 1);
    if (status !== undefined) query = query.where('status', '=', status);
    if (about !== undefined) query = query.where('about', '=', about);
    if (after !== undefined) query = query.where('sequence', '>', Number(after));
    return this.#pageOf(await query.execute(), count, ({ sequence }) => String(sequence));
  }

  /** Those about any of these, in the order in which they came. */
  async pageAbout(
    kind: string,
    about: readonly string[],
    { count, after, status }: PageOptions & { status?: string | undefined },
  ): Promise<OwnPage> {
    const found: Row[] = [];
    // One statement for each, so that each is answered from the index and cut by it.
    for (const one of about) {
      let query = this.#db.selectFrom('states').selectAll().where('kind', '=', kind).where('about', '=', one);
      if (status !== undefined) query = query.where('status', '=', status);
      if (after !== undefined) query = query.where('sequence', '>', Number(after));
      found.push(
        ...(await query
          .orderBy('sequence')
          .limit(count + 1)
          .execute()),
      );
    }
    found.sort((one, other) => one.sequence - other.sequence);
    return this.#pageOf(found, count, ({ sequence }) => String(sequence));
  }

  /** Those of these ids, in the order in which they came. */
  async pageAmong(
    kind: string,
    ids: readonly string[],
    { count, after, status }: PageOptions & { status?: string | undefined },
  ): Promise<OwnPage> {
    const found: Row[] = [];
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      let query = this.#of(kind).where('id', 'in', ids.slice(from, from + IDS_AT_ONCE));
      if (status !== undefined) query = query.where('status', '=', status);
      if (after !== undefined) query = query.where('sequence', '>', Number(after));
      const rows = query.orderBy('sequence').limit(count + 1);
      found.push(...(await rows.execute()));
    }
    found.sort((one, other) => one.sequence - other.sequence);
    return this.#pageOf(found, count, ({ sequence }) => String(sequence));
  }

  /** Those last updated within these times, in the order of that time. */
  async updated(
    kind: string,
    conditions: NonNullable<Search['lastUpdated']>,
    { count, after }: PageOptions,
  ): Promise<OwnPage> {
    let query = this.#within(this.#of(kind), conditions)
      .orderBy('last_updated')
      .orderBy('sequence')
      .limit(count + 1);
    if (after !== undefined) {
      const [time = '', sequence = ''] = after.split(' ');
      query = query.where((where) =>
        where.or([
          where('last_updated', '>', time),
          where.and([where('last_updated', '=', time), where('sequence', '>', Number(sequence))]),
        ]),
      );
      // Said once more for the index: nothing before that time is looked at.
      query = query.where('last_updated', '>=', time);
    }
    return this.#pageOf(await query.execute(), count, (row) => `${row.last_updated} ${row.sequence}`);
  }

  /** Ids of those last updated last, the latest first; what they say is checked when they are read. */
  async latest(
    kind: string,
    { count, behind }: { count: number; behind?: readonly [at: string, sequence: number] | undefined },
  ): Promise<{ id: string; at: string; sequence: number }[]> {
    let query = this.#db
      .selectFrom('states')
      .select(['id', 'last_updated', 'sequence'])
      .where('kind', '=', kind)
      .where('own', '=', OWN)
      .where('last_updated', 'is not', null)
      .orderBy('last_updated', 'desc')
      .orderBy('sequence', 'desc')
      .limit(count);
    if (behind !== undefined)
      query = query.where(sql<boolean>`(last_updated, sequence) < (${behind[0]}, ${behind[1]})`);
    const rows = await query.execute();
    return rows.map(({ id, last_updated: at, sequence }) => ({ id, at: at ?? '', sequence: Number(sequence) }));
  }

  /** How many there are of what is about something, by status. */
  async countAbout(kind: string, about: string): Promise<Map<string, number>> {
    const rows = await this.#db
      .selectFrom('states')
      .select(['status', (select) => select.fn.countAll<number>().as('number')])
      .where('kind', '=', kind)
      .where('about', '=', about)
      .groupBy('status')
      .execute();
    return new Map(rows.map(({ status, number }) => [status, Number(number)]));
  }

  #of(kind: string) {
    return this.#db.selectFrom('states').selectAll('states').where('kind', '=', kind).where('own', '=', OWN);
  }

  #within<O>(
    query: SelectQueryBuilder<IndexTables, 'states', O>,
    conditions: NonNullable<Search['lastUpdated']>,
  ): SelectQueryBuilder<IndexTables, 'states', O> {
    let narrowed = query;
    for (const condition of conditions) {
      const alternatives = boundsOf(condition);
      narrowed = narrowed.where((where) =>
        where.or(
          alternatives.map((all) =>
            where.and(all.map((bound) => where('last_updated', bound.operator, bound.instant))),
          ),
        ),
      );
    }
    return narrowed;
  }

  #pageOf(rows: Row[], count: number, cursorOf: (row: Row) => string): OwnPage {
    const shown = rows.slice(0, count);
    const last = shown.at(-1);
    return {
      rows: shown.map((row) => ({ id: row.id, read: () => this.#checks.row('states', row) })),
      ...(last === undefined ? {} : { last: cursorOf(last) }),
      ...(rows.length > count && last !== undefined ? { next: cursorOf(last) } : {}),
    };
  }
}
