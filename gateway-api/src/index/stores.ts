/**
 * A gateway's databases: the read model, which the ledger can rebuild, and the journal, which it cannot. They lie in
 * SQLite files or in PostgreSQL; whoever uses them doesn't see which.
 */
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { StoreHealth } from './health.ts';
import type { DatabaseSettings } from './postgres/postgres.ts';
import { dropPostgresIndex, openPostgresStores } from './postgres/stores.ts';
import type { IndexTables, JournalTables } from './schema.ts';
import { dropIndex, openSqliteStores } from './sqlite/stores.ts';

export { dropIndex };

export interface Stores {
  /** For the projector alone: one connection. */
  writing: Kysely<IndexTables>;
  /** Each statement sees whole blocks. Two statements may see different ones: a block can come between them. */
  reading: Kysely<IndexTables>;
  /** A write is on the disk when it is done. */
  journal: Kysely<JournalTables>;
  /** The same journal; what is written here need not outlive a power cut. */
  journalLazily: Kysely<JournalTables>;
  health: StoreHealth;
  close(): Promise<void>;
}

/** Where they lie: in PostgreSQL where there is one, else in SQLite files in `dataDir`. */
export interface StorePlace {
  dataDir: string;
  database?: DatabaseSettings | undefined;
}

/**
 * Opens both, brings them to the newest form, and returns them ready.
 * @throws Error naming what cannot be opened and why.
 */
export const openStores = ({ dataDir, database }: StorePlace, log: Logger): Promise<Stores> =>
  database === undefined ? openSqliteStores(dataDir) : openPostgresStores(database, log);

/** Throws the read model away and keeps the journal; the next start fills it again. Only while no gateway runs on it. */
export async function emptyIndex({ dataDir, database }: StorePlace, log: Logger): Promise<void> {
  if (database === undefined) dropIndex(dataDir);
  else await dropPostgresIndex(database, log);
}
