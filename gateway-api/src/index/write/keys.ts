/**
 * Writes what blocks leave under private keys. Under each key is one of three: the versions of its last write, its value
 * without resources, or the note that it is missing. Whatever the order in which values arrive, the rows end the same:
 * the last write of a key decides, and what the rows of a resource say together is made anew from them.
 */
import { type Kysely, sql } from 'kysely';
import type { IndexTables, SearchValuesTable, VersionsTable } from '../schema.ts';
import { type Inserts, Lookup, pieces } from './inserts.ts';
import { byAge, byResource } from './resources.ts';
import { type KeyRows, searchValueRows, type VersionRows } from './rows.ts';
import { contentOf } from './values.ts';

type Database = Kysely<IndexTables>;
type Standing = Pick<VersionsTable, 'sequence' | 'type' | 'id' | 'version' | 'current' | 'collection' | 'key'>;
type Text = Pick<VersionsTable, 'sequence' | 'type' | 'id' | 'collection' | 'key' | 'value'>;

/** One for one database: it keeps its statements. */
export class PrivateKeys {
  readonly #inserts: Inserts;
  readonly #held = new Lookup<{ collection: string; key_hash: string }>(
    (hashes) => sql`
      select collection, key_hash from versions where key_hash in ${hashes} union
      select collection, key_hash from private_values where key_hash in ${hashes} union
      select collection, key_hash from missing where key_hash in ${hashes}`,
    3,
  );
  readonly #standing = new Lookup<Standing>(
    (ids) => sql`select sequence, type, id, version, current, collection, key from versions where id in ${ids}`,
  );
  readonly #texts = new Lookup<Text>(
    (rows) => sql`select sequence, type, id, collection, key, value from versions where sequence in ${rows}`,
  );
  readonly #stated = new Lookup<SearchValuesTable>(
    (ids) => sql`select parameter, type, id, collection, system, value from search_values where id in ${ids}`,
  );

  constructor(inserts: Inserts) {
    this.#inserts = inserts;
  }

  /** Replaces what is under these keys. */
  async write(db: Database, keys: readonly KeyRows[]): Promise<void> {
    const changed = await this.#clear(db, keys);
    const versions = keys.flatMap((key) => key.versions);
    for (const id of await this.#notNew(db, versions)) changed.add(id);
    const inserts = this.#inserts;
    await inserts.versions.into(
      db,
      versions.map(({ row }) => row),
    );
    const alone = versions.filter(({ row }) => !changed.has(row.id));
    await inserts.searchValues.into(
      db,
      alone.flatMap(({ searchValues }) => searchValues),
    );
    await inserts.privateValues.into(
      db,
      keys.flatMap(({ privateValue }) => privateValue ?? []),
    );
    await inserts.missing.into(
      db,
      keys.flatMap(({ missing }) => missing ?? []),
    );
    await this.#settle(db, [...changed], versions);
  }

  /** Removes what is under the keys; answers the ids of the resources that lost a row. */
  async #clear(db: Database, keys: readonly KeyRows[]): Promise<Set<string>> {
    const ids = new Set<string>();
    const hashes = new Set(keys.map(({ keyHash }) => keyHash));
    const held = new Set((await this.#held.of(db, [...hashes])).map(named));
    for (const { collection, keyHash } of keys) {
      if (!held.has(named({ collection, key_hash: keyHash }))) continue;
      const at = { collection, key_hash: keyHash };
      await db
        .deleteFrom('missing')
        .where((where) => where.and(at))
        .execute();
      await db
        .deleteFrom('private_values')
        .where((where) => where.and(at))
        .execute();
      const gone = await db
        .deleteFrom('versions')
        .where((where) => where.and(at))
        .returning('id')
        .execute();
      for (const { id } of gone) ids.add(id);
    }
    return ids;
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
  async #settle(db: Database, ids: string[], written: readonly VersionRows[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await this.#standing.of(db, ids);
    const isWrong = { 0: [] as number[], 1: [] as number[] };
    for (const group of byResource(rows)) {
      for (const [age, { current, sequence }] of group.entries()) {
        if (age === 0 && current !== 1) isWrong[1].push(sequence);
        if (age > 0 && current !== 0) isWrong[0].push(sequence);
      }
    }
    for (const current of [0, 1] as const) {
      for (const sequences of pieces(isWrong[current]))
        await db.updateTable('versions').set({ current }).where('sequence', 'in', sequences).execute();
    }
    await this.#settleSearchValues(db, ids, rows, written);
  }

  /** A resource is found by what its newest version in each collection states. */
  async #settleSearchValues(
    db: Database,
    ids: string[],
    rows: readonly Standing[],
    written: readonly VersionRows[],
  ): Promise<void> {
    const newest = new Map<string, Standing>();
    for (const row of [...rows].sort(byAge)) {
      const name = JSON.stringify([row.type, row.id, row.collection]);
      if (!newest.has(name)) newest.set(name, row);
    }
    const atHand = new Map(written.map(({ row, searchValues }) => [row.sequence, searchValues]));
    const unread = [...newest.values()].map(({ sequence }) => sequence).filter((sequence) => !atHand.has(sequence));
    for (const text of await this.#texts.of(db, unread)) atHand.set(text.sequence, searchValuesIn(text));
    const wanted = new Map<string, SearchValuesTable>();
    for (const { sequence } of newest.values()) {
      for (const row of atHand.get(sequence) ?? []) wanted.set(JSON.stringify(valuesOf(row)), row);
    }
    for (const row of await this.#stated.of(db, ids)) {
      if (wanted.delete(JSON.stringify(valuesOf(row)))) continue;
      await db
        .deleteFrom('search_values')
        .where((where) => where.and(row))
        .execute();
    }
    await this.#inserts.searchValues.into(db, [...wanted.values()]);
  }
}

const named = ({ collection, key_hash }: { collection: string; key_hash: string }): string =>
  `${key_hash} ${collection}`;

const valuesOf = ({ parameter, type, id, collection, system, value }: SearchValuesTable): string[] => [
  ...[parameter, type, id, collection, system, value],
];

function searchValuesIn({ type, id, collection, key, value }: Text): SearchValuesTable[] {
  const resources = contentOf(key, value)?.resources ?? [];
  const resource = resources.findLast((one) => one.resourceType === type && one.id === id);
  return resource === undefined ? [] : searchValueRows(resource, collection);
}
