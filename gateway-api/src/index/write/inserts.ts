/**
 * Statements that are put together once per number of rows: doing it anew for every block took longer than running
 * them. Only the parameters change.
 */
import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import type {
  AccessConsentsTable,
  IndexTables,
  MissingTable,
  PrivateValuesTable,
  SearchValuesTable,
  StatesTable,
  TransactionsTable,
  VersionsTable,
} from '../schema.ts';

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

type Column<Row> = Extract<keyof Row, string>;

/** What an insert does where a row of the same key is there: these columns of it are replaced. */
export interface Replacing<Row> {
  key: readonly Column<Row>[];
  columns: readonly Column<Row>[];
}

/** An insert of rows of one shape; without `replacing`, a row that is there already stays as it is. */
export class Insert<Row extends object> {
  readonly #table: string;
  readonly #columns: readonly Column<Row>[];
  readonly #replacing: Replacing<Row> | undefined;
  readonly #compiled = new Map<number, CompiledQuery>();

  /** @param columns every column that is written, each present in every row; null is a value, undefined isn't */
  constructor(table: keyof IndexTables, columns: readonly Column<Row>[], replacing?: Replacing<Row>) {
    this.#table = table;
    this.#columns = columns;
    this.#replacing = replacing;
  }

  async into(db: Kysely<IndexTables>, all: readonly Row[]): Promise<void> {
    const rows = this.#replacing === undefined ? all : merged(all, this.#replacing);
    for (const piece of pieces(rows)) {
      const compiled = this.#of(db, piece.length);
      const parameters: unknown[] = [];
      for (const row of piece) for (const column of this.#columns) parameters.push(row[column]);
      await db.executeQuery({ ...compiled, parameters });
    }
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
    if (this.#replacing === undefined) return sql`do nothing`;
    const { key, columns } = this.#replacing;
    const set = columns.map((column) => sql`${sql.ref(column)} = excluded.${sql.ref(column)}`);
    return sql`(${sql.join(key.map((column) => sql.ref(column)))}) do update set ${sql.join(set)}`;
  }
}

/** One row for each key: PostgreSQL refuses a statement that would replace a row that it has just inserted. */
function merged<Row extends object>(rows: readonly Row[], { key, columns }: Replacing<Row>): readonly Row[] {
  if (rows.length < 2) return rows;
  const byKey = new Map<string, Row>();
  for (const row of rows) {
    const name = JSON.stringify(key.map((column) => String(row[column]).toWellFormed()));
    const earlier = byKey.get(name);
    if (earlier === undefined) byKey.set(name, row);
    else byKey.set(name, { ...earlier, ...Object.fromEntries(columns.map((column) => [column, row[column]])) });
  }
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
      const { rows } = await db.executeQuery<Result>({ ...this.#with(db, piece.length), parameters });
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
  transactions: Insert<TransactionsTable>;
  versions: Insert<VersionsTable>;
  searchValues: Insert<SearchValuesTable>;
  privateValues: Insert<PrivateValuesTable>;
  states: Insert<StatesTable>;
  accessConsents: Insert<AccessConsentsTable>;
  missing: Insert<MissingTable>;
}

/** The projector's inserts, with what each does where its row is there already. One set for one database. */
export const newInserts = (): Inserts => ({
  // A transaction id that comes again is invalid; the first outcome stands.
  transactions: new Insert('transactions', [
    ...(['transaction_id', 'block', 'position', 'code', 'creator', 'endorsers', 'event', 'time'] as const),
  ]),
  versions: new Insert('versions', [
    ...(['sequence', 'type', 'id', 'version', 'current', 'collection', 'key', 'key_hash', 'value', 'anchor'] as const),
    ...(['author', 'patient', 'last_updated', 'transaction_id', 'block', 'source', 'access', 'expires_at'] as const),
  ]),
  searchValues: new Insert('search_values', ['parameter', 'type', 'id', 'collection', 'system', 'value']),
  privateValues: new Insert('private_values', [
    ...(['sequence', 'collection', 'key', 'key_hash', 'kind', 'value', 'anchor', 'transaction_id', 'block'] as const),
    ...(['patient_system', 'patient_value'] as const),
  ]),
  // All but `sequence`: a key keeps the place at which it came.
  states: new Insert(
    'states',
    [
      ...(['kind', 'id', 'sequence', 'own', 'status', 'last_updated', 'ends_at', 'value'] as const),
      ...(['transaction_id', 'block', 'time'] as const),
    ],
    {
      key: ['kind', 'id'],
      columns: ['own', 'status', 'last_updated', 'ends_at', 'value', 'transaction_id', 'block', 'time'],
    },
  ),
  accessConsents: new Insert('access_consents', ['access', 'consent', 'version', 'ended']),
  missing: new Insert('missing', [
    ...(['sequence', 'reason', 'collection', 'key_hash', 'anchor', 'transaction_id', 'block'] as const),
  ]),
});
