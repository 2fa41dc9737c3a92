/** The databases that a read model can lie in, for suites that run on each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import { type FixturePostgres, postgres, postgresAbsent } from './postgres/postgres.fixture.ts';
import { type DatabaseSettings, openPostgres } from './postgres/postgres.ts';
import type { IndexTables } from './schema.ts';
import { openSqlite } from './sqlite/sqlite.ts';
import { openStores, type StorePlace } from './stores.ts';

export interface DatabaseKind {
  name: 'SQLite' | 'PostgreSQL';
  /** A place that nobody else uses; `remove` is for when it isn't used any more. */
  place(): Promise<StorePlace & { remove(): void }>;
}

export const sqlite: DatabaseKind = {
  name: 'SQLite',
  place: async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'telemed-index-'));
    return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
  },
};

let template: Promise<string> | undefined;

/** The name of a database whose tables are there: to make them takes longer than most tests, to copy them does not. */
async function templateWithTables(server: FixturePostgres): Promise<string> {
  const database = await server.database();
  await (await openStores({ dataDir: '', database }, pino({ level: 'silent' }))).close();
  return database.name;
}

async function databaseWithTables(): Promise<DatabaseSettings> {
  const server = await postgres();
  template ??= templateWithTables(server);
  return server.database(await template);
}

export const postgresql: DatabaseKind = {
  name: 'PostgreSQL',
  place: async () => ({ dataDir: '', database: await databaseWithTables(), remove: () => {} }),
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
