/** A gateway's stores as two SQLite files in one directory. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { alwaysThere } from '../health.ts';
import { migrateIndex, migrateJournal } from '../migrations.ts';
import type { IndexTables, JournalTables, Stores } from '../schema.ts';
import { isRewritable, rewrite } from './rewriting.ts';
import { emptyLog, openSqlite } from './sqlite.ts';

const INDEX_FILE = 'index.sqlite';
const JOURNAL_FILE = 'journal.sqlite';
/** Writes wait while the read model is written anew. */
const REWRITE_EVERY_MS = 60_000;

/** Where a gateway's read model lies. */
export const indexFile = (dataDir: string): string => join(dataDir, INDEX_FILE);

/** @throws Error naming the file that cannot be read and what to do about it. */
export async function openSqliteStores(dataDir: string, rewriteEveryMs = REWRITE_EVERY_MS): Promise<Stores> {
  const file = indexFile(dataDir);
  const writing = await opened(file, 'npm run reindex fills it again from the ledger', async () => {
    const database = openSqlite<IndexTables>(file, { durability: 'NORMAL' });
    await migrateIndex(database, 'sqlite');
    return database;
  });
  const reading = openSqlite<IndexTables>(file, { durability: 'NORMAL', readOnly: true });
  const journalFile = join(dataDir, JOURNAL_FILE);
  const journal = await opened(
    journalFile,
    'without it the Idempotency-Keys of late writes are forgotten',
    async () => {
      const database = openSqlite<JournalTables>(journalFile, { durability: 'FULL' });
      await migrateJournal(database, 'sqlite');
      return database;
    },
  );
  const journalLazily = openSqlite<JournalTables>(journalFile, { durability: 'NORMAL' });
  const emptyLogs = async (): Promise<boolean> => {
    const emptied = [await emptyLog(writing), await emptyLog(journal)];
    return emptied.every((one) => one);
  };
  let [rewrittenAt, isToRewrite] = [Number.NEGATIVE_INFINITY, false];
  const forget = async (isNew: boolean): Promise<boolean> => {
    isToRewrite ||= isNew;
    if (isToRewrite && performance.now() - rewrittenAt >= rewriteEveryMs) {
      // The projector waits for the connection, not in SQLite.
      await writing.connection().execute(async () => {
        if (await isRewritable(file)) await rewrite(file);
      });
      rewrittenAt = performance.now();
      isToRewrite = false;
    }
    return (await emptyLogs()) && !isToRewrite;
  };
  // What a process deleted that was killed then.
  await emptyLogs();
  return {
    writing,
    reading,
    journal,
    journalLazily,
    health: alwaysThere,
    forget,
    close: async () => {
      await reading.destroy();
      await writing.destroy();
      await journalLazily.destroy();
      await journal.destroy();
    },
  };
}

async function opened<T>(file: string, remedy: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as Error).message}): ${remedy}`, { cause: error });
  }
}

/** Throws the read model away; the next start fills it again from block 0. Only while no gateway has it open. */
export function dropIndex(dataDir: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(indexFile(dataDir) + suffix, { force: true });
}
