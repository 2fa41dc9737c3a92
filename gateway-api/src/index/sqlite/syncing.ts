/**
 * Waiting for the disk off the event loop. SQLite would wait in the statement that commits, and nobody else would be served
 * meanwhile; so it commits without waiting, and what it wrote to the write-ahead log is synced before the commit is answered.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely';

/** Resolves when all that was written before is on the disk. */
export interface Disk {
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The disk under the write-ahead log of a database file, which stays the same file as long as the database is open. Not of the
 * database itself: to close that would drop SQLite's locks (sqlite.org/howtocorrupt.html, section 2.2).
 */
export function diskUnder(file: string): Disk {
  let log: Promise<FileHandle> | undefined;
  const opened = async (): Promise<FileHandle> => {
    const handle = await open(`${file}-wal`, 'r+');
    // A log that was made a moment ago has a name after a power cut only if its directory is on the disk as well.
    const directory = await open(dirname(file), 'r');
    await directory.sync().finally(() => directory.close());
    return handle;
  };
  return {
    sync: async () => {
      log ??= opened().catch((error: unknown) => {
        log = undefined;
        throw error;
      });
      await (await log).datasync();
    },
    close: async () => (await log)?.close(),
  };
}

const isRead = (text: string): boolean => /^\s*select\b/i.test(text);

class SyncingDriver extends SqliteDriver {
  readonly #disk: Disk;
  readonly #isInTransaction: () => boolean;

  constructor(config: SqliteDialectConfig, disk: Disk, isInTransaction: () => boolean) {
    super(config);
    this.#disk = disk;
    this.#isInTransaction = isInTransaction;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    return {
      executeQuery: async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => {
        const result = await connection.executeQuery<Row>(query);
        if (!isRead(query.sql) && !this.#isInTransaction()) await this.#disk.sync();
        return result;
      },
      streamQuery: (query, size) => connection.streamQuery(query, size),
    };
  }

  override async destroy(): Promise<void> {
    await this.#disk.close();
    await super.destroy();
  }
}

/** Whatever ends a transaction, or is one by itself, is done when it is on the disk. */
export class SyncingDialect extends SqliteDialect {
  readonly #driver: () => SyncingDriver;

  constructor(config: SqliteDialectConfig, disk: Disk, isInTransaction: () => boolean) {
    super(config);
    this.#driver = () => new SyncingDriver(config, disk, isInTransaction);
  }

  override createDriver(): SqliteDriver {
    return this.#driver();
  }
}
