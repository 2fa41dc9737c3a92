/** A gateway's databases say which file is broken, and what to do about it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { Journal } from '../idempotency/journal.ts';
import { silent } from './index.fixture.ts';
import { INDEX_STEPS } from './migrations.ts';
import { dropIndex, openStores } from './stores.ts';

describe('stores', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'stores-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const refusal = async (): Promise<string> =>
    openStores({ dataDir: directory }, silent).then(
      () => 'opened',
      (error: Error) => error.message,
    );

  it('name a broken read model, which reindexing replaces', async () => {
    const file = join(directory, 'index.sqlite');
    writeFileSync(file, 'no database at all, but long enough to have a header of one: '.repeat(4));
    expect(await refusal()).to.equal(
      `${file} cannot be read (file is not a database): npm run reindex fills it again from the ledger`,
    );
    dropIndex(directory);
    await (await openStores({ dataDir: directory }, silent)).close();
  });

  it('of an earlier version are made anew: the last step sorts behind all others, as the migrator wants', () => {
    expect([...INDEX_STEPS].sort().at(-1)).to.equal(INDEX_STEPS.at(-1));
  });

  it('take over a journal of before writes shared a transaction', async () => {
    const old = new DatabaseSync(join(directory, 'journal.sqlite'));
    old.exec(`
      create table kysely_migration (name varchar(255) primary key not null, timestamp varchar(255) not null);
      insert into kysely_migration values ('2026-01-idempotency', '2026-01-01T00:00:00.000Z');
      create table idempotency (caller text not null, key text not null, request_hash text not null,
        transaction_id text not null, envelope blob, sender text not null, answer text not null, created_at text not null,
        constraint idempotency_key primary key (caller, key));
      create index idempotency_by_age on idempotency (created_at);
      insert into idempotency values ('client', 'unknown', 'h', 't1', x'010203', '{"role":"system"}', '[]', '2026-01-02'),
        ('client', 'done', 'h', 't2', null, '{"role":"system"}', '[]', '2026-01-02');`);
    old.close();
    const stores = await openStores({ dataDir: directory }, silent);
    const journal = new Journal(stores.journal, stores.journalLazily);
    expect(await journal.find('client', 'unknown')).to.deep.include({ transaction_id: 't1', request_hash: 'h' });
    expect([...((await journal.find('client', 'unknown'))?.envelope ?? [])]).to.deep.equal([1, 2, 3]);
    expect(await journal.find('client', 'done')).to.deep.include({ transaction_id: 't2', envelope: null });
    await stores.close();
  });

  it('name a broken journal', async () => {
    const file = join(directory, 'journal.sqlite');
    writeFileSync(file, 'no database at all, but long enough to have a header of one: '.repeat(4));
    expect(await refusal()).to.match(/journal\.sqlite cannot be read \(file is not a database\): without it/);
  });
});
