/** A gateway's databases say which file is broken, and what to do about it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { silent } from './index.fixture.ts';
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

  it('name a broken journal', async () => {
    const file = join(directory, 'journal.sqlite');
    writeFileSync(file, 'no database at all, but long enough to have a header of one: '.repeat(4));
    expect(await refusal()).to.match(/journal\.sqlite cannot be read \(file is not a database\): without it/);
  });
});
