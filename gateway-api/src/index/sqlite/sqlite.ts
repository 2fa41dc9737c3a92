/**
 * Opens SQLite (node:sqlite) under Kysely. One connection writes, another reads, so that a read never sees half a
 * block; WAL lets both work at once.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import { checkParameters, tooMany } from '../parameters.ts';
import { diskUnder, SyncingDialect } from './syncing.ts';

/**
 * NORMAL survives a crash of the process, not always of the machine; FULL survives both, and OFF neither. FULL waits for the disk
 * outside SQLite: see syncing.ts.
 */
export type Durability = 'NORMAL' | 'FULL' | 'OFF';

const STATEMENTS_KEPT = 200;
/** Of each connection, and there are four of them in every gateway; the system keeps the files in memory besides. */
const CACHE_KIB = 4_000;
/** A checkpoint is what waits for the disk: 32 MB of log between two spares most of them under load. */
const CHECKPOINT_PAGES = 8_000;
const BUSY_TIMEOUT_MS = 5_000;

/** Opens (and creates) a database file. `:memory:` is for tests that need one connection only. */
export function openSqlite<Tables>(
  file: string,
  options: { durability: Durability; readOnly?: boolean },
): Kysely<Tables> {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { readOnly: options.readOnly ?? false, timeout: BUSY_TIMEOUT_MS });
  if (options.readOnly !== true) {
    const journal = options.durability === 'OFF' ? 'MEMORY' : 'WAL';
    database.exec(
      `PRAGMA journal_mode = ${journal}; PRAGMA synchronous = ${options.durability === 'OFF' ? 'OFF' : 'NORMAL'};`,
    );
    database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};`);
    // What is deleted is overwritten, in the pages that stay and in those that are free.
    database.exec('PRAGMA secure_delete = ON;');
  }
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY;`);
  // As PostgreSQL has it.
  database.exec('PRAGMA case_sensitive_like = ON;');
  const config = { database: adapt(database) };
  const isOnDisk = options.durability === 'FULL' && file !== ':memory:';
  const dialect = isOnDisk
    ? new SyncingDialect(config, diskUnder(file), () => database.isTransaction)
    : new SqliteDialect(config);
  return new Kysely<Tables>({ dialect });
}

/**
 * Takes what was deleted out of the write-ahead log: what it holds goes into the file, and the log begins anew. False where a
 * reader or a writer is in the way, which nobody waits for: it is to be tried again.
 */
export const emptyLog = <Tables>(db: Kysely<Tables>): Promise<boolean> =>
  db.connection().execute(async (connection) => {
    await sql`pragma busy_timeout = 0`.execute(connection);
    try {
      const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(connection);
      return rows[0]?.busy === 0;
    } finally {
      await sql`pragma busy_timeout = ${sql.lit(BUSY_TIMEOUT_MS)}`.execute(connection);
    }
  });

interface Adapted {
  close(): void;
  prepare(sql: string): {
    reader: boolean;
    all(parameters: readonly unknown[]): unknown[];
    run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
    iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
  };
}

type Parameter = null | number | bigint | string | Uint8Array;

/** node:sqlite in the shape Kysely's dialect expects, with its prepared statements kept. */
function adapt(database: DatabaseSync): Adapted {
  const statements = new LRUCache<string, { statement: StatementSync; reader: boolean }>({ max: STATEMENTS_KEPT });
  const prepared = (sql: string): { statement: StatementSync; reader: boolean } => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = preparedIn(database, sql);
    const made = { statement, reader: statement.columns().length > 0 };
    statements.set(sql, made);
    return made;
  };
  return {
    close: () => {
      statements.clear();
      database.close();
    },
    prepare: (sql) => {
      const { statement, reader } = prepared(sql);
      return {
        reader,
        all: (parameters) => statement.all(...checked(parameters)),
        run: (parameters) => statement.run(...checked(parameters)),
        iterate: (parameters) => statement.iterate(...checked(parameters)),
      };
    },
  };
}

function preparedIn(database: DatabaseSync, sql: string): StatementSync {
  try {
    return database.prepare(sql);
  } catch (error) {
    throw (error as Error).message === 'too many SQL variables' ? tooMany() : error;
  }
}

function checked(parameters: readonly unknown[]): Parameter[] {
  checkParameters(parameters);
  return parameters as Parameter[];
}
