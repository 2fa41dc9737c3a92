/** The databases that a read model can lie in, for suites that run on each. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import { postgres, postgresAbsent } from './postgres/postgres.fixture.ts';
import { type DatabaseSettings, openPostgres } from './postgres/postgres.ts';
import type { IndexTables } from './schema.ts';
import { openSqlite } from './sqlite/sqlite.ts';
import { openStores, type StorePlace } from './stores.ts';

export interface DatabaseKind {
  name: 'SQLite' | 'PostgreSQL';
  /** A place that nobody else uses; `remove` is for when it isn't used any more. */
  place(): Promise<StorePlace & { remove(): void }>;
}

const silent = pino({ level: 'silent' });

/** Makes something once for the whole run. To make tables takes longer than most tests, to copy them does not. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const newDirectory = (): string => mkdtempSync(join(tmpdir(), 'telemed-index-'));

/** A directory of files whose tables are there. */
const filesWithTables = once(async () => {
  const dataDir = newDirectory();
  process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  await (await openStores({ dataDir }, silent)).close();
  return dataDir;
});

export const sqlite: DatabaseKind = {
  name: 'SQLite',
  place: async () => {
    const dataDir = newDirectory();
    cpSync(await filesWithTables(), dataDir, { recursive: true });
    return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
  },
};

/** The name of a database whose tables are there. */
const databaseWithTables = once(async () => {
  const database = await (await postgres()).database();
  await (await openStores({ dataDir: '', database }, silent)).close();
  return database.name;
});

const copyOfDatabase = async (): Promise<DatabaseSettings> => (await postgres()).database(await databaseWithTables());

export const postgresql: DatabaseKind = {
  name: 'PostgreSQL',
  place: async () => ({ dataDir: '', database: await copyOfDatabase(), remove: () => {} }),
};

/** Declares a suite once for each database; where there is no PostgreSQL it says why and skips. */
export function onEachDatabase(title: string, suite: (this: Mocha.Suite, kind: DatabaseKind) => void): void {
  describe(`${title} (SQLite)`, function () {
    suite.call(this, sqlite);
  });
  if (postgresAbsent !== undefined) {
    describe.skip(`${title} (PostgreSQL): skipped, ${postgresAbsent}`, function () {
      suite.call(this, postgresql);
    });
    return;
  }
  describe(`${title} (PostgreSQL)`, function () {
    before('start PostgreSQL', async function () {
      this.timeout(60_000);
      await postgres();
    });
    suite.call(this, postgresql);
  });
}

/** Changes a read model behind its gateway's back. */
export async function tamper<T>(place: StorePlace, change: (db: Kysely<IndexTables>) => Promise<T>): Promise<T> {
  const { dataDir, database } = place;
  const db =
    database === undefined
      ? openSqlite<IndexTables>(join(dataDir, 'index.sqlite'), { durability: 'NORMAL' })
      : openPostgres<IndexTables>(database, {
          ...{ schema: 'index', connections: 1, durable: true, statementTimeoutMs: 5_000 },
          ...{ onLoss: () => {}, failure: () => undefined },
        }).kysely;
  try {
    return await change(db);
  } finally {
    await db.destroy();
  }
}
