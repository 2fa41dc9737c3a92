/** Copies of what is being written: the last pass makes the copy what the tree is; a database is as it was at one moment. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { copyDatabase, TreeCopy } from './copying.ts';

describe('Copies of what is being written', () => {
  let directory: string;
  const at = (...names: string[]): string => join(directory, ...names);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'copying-'));
    mkdirSync(at('from', 'below'), { recursive: true });
    for (const name of ['stays', 'grows', 'goes', 'LOCK']) writeFileSync(at('from', 'below', name), name);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('takes in a later pass what has changed, and takes away what has gone', async () => {
    const copy = new TreeCopy(at('from'), at('to'), (path) => path.endsWith('LOCK'));
    expect(await copy.pass()).to.equal('staysgrowsgoes'.length);
    writeFileSync(at('from', 'below', 'grows'), ' more', { flag: 'a' });
    writeFileSync(at('from', 'new'), 'new');
    rmSync(at('from', 'below', 'goes'));
    expect(await copy.pass()).to.equal('grows more'.length + 'new'.length);
    expect(readFileSync(at('to', 'below', 'grows'), 'utf8')).to.equal('grows more');
    expect(readFileSync(at('to', 'new'), 'utf8')).to.equal('new');
    expect(['stays', 'goes', 'LOCK'].map((name) => existsSync(at('to', 'below', name)))).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(await copy.pass()).to.equal(0);
  });

  it('copies a database that is open, with what its log holds, and nothing that is not committed', async () => {
    const database = new DatabaseSync(at('live.sqlite'));
    database.exec(
      'pragma journal_mode = wal; create table t (x); insert into t values (1); begin; insert into t values (2)',
    );
    await copyDatabase(at('live.sqlite'), at('copies', 'copy.sqlite'));
    database.exec('commit');
    database.close();
    const copy = new DatabaseSync(at('copies', 'copy.sqlite'), { readOnly: true });
    expect(copy.prepare('select x from t').all()).to.deep.equal(
      [{ x: 1 }].map((row) => Object.assign(Object.create(null), row)),
    );
    copy.close();
  });
});
