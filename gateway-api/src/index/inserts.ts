/**
 * Inserts that Kysely compiles once per number of rows: putting a query together anew for every block took longer
 * than running it. The text is Kysely's for the database at hand; only the parameters change.
 */
import { CompiledQuery, type Insertable, type Kysely } from 'kysely';
import type {
  CheckpointTable,
  IdentifiersTable,
  IndexTables,
  MissingTable,
  PrivateValuesTable,
  StatesTable,
  TransactionsTable,
  VersionsTable,
} from './schema.ts';

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

type Compile<Row> = (db: Kysely<IndexTables>, rows: Row[]) => CompiledQuery;

/** An insert of rows of one shape. */
export class Insert<Row extends object> {
  readonly #columns: readonly (keyof Row)[];
  readonly #compile: Compile<Row>;
  readonly #compiled = new Map<number, CompiledQuery>();

  /** @param columns every column that is written, each present in every row; null is a value, undefined isn't */
  constructor(columns: readonly (keyof Row)[], compile: Compile<Row>) {
    this.#columns = columns;
    this.#compile = compile;
  }

  async into(db: Kysely<IndexTables>, rows: readonly Row[]): Promise<void> {
    for (const piece of pieces(rows)) {
      const compiled = this.#of(db, piece);
      const parameters: unknown[] = [];
      for (const row of piece) for (const column of this.#columns) parameters.push(row[column]);
      await db.executeQuery({ ...compiled, parameters });
    }
  }

  #of(db: Kysely<IndexTables>, rows: readonly Row[]): CompiledQuery {
    const known = this.#compiled.get(rows.length);
    if (known !== undefined) return known;
    const ordered = rows.map((row) => Object.fromEntries(this.#columns.map((column) => [column, row[column]])) as Row);
    const compiled = this.#compile(db, ordered);
    if (compiled.parameters.length !== rows.length * this.#columns.length) {
      throw new Error('an insert has other parameters than its rows');
    }
    const kept = CompiledQuery.raw(compiled.sql);
    this.#compiled.set(rows.length, kept);
    return kept;
  }
}

export interface Inserts {
  transactions: Insert<TransactionsTable>;
  versions: Insert<Insertable<VersionsTable>>;
  identifiers: Insert<IdentifiersTable>;
  privateValues: Insert<Insertable<PrivateValuesTable>>;
  states: Insert<StatesTable>;
  missing: Insert<MissingTable>;
  checkpoint: Insert<CheckpointTable>;
}

/** The projector's inserts, with what each does where its row is there already. One set for one database. */
export const newInserts = (): Inserts => ({
  transactions: new Insert(
    ['transaction_id', 'block', 'position', 'code', 'creator', 'endorsers', 'event', 'time'],
    (db, rows) =>
      db
        .insertInto('transactions')
        .values(rows)
        // A transaction id that comes again is invalid; the first outcome stands.
        .onConflict((conflict) => conflict.column('transaction_id').doNothing())
        .compile(),
  ),
  versions: new Insert(
    [
      ...(['type', 'id', 'version', 'current', 'collection', 'key', 'value', 'anchor', 'author', 'patient'] as const),
      ...(['last_updated', 'transaction_id', 'block', 'source', 'access', 'expires_at'] as const),
    ],
    (db, rows) =>
      db
        .insertInto('versions')
        .values(rows)
        .onConflict((conflict) =>
          conflict.columns(['id', 'type', 'collection', 'key']).doUpdateSet((excluded) => ({
            value: excluded.ref('excluded.value'),
            anchor: excluded.ref('excluded.anchor'),
            patient: excluded.ref('excluded.patient'),
            last_updated: excluded.ref('excluded.last_updated'),
            transaction_id: excluded.ref('excluded.transaction_id'),
            block: excluded.ref('excluded.block'),
          })),
        )
        .compile(),
  ),
  identifiers: new Insert(['type', 'id', 'collection', 'system', 'value'], (db, rows) =>
    db
      .insertInto('identifiers')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .compile(),
  ),
  privateValues: new Insert(['collection', 'key', 'kind', 'value', 'anchor', 'transaction_id', 'block'], (db, rows) =>
    db
      .insertInto('private_values')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['collection', 'key']).doUpdateSet((excluded) => ({
          value: excluded.ref('excluded.value'),
          anchor: excluded.ref('excluded.anchor'),
          transaction_id: excluded.ref('excluded.transaction_id'),
          block: excluded.ref('excluded.block'),
        })),
      )
      .compile(),
  ),
  states: new Insert(['kind', 'id', 'status', 'value', 'transaction_id', 'block', 'time'], (db, rows) =>
    db
      .insertInto('states')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['kind', 'id']).doUpdateSet((excluded) => ({
          status: excluded.ref('excluded.status'),
          value: excluded.ref('excluded.value'),
          transaction_id: excluded.ref('excluded.transaction_id'),
          block: excluded.ref('excluded.block'),
          time: excluded.ref('excluded.time'),
        })),
      )
      .compile(),
  ),
  missing: new Insert(['collection', 'key_hash', 'anchor', 'transaction_id', 'block'], (db, rows) =>
    db
      .insertInto('missing')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['collection', 'key_hash']).doUpdateSet((excluded) => ({
          anchor: excluded.ref('excluded.anchor'),
          transaction_id: excluded.ref('excluded.transaction_id'),
          block: excluded.ref('excluded.block'),
        })),
      )
      .compile(),
  ),
  checkpoint: new Insert(['id', 'block', 'hash'], (db, rows) =>
    db
      .insertInto('checkpoint')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((excluded) => ({
          block: excluded.ref('excluded.block'),
          hash: excluded.ref('excluded.hash'),
        })),
      )
      .compile(),
  ),
});
