/**
 * Which rows are of records that are marked as erased. A mark names its record by a hash, and says how its id begins: rows
 * are looked for by that, and nothing is hashed for records whose id begins otherwise.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import {
  beginningOf,
  type ErasedMark,
  erasedMarkSchema,
  erasureHandle,
} from '@telemed-ledger/chaincode/model/erasures.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Kysely, sql } from 'kysely';
import type { IndexTables, VersionsTable } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { Lookup } from './inserts.ts';
import { objectIn } from './json.ts';
import type { KeyRows } from './rows.ts';
import { isAnchored } from './sheets.ts';

type Database = Kysely<IndexTables>;
type Value = IndexTables['private_values'];
type Row = Pick<VersionsTable, 'id' | 'collection' | 'source' | 'leaf'>;

const KIND = 'erased';
const CARE = collections.care('');

/** A mark as it stands in its collection. */
export interface StandingMark extends Pick<ErasedMark, 'at' | 'begins'> {
  handle: string;
  row: Value;
}

/** What a batch of keys changes of what is erased. */
export interface ErasedView {
  /** The same keys, whose rows say whether their records are marked. */
  keys: KeyRows[];
  /** Whether a row of the batch, or one that stands, is of a record that is marked once the batch is written. */
  isErased(row: Row & Pick<VersionsTable, 'erased'>): boolean;
  /** Handles of the marks that come or go with the batch. */
  changed: ReadonlySet<string>;
  /** Ids of records of which rows stand already, and whose mark comes or goes. */
  ids: readonly string[];
}

/** The handle by which a row's record is marked; undefined for what is no record on a sheet. */
export function handleOf({ id, collection, source, leaf }: Row): string | undefined {
  if (leaf === null) return undefined;
  const provider = source ?? (collection.startsWith(CARE) ? collection.slice(CARE.length) : undefined);
  return provider === undefined ? undefined : erasureHandle(provider, id);
}

/** The mark that a value is; undefined where it is none. */
function markIn(row: Pick<Value, 'collection' | 'key' | 'value'>): Omit<StandingMark, 'row'> | undefined {
  const { kind, segments } = parsePrivateKey(row.key);
  const [handle] = segments;
  if (row.collection !== collections.marks || kind !== KIND || handle === undefined) return undefined;
  const { data } = erasedMarkSchema.safeParse(objectIn(row.value));
  return data && { handle, at: data.at, begins: data.begins };
}

/** The rows of records, in any collection, whose id begins so. */
export const beginningWith = (begins: string) =>
  sql<Row>`id >= ${begins} and id < ${`${begins}g`} and leaf is not null`;

/** One for one database: it keeps its statements, and remembers how the ids of erased records begin. */
export class Erased {
  readonly #seals: Seals;
  readonly #values = new Lookup<Value>((hashes) => sql`select * from private_values where key_hash in ${hashes}`);
  /** Of every mark that was ever seen: it saves work, and decides nothing. */
  #beginnings: Set<string> | undefined;

  constructor(seals: Seals) {
    this.#seals = seals;
  }

  /** The database is another than it was. */
  forget(): void {
    this.#beginnings = undefined;
  }

  /** Looks ahead to what these keys change. Nothing of them is written yet. */
  async view(db: Database, keys: readonly KeyRows[]): Promise<ErasedView> {
    const beginnings = await this.#known(db);
    const { coming, going } = await this.#marksIn(db, keys);
    for (const { begins } of coming) beginnings.add(begins);
    const come = new Set(coming.map(({ handle }) => handle));
    const changed = new Set([...come, ...going.map(({ handle }) => handle)]);
    const isIn = (handles: ReadonlySet<string>, row: Row) => handles.size > 0 && handles.has(handleOf(row) ?? '');
    const standing = await this.#standingRows(db, [...coming, ...going]);
    const marked = await this.#marked(db, keys, beginnings);
    const isMarked = (row: Row) => (isIn(changed, row) ? isIn(come, row) : isIn(marked, row));
    return {
      keys: marked.size + come.size === 0 ? [...keys] : keys.map((key) => flagged(key, isMarked)),
      isErased: (row) => (isIn(changed, row) ? isIn(come, row) : row.erased === 1),
      changed,
      ids: [...new Set(standing.filter((row) => isIn(changed, row)).map(({ id }) => id))],
    };
  }

  /** The marks under these handles that stand. */
  async marks(db: Database, handles: readonly string[]): Promise<StandingMark[]> {
    const rows = await this.#values.of(db, handles.map(privateKeys.erased).map(sha256Hex));
    return rows
      .filter((row) => this.#seals.isOn('private_values', row) && isAnchored(row))
      .flatMap((row) => {
        const mark = markIn(row);
        return mark === undefined ? [] : [{ ...mark, row }];
      });
  }

  async #known(db: Database): Promise<Set<string>> {
    if (this.#beginnings !== undefined) return this.#beginnings;
    const rows = await db
      .selectFrom('private_values')
      .select(['collection', 'key', 'value'])
      .where('kind', '=', KIND)
      .where('collection', '=', collections.marks)
      .execute();
    this.#beginnings = new Set(rows.flatMap((row) => markIn(row)?.begins ?? []));
    return this.#beginnings;
  }

  /** The marks that these keys bring, and those that they take away. */
  async #marksIn(db: Database, keys: readonly KeyRows[]) {
    const marks = keys.filter(({ collection }) => collection === collections.marks);
    const coming = marks.flatMap(({ privateValue }) => (privateValue && markIn(privateValue)) ?? []);
    const gone = marks.filter(({ privateValue }) => privateValue === undefined).map(({ keyHash }) => keyHash);
    const before = await this.#values.of(db, gone);
    return { coming, going: before.flatMap((row) => markIn(row) ?? []) };
  }

  async #standingRows(db: Database, marks: readonly { begins: string }[]): Promise<Row[]> {
    const found: Row[] = [];
    for (const { begins } of marks) {
      const query = db.selectFrom('versions').select(['id', 'collection', 'source', 'leaf']);
      found.push(...(await query.where(beginningWith(begins) as never).execute()));
    }
    return found;
  }

  /** Handles of the records of these keys that are marked already. */
  async #marked(db: Database, keys: readonly KeyRows[], beginnings: ReadonlySet<string>): Promise<Set<string>> {
    if (beginnings.size === 0) return new Set();
    const rows = keys.flatMap(({ versions }) => versions.map(({ row }) => row));
    const candidates = rows.filter(({ id }) => beginnings.has(beginningOf(id)));
    const handles = new Set(candidates.flatMap((row) => handleOf(row) ?? []));
    return new Set((await this.marks(db, [...handles])).map(({ handle }) => handle));
  }
}

const flagged = (key: KeyRows, isMarked: (row: Row) => boolean): KeyRows => ({
  ...key,
  versions: key.versions.map((one) => ({ ...one, row: { ...one.row, erased: isMarked(one.row) ? 1 : 0 } })),
});
