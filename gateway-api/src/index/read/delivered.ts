/**
 * Which deliveries may not be what would be delivered now: those whose records, or whose patient's consents, were written
 * later. What is found is a candidate; the ledger decides.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Kysely, sql } from 'kysely';
import type { IndexTables } from '../schema.ts';
import { STANDING } from '../write/resources.ts';
import type { Checks } from './checks.ts';
import { NEWEST } from './matching.ts';
import type { PageOptions } from './own-states.ts';

const CARE = collections.care('');
/** Rows of the order of the ledger that are looked at together. */
const STRETCH = 1_000;

/** A patient of a provider's. */
interface Concerned {
  patient: string;
  /** care_<Provider> */
  collection: string;
}

export class Delivered {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** How far the order of the ledger goes; 0 where nothing is there. */
  async head(): Promise<number> {
    const query = this.#db.selectFrom('versions').select((select) => select.fn.max<number>('sequence').as('head'));
    return Number((await query.executeTakeFirst())?.head ?? 0);
  }

  /** Accesses that delivered something of patients of whom something was changed in this part of the order, `to` included. */
  async touched(from: number, to: number): Promise<string[]> {
    const found = new Set<string>();
    const seen = new Set<string>();
    for (let at = from; at < to; ) {
      const rows = await this.#db
        .selectFrom('versions')
        .select(['sequence', 'type', 'version', 'patient', 'collection'])
        .where('sequence', '>', at)
        .where('sequence', '<=', to)
        .orderBy('sequence')
        .limit(STRETCH)
        .execute();
      for (const row of rows.filter(isChange)) {
        const { patient, collection } = row as Concerned;
        if (!seen.has(`${collection} ${patient}`))
          for (const access of await this.#of({ patient, collection })) found.add(access);
        seen.add(`${collection} ${patient}`);
      }
      at = rows.length < STRETCH ? to : rows.at(-1)!.sequence;
    }
    return [...found];
  }

  /** Accesses whose copies are here. */
  async #of({ patient, collection }: Concerned): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('versions')
      .select('access')
      .distinct()
      .where('access', 'is not', null)
      .where('patient', '=', patient)
      .where('source', '=', collection.slice(CARE.length))
      .execute();
    return rows.flatMap(({ access }) => access ?? []);
  }

  /** Of all deliveries that are here a page of those that something was changed after, by id of the access. */
  async outdated({ count, after = '' }: PageOptions): Promise<{ ids: string[]; next?: string }> {
    const page = await this.#db
      .selectFrom('versions')
      .select('access')
      .distinct()
      .where('access', 'is not', null)
      .where('access', '>', after)
      .orderBy('access')
      .limit(count)
      .execute();
    const ids = page.flatMap(({ access }) => access ?? []);
    if (ids.length === 0) return { ids };
    const changed = await this.#db
      .selectFrom('versions as copy')
      .innerJoin('versions as change', (join) =>
        join
          .onRef('change.patient', '=', 'copy.patient')
          .on('change.current', '=', NEWEST)
          .onRef('change.sequence', '>', 'copy.sequence')
          .on(sql<boolean>`${sql.ref('change.collection')} = ${CARE} || ${sql.ref('copy.source')}`)
          .on((on) => on.or([on('change.type', '=', 'Consent'), on('change.version', '>', 1)])),
      )
      .select('copy.access as access')
      .distinct()
      .where('copy.access', 'in', ids)
      .execute();
    const found = changed.flatMap(({ access }) => access ?? []);
    return page.length < count ? { ids: found } : { ids: found, next: ids.at(-1)! };
  }

  /** Of these records of a provider those that were there at a time. @param until ISO 8601 UTC */
  async thereBy(collection: string, ids: readonly string[], until: string): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('id', 'in', [...ids])
      .where('collection', '=', collection)
      .where('version', '=', 1)
      .execute();
    const firsts = this.#checks.rows('versions', rows).filter((row) => row.last_updated <= until);
    return new Set(firsts.map(({ id }) => id));
  }
}

/** What can change what may be shown of a patient: another version of a record, a consent. */
const isChange = (row: Pick<IndexTables['versions'], 'type' | 'version' | 'patient' | 'collection'>): boolean =>
  row.patient !== null && row.collection.startsWith(CARE) && (row.type === 'Consent' || row.version > 1);
