/**
 * Statements that are put together once per number of rows: doing it anew for every block took longer than running
 * them. Only the parameters change.
 */
import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import { inTurn } from '../../http/pauses.ts';
import { COLUMNS, type IndexRows, type IndexTables, KEYS, type TableName } from '../schema.ts';
import type { Seals } from '../seals.ts';

/**
 * Pieces whose sizes are powers of two, at most 128: few distinct statements, each prepared once, none beyond
 * SQLite's limit of parameters.
 */
export function* pieces<T>(rows: readonly T[]): Generator<readonly T[]> {
  if (rows.length === 1) return yield rows;
  let start = 0;
  for (let size = 128; size >= 1; size /= 2) {
    while (rows.length - start >= size) {
      yield rows.slice(start, start + size);
      start += size;
    }
  }
}

type Row<T extends TableName> = IndexRows[T];

/** Inserts rows of one table, each with its seal. */
export class Insert<T extends TableName> {
  readonly #table: T;
  readonly #seals: Seals;
  readonly #columns: readonly string[];
  /** Columns by which a row that is there already is found and replaced; without any it stays. */
  readonly #replacing: readonly string[] | undefined;
  readonly #compiled = new Map<number, CompiledQuery>();

  constructor(table: T, seals: Seals, options: { replaces: boolean } = { replaces: false }) {
    this.#table = table;
    this.#seals = seals;
    this.#columns = [...COLUMNS[table], 'seal'];
    this.#replacing = options.replaces ? KEYS[table] : undefined;
  }

  async into(db: Kysely<IndexTables>, all: readonly Row<T>[]): Promise<void> {
    const rows = this.#replacing === undefined ? all : lastOfEach(all, this.#replacing);
    for (const piece of pieces(rows)) await inTurn(() => this.#insert(db, piece));
  }

  async #insert(db: Kysely<IndexTables>, rows: readonly Row<T>[]): Promise<void> {
    const parameters: unknown[] = [];
    for (const row of rows) {
      const values: Record<string, unknown> = { ...row, seal: this.#seals.of(this.#table, row) };
      for (const column of this.#columns) parameters.push(values[column]);
    }
    await db.executeQuery({ ...this.#of(db, rows.length), parameters });
  }

  #of(db: Kysely<IndexTables>, count: number): CompiledQuery {
    const known = this.#compiled.get(count);
    if (known !== undefined) return known;
    const row = sql`(${sql.join(this.#columns.map(() => sql.val(null)))})`;
    const { sql: text } = sql`
      insert into ${sql.table(this.#table)} (${sql.join(this.#columns.map((column) => sql.ref(column)))})
      values ${sql.join(Array.from({ length: count }, () => row))}
      on conflict ${this.#onConflict()}`.compile(db);
    const kept = CompiledQuery.raw(text);
    this.#compiled.set(count, kept);
    return kept;
  }

  #onConflict() {
    const key = this.#replacing;
    if (key === undefined) return sql`do nothing`;
    const others = this.#columns.filter((column) => !key.includes(column));
    const set = others.map((column) => sql`${sql.ref(column)} = excluded.${sql.ref(column)}`);
    return sql`(${sql.join(key.map((column) => sql.ref(column)))}) do update set ${sql.join(set)}`;
  }
}

/** One row for each key: PostgreSQL refuses a statement that would replace a row that it has just inserted. */
function lastOfEach<R extends object>(rows: readonly R[], key: readonly string[]): readonly R[] {
  if (rows.length < 2) return rows;
  const nameOf = (row: R): string => JSON.stringify(key.map((column) => (row as Record<string, unknown>)[column]));
  const byKey = new Map(rows.map((row) => [nameOf(row), row]));
  return byKey.size === rows.length ? rows : [...byKey.values()];
}

/** A query over a list of values that may stand several times in its text. */
export class Lookup<Result> {
  readonly #query: (list: RawBuilder<unknown>) => RawBuilder<Result>;
  readonly #times: number;
  readonly #compiled = new Map<number, CompiledQuery<Result>>();

  /** @param times how often the query's text uses the list */
  constructor(query: (list: RawBuilder<unknown>) => RawBuilder<Result>, times = 1) {
    this.#query = query;
    this.#times = times;
  }

  /** The rows for any of these values, in no order. */
  async of(db: Kysely<IndexTables>, values: readonly unknown[]): Promise<Result[]> {
    const found: Result[] = [];
    for (const piece of pieces(values)) {
      const parameters = Array.from({ length: this.#times }, () => piece).flat();
      const query = { ...this.#with(db, piece.length), parameters };
      const { rows } = await inTurn(() => db.executeQuery<Result>(query));
      found.push(...rows);
    }
    return found;
  }

  #with(db: Kysely<IndexTables>, count: number): CompiledQuery<Result> {
    const known = this.#compiled.get(count);
    if (known !== undefined) return known;
    const list = sql`(${sql.join(Array.from({ length: count }, () => sql.val(null)))})`;
    const kept = CompiledQuery.raw(this.#query(list).compile(db).sql) as CompiledQuery<Result>;
    this.#compiled.set(count, kept);
    return kept;
  }
}

export interface Inserts {
  transactions: Insert<'transactions'>;
  versions: Insert<'versions'>;
  searchValues: Insert<'search_values'>;
  privateValues: Insert<'private_values'>;
  states: Insert<'states'>;
  anchors: Insert<'anchors'>;
  accessConsents: Insert<'access_consents'>;
  erasures: Insert<'erasures'>;
  missing: Insert<'missing'>;
  carriedReads: Insert<'carried_reads'>;
  refusedKeys: Insert<'refused_keys'>;
  leaves: Insert<'leaves'>;
  treeNodes: Insert<'tree_nodes'>;
  cosignatures: Insert<'cosignatures'>;
  witnesses: Insert<'witnesses'>;
}

/** The projector's inserts. One set for one database. */
export const newInserts = (seals: Seals): Inserts => ({
  // A transaction id that comes again is invalid; the first outcome stands.
  transactions: new Insert('transactions', seals),
  versions: new Insert('versions', seals),
  searchValues: new Insert('search_values', seals),
  privateValues: new Insert('private_values', seals),
  states: new Insert('states', seals, { replaces: true }),
  anchors: new Insert('anchors', seals, { replaces: true }),
  accessConsents: new Insert('access_consents', seals),
  erasures: new Insert('erasures', seals, { replaces: true }),
  missing: new Insert('missing', seals),
  carriedReads: new Insert('carried_reads', seals),
  refusedKeys: new Insert('refused_keys', seals, { replaces: true }),
  leaves: new Insert('leaves', seals),
  treeNodes: new Insert('tree_nodes', seals),
  // Of a member at a size, and of what vouches for a key, the first stands.
  cosignatures: new Insert('cosignatures', seals),
  witnesses: new Insert('witnesses', seals),
});
