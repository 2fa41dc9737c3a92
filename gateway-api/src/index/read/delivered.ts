/**
 * Which deliveries may not be what would be delivered now: those whose records, or whose patient's consents, were written
 * later. What is found is a candidate; the ledger decides.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Kysely, sql } from 'kysely';
import { NEWEST_OF_ALL } from '../current.ts';
import type { IndexTables } from '../schema.ts';
import type { PageOptions } from './own-states.ts';

const CARE = collections.care('');
/** Rows of the order of the ledger that are looked at together. */
const STRETCH = 1_000;

/** What was written of a provider's: something about a patient. */
interface Concerned {
  id: string;
  patient: string | null;
  /** care_<Provider> */
  collection: string;
}

export class Delivered {
  readonly #db: Kysely<IndexTables>;

  constructor(db: Kysely<IndexTables>) {
    this.#db = db;
  }

  /** How far the order of the ledger goes; 0 where nothing is there. */
  async head(): Promise<number> {
    const query = this.#db.selectFrom('versions').select((select) => select.fn.max<number>('sequence').as('head'));
    return Number((await query.executeTakeFirst())?.head ?? 0);
  }

  /**
   * Accesses that delivered something which was changed in this part of the order, `to` included, or something else of its
   * patient's: a record may have been another's before.
   */
  async touched(from: number, to: number): Promise<string[]> {
    const found = new Set<string>();
    const seen = new Set<string>();
    for (let at = from; at < to; ) {
      const rows = await this.#db
        .selectFrom('versions')
        .select(['sequence', 'type', 'id', 'version', 'patient', 'collection'])
        .where('sequence', '>', at)
        .where('sequence', '<=', to)
        .orderBy('sequence')
        .limit(STRETCH)
        .execute();
      for (const { id, patient, collection } of rows.filter(isChange))
        for (const about of [...(patient === null ? [] : [{ patient }]), { id }]) {
          const name = `${collection} ${JSON.stringify(about)}`;
          if (!seen.has(name)) for (const access of await this.#of(collection, about)) found.add(access);
          seen.add(name);
        }
      at = rows.length < STRETCH ? to : rows.at(-1)!.sequence;
    }
    return [...found];
  }

  /** Accesses whose copies are here: of a patient, or of a record. */
  async #of(collection: string, { patient, id }: Partial<Concerned>): Promise<string[]> {
    let query = this.#db
      .selectFrom('versions')
      .select('access')
      .distinct()
      .where('access', 'is not', null)
      .where('source', '=', collection.slice(CARE.length));
    if (id !== undefined) query = query.where('id', '=', id);
    if (patient !== undefined) query = query.where('patient', '=', patient);
    return (await query.execute()).flatMap(({ access }) => access ?? []);
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
    const found = new Set<string>();
    for (const same of ['patient', 'id'] as const)
      for (const access of await this.#changedSince(ids, same)) found.add(access);
    return page.length < count ? { ids: [...found] } : { ids: [...found], next: ids.at(-1)! };
  }

  /** Of these accesses those after which their holder wrote something of the same patient, or of the same record. */
  async #changedSince(accesses: readonly string[], same: 'patient' | 'id'): Promise<string[]> {
    const changed = await this.#db
      .selectFrom('versions as copy')
      .innerJoin('versions as change', (join) =>
        join
          .onRef(`change.${same}`, '=', `copy.${same}`)
          .on('change.current', 'in', NEWEST_OF_ALL)
          .onRef('change.sequence', '>', 'copy.sequence')
          .on(sql<boolean>`${sql.ref('change.collection')} = ${sql.lit(CARE)} || ${sql.ref('copy.source')}`)
          .on((on) => on.or([on('change.type', '=', 'Consent'), on('change.version', '>', 1)])),
      )
      .select('copy.access as access')
      .distinct()
      .where('copy.access', 'in', [...accesses])
      .execute();
    return changed.flatMap(({ access }) => access ?? []);
  }
}

/** What can change what may be shown of a patient: another version of a record, a consent. */
const isChange = ({ type, version, collection }: Pick<IndexTables['versions'], 'type' | 'version' | 'collection'>) =>
  collection.startsWith(CARE) && (type === 'Consent' || version > 1);
