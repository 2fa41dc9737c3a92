/** A gateway's databases: the read model, which the ledger can rebuild, and the journal, which it cannot. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { openDatabase } from './database.ts';
import { migrateIndex, migrateJournal } from './migrations.ts';
import type { IndexTables, JournalTables } from './schema.ts';

export const INDEX_FILE = 'index.sqlite';
const JOURNAL_FILE = 'journal.sqlite';

export interface Stores {
  /** For the projector alone. */
  writing: Kysely<IndexTables>;
  reading: Kysely<IndexTables>;
  journal: Kysely<JournalTables>;
  /** The same file; what is written here need not outlive a power cut. */
  journalLazily: Kysely<JournalTables>;
  close(): Promise<void>;
}

/**
 * Opens both, brings them to the newest form, and returns them ready.
 * @throws Error naming the file that cannot be read and what to do about it.
 */
export async function openStores(dataDir: string): Promise<Stores> {
  const file = join(dataDir, INDEX_FILE);
  const writing = await opened(file, 'npm run reindex fills it again from the ledger', async () => {
    const database = openDatabase<IndexTables>(file, { durability: 'NORMAL' });
    await migrateIndex(database);
    return database;
  });
  const reading = openDatabase<IndexTables>(file, { durability: 'NORMAL', readOnly: true });
  const journalFile = join(dataDir, JOURNAL_FILE);
  const journal = await opened(
    journalFile,
    'without it the Idempotency-Keys of late writes are forgotten',
    async () => {
      const database = openDatabase<JournalTables>(journalFile, { durability: 'FULL' });
      await migrateJournal(database);
      return database;
    },
  );
  const journalLazily = openDatabase<JournalTables>(journalFile, { durability: 'NORMAL' });
  return {
    writing,
    reading,
    journal,
    journalLazily,
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
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, INDEX_FILE + suffix), { force: true });
}
