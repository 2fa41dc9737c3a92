/**
 * A gateway's databases: the read model, which the ledger can rebuild, and the journal, which it cannot. They lie in
 * SQLite files or in PostgreSQL; whoever uses them doesn't see which.
 */
import type { Logger } from 'pino';
import type { DatabaseSettings } from './postgres/postgres.ts';
import { dropPostgresIndex, openPostgresStores } from './postgres/stores.ts';
import type { Stores } from './schema.ts';
import { dropIndex, openSqliteStores } from './sqlite/stores.ts';

export { dropIndex };

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
