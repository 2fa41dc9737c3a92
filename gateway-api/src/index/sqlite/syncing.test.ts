/** A commit is answered when the disk has it, and nobody waits for the disk but who commits. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { Kysely, type SqliteDatabase } from 'kysely';
import { openSqlite } from './sqlite.ts';
import { type Disk, diskUnder, SyncingDialect } from './syncing.ts';

interface Tables {
  notes: { text: string };
}

/** A database whose disk answers when it is told to. */
function onSlowDisk() {
  const database = new DatabaseSync(':memory:');
  database.exec('create table notes (text text)');
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const disk: Disk = {
    sync: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
    close: async () => {},
  };
  const prepare = (sql: string) => {
    const statement = database.prepare(sql);
    const all = (parameters: readonly unknown[]) => statement.all(...(parameters as string[]));
    const run = (parameters: readonly unknown[]) => statement.run(...(parameters as string[]));
    return { reader: statement.columns().length > 0, all, run, iterate: () => [][Symbol.iterator]() };
  };
  const config = { database: { close: () => database.close(), prepare } as unknown as SqliteDatabase };
  const db = new Kysely<Tables>({ dialect: new SyncingDialect(config, disk, () => database.isTransaction) });
  return { db, waiting };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
};

describe('syncing', () => {
  const write = (db: Kysely<Tables>) => db.insertInto('notes').values({ text: 'a' });
  const cases: [what: string, write: (db: Kysely<Tables>) => Promise<unknown>][] = [
    ['a statement', (db) => write(db).execute()],
    ['a statement that answers rows', (db) => write(db).returning('text').execute()],
    [
      'a transaction, once',
      (db) =>
        db.transaction().execute(async (inner) => {
          await write(inner).execute();
          await write(inner).execute();
        }),
    ],
  ];
  for (const [what, writing] of cases)
    it(`waits for the disk at the end of ${what}`, async () => {
      const { db, waiting } = onSlowDisk();
      let isDone = false;
      const done = writing(db).then(() => {
        isDone = true;
      });
      await turns();
      expect([isDone, waiting.length]).to.deep.equal([false, 1]);
      waiting[0]!.resolve();
      await done;
      expect(waiting).to.have.lengthOf(1);
    });

  it('does not wait for what only reads', async () => {
    const { db, waiting } = onSlowDisk();
    expect(await db.selectFrom('notes').selectAll().execute()).to.deep.equal([]);
    expect(waiting).to.deep.equal([]);
  });

  it('fails where the disk does', async () => {
    const { db, waiting } = onSlowDisk();
    const failure = write(db)
      .execute()
      .catch((error: Error) => error.message);
    await turns();
    waiting[0]!.reject(new Error('EIO'));
    expect(await failure).to.equal('EIO');
  });

  it('syncs the log of a database that was just made, and one that was opened again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'syncing-'));
    const file = join(directory, 'notes.sqlite');
    for (const made of [true, false]) {
      const db = openSqlite<Tables>(file, { durability: 'FULL' });
      if (made) await db.schema.createTable('notes').addColumn('text', 'text').execute();
      await write(db).execute();
      expect(await db.selectFrom('notes').selectAll().execute()).to.have.lengthOf(made ? 1 : 2);
      await db.destroy();
    }
    rmSync(directory, { recursive: true });
  });

  it('fails where there is no log to be synced, until there is one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'syncing-'));
    const file = join(directory, 'notes.sqlite');
    const disk = diskUnder(file);
    expect(await disk.sync().catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ENOENT');
    const db = openSqlite<Tables>(file, { durability: 'NORMAL' });
    await db.schema.createTable('notes').addColumn('text', 'text').execute();
    await disk.sync();
    await disk.close();
    await db.destroy();
    rmSync(directory, { recursive: true });
  });
});
