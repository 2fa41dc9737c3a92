/** A gateway's stores as two SQLite files in one directory. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { alwaysThere } from '../health.ts';
import { migrateIndex, migrateJournal } from '../migrations.ts';
import type { IndexTables, JournalTables, Stores } from '../schema.ts';
import { openSqlite } from './sqlite.ts';

const INDEX_FILE = 'index.sqlite';
const JOURNAL_FILE = 'journal.sqlite';

/** Where a gateway's read model lies. */
export const indexFile = (dataDir: string): string => join(dataDir, INDEX_FILE);

/** @throws Error naming the file that cannot be read and what to do about it. */
export async function openSqliteStores(dataDir: string): Promise<Stores> {
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
  return {
    writing,
    reading,
    journal,
    journalLazily,
    health: alwaysThere,
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
