/**
 * Writes what blocks leave under private keys. Under each key is one of three: the versions of its last write, its value
 * without resources, or the note that it is missing. Whatever the order in which values arrive, the rows end the same:
 * the last write of a key decides, and what the rows of a resource say together is made anew from them.
 */
import { type Kysely, sql } from 'kysely';
import { type IndexTables, KEYS } from '../schema.ts';
import type { Seals } from '../seals.ts';
import type { SearchValuesTable } from '../search-values-table.ts';
import type { ErasedView } from './erased.ts';
import { type Inserts, Lookup } from './inserts.ts';
import { newestOf, STANDING, type Standing, settled } from './resources.ts';
import { type KeyRows, searchValueRows, type VersionRows, WORN } from './rows.ts';
import { contentOf } from './values.ts';

type Database = Kysely<IndexTables>;
type Text = Pick<
  IndexTables['versions'],
  'sequence' | 'type' | 'id' | 'collection' | 'key' | 'value' | 'leaf' | 'fault'
>;

const columns = sql.join(STANDING.map((column) => sql.ref(column)));

/** One for one database: it keeps its statements. */
export class PrivateKeys {
  readonly #isCustodian: boolean;
  readonly #inserts: Inserts;
  readonly #seals: Seals;
  readonly #held = new Lookup<{ collection: string; key_hash: string }>(
    (hashes) => sql`
      select collection, key_hash from versions where key_hash in ${hashes} union
      select collection, key_hash from private_values where key_hash in ${hashes} union
      select collection, key_hash from missing where key_hash in ${hashes}`,
    3,
  );
  readonly #standing = new Lookup<Standing>((ids) => sql`select ${columns} from versions where id in ${ids}`);
  readonly #texts = new Lookup<Text>(
    (rows) =>
      sql`select sequence, type, id, collection, key, value, leaf, fault from versions where sequence in ${rows}`,
  );
  readonly #stated = new Lookup<IndexTables['search_values']>(
    (ids) => sql`select * from search_values where id in ${ids}`,
  );

  /** @param isCustodian whether this organisation has the patients, to whom others' reads are shown */
  constructor(inserts: Inserts, seals: Seals, isCustodian: boolean) {
    this.#isCustodian = isCustodian;
    this.#inserts = inserts;
    this.#seals = seals;
  }

  /** Replaces what is under these keys; answers the keys that were there before, and their versions. */
  async write(db: Database, keys: readonly KeyRows[], erased: ErasedView): Promise<Cleared> {
    const inserts = this.#inserts;
    const versions = keys.flatMap((key) => key.versions);
    const { cleared, names } = await this.#clear(db, keys);
    const changed = await this.#notNew(db, versions);
    for (const { id } of [...cleared, ...versions.map(({ row }) => row).filter(erased.isErased)]) changed.add(id);
    for (const id of erased.ids) changed.add(id);
    const alone = versions.filter(({ row }) => !changed.has(row.id));
    const allOf = <T>(of: (key: KeyRows) => T | undefined): T[] => keys.flatMap((key) => of(key) ?? []);
    await inserts.versions.into(
      db,
      versions.map(({ row }) => row),
    );
    await inserts.searchValues.into(
      db,
      alone.flatMap(({ searchValues }) => searchValues),
    );
    await inserts.privateValues.into(
      db,
      allOf(({ privateValue }) => privateValue),
    );
    await inserts.missing.into(
      db,
      allOf(({ missing }) => missing),
    );
    if (this.#isCustodian)
      await inserts.carriedReads.into(
        db,
        keys.flatMap(({ carriedReads = [] }) => carriedReads),
      );
    await this.#settle(db, [...changed], { cleared, written: versions, erased });
    return { names, cleared };
  }

  /** Removes what is under the keys; answers the versions that went, and the keys. */
  async #clear(db: Database, keys: readonly KeyRows[]): Promise<Cleared> {
    const cleared: Standing[] = [];
    const names: string[] = [];
    const hashes = new Set(keys.map(({ keyHash }) => keyHash));
    const held = new Set((await this.#held.of(db, [...hashes])).map(named));
    for (const { collection, keyHash } of keys) {
      const at = { collection, key_hash: keyHash };
      if (!held.has(named(at))) continue;
      await db
        .deleteFrom('missing')
        .where((where) => where.and(at))
        .execute();
      const values = db.deleteFrom('private_values').where((where) => where.and(at));
      names.push(...(await values.returning('key').execute()).map(({ key }) => key));
      await db
        .deleteFrom('carried_reads')
        .where((where) => where.and(at))
        .execute();
      const gone = db.deleteFrom('versions').where((where) => where.and(at));
      cleared.push(...(await gone.returning(STANDING).execute()));
    }
    return { cleared, names: [...names, ...cleared.map(({ key }) => key)] };
  }

  /** Ids that have rows already, or several in what is written. */
  async #notNew(db: Database, versions: readonly VersionRows[]): Promise<Set<string>> {
    const seen = new Set<string>();
    const found = new Set<string>();
    for (const { row } of versions) (seen.has(row.id) ? found : seen).add(row.id);
    for (const { id } of await this.#standing.of(db, [...seen])) found.add(id);
    return found;
  }

  /** Makes anew what the rows of these resources say together. */
  async #settle(db: Database, ids: string[], { cleared, written, erased }: Settling): Promise<void> {
    if (ids.length === 0) return;
    const rows = await this.#standing.of(db, ids);
    const added = new Set(written.map(({ row }) => row.sequence));
    for (const row of settled(rows, { cleared, added, isErased: erased.isErased }, this.#seals)) {
      const { sequence, current, held, erased, seal } = row;
      await db.updateTable('versions').set({ current, held, erased, seal }).where('sequence', '=', sequence).execute();
    }
    const shown = rows.filter((row) => !erased.isErased(row));
    await this.#settleSearchValues(db, ids, shown, written);
  }

  /**
   * A resource is found by what its newest version states, in the collection of that version; a Patient by each identifier
   * that it had as well.
   */
  async #settleSearchValues(
    db: Database,
    ids: string[],
    rows: readonly Standing[],
    written: readonly VersionRows[],
  ): Promise<void> {
    const newest = newestOf(rows);
    const atHand = new Map(written.map(({ row, searchValues }) => [row.sequence, searchValues]));
    const earlier = rows.filter((row) => row.type === 'Patient' && !newest.includes(row));
    const unread = [...newest, ...earlier].map(({ sequence }) => sequence).filter((sequence) => !atHand.has(sequence));
    for (const text of await this.#texts.of(db, unread)) atHand.set(text.sequence, searchValuesIn(text));
    const wanted = new Map<string, SearchValuesTable>();
    for (const { sequence } of newest) {
      for (const row of atHand.get(sequence) ?? []) wanted.set(nameOf(row), row);
    }
    for (const row of earlier.flatMap(({ sequence }) => atHand.get(sequence) ?? []))
      if (row.parameter === WORN) wanted.set(nameOf(row), row);
    for (const row of await this.#stated.of(db, ids)) {
      if (this.#seals.isOn('search_values', row) && wanted.delete(nameOf(row))) continue;
      const { seal: _, ...key } = row;
      await db
        .deleteFrom('search_values')
        .where((where) => where.and(key))
        .execute();
    }
    await this.#inserts.searchValues.into(db, [...wanted.values()]);
  }
}

/** What a write took away. */
export interface Cleared {
  names: string[];
  cleared: Standing[];
}

interface Settling {
  cleared: readonly Standing[];
  written: readonly VersionRows[];
  erased: ErasedView;
}

const named = ({ collection, key_hash }: { collection: string; key_hash: string }): string =>
  `${key_hash} ${collection}`;

const nameOf = (row: SearchValuesTable): string => JSON.stringify(KEYS.search_values.map((column) => row[column]));

function searchValuesIn({ type, id, collection, fault, ...text }: Text): SearchValuesTable[] {
  if (fault !== null) return [];
  const { deleted, resources = [], identities } = contentOf(text) ?? {};
  if (deleted === true) return [];
  const resource = resources.findLast((one) => one.resourceType === type && one.id === id);
  return resource === undefined ? [] : searchValueRows(resource, collection, identities);
}
