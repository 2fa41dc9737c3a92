/** What an operator does so that PostgreSQL's files hold nothing of what was deleted; see docs/erasure.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FixturePostgres, postgresAbsent } from './postgres.fixture.ts';

const SECRET = 'text-that-was-deleted';
const STATEMENTS = [
  'delete from pg_statistic',
  'vacuum full',
  'analyze',
  'alter system set wal_recycle = off',
  'select pg_reload_conf()',
  'select pg_switch_wal()',
  'checkpoint',
  'select pg_switch_wal()',
  'checkpoint',
];

describe('What was deleted from PostgreSQL', function () {
  this.timeout(60_000);
  let server: FixturePostgres;
  let name: string;

  before('start PostgreSQL', async function () {
    if (postgresAbsent !== undefined) return this.skip();
    server = await FixturePostgres.start();
    name = (await server.database()).name;
  });
  after(() => server?.stop());

  const remembering = (): string[] => {
    const root = join(server.directory, 'data');
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files
      .map(({ parentPath, name: file }) => join(parentPath, file))
      .filter((path) => readFileSync(path, 'latin1').includes(SECRET))
      .map((path) => path.slice(root.length + 1));
  };

  it('stays in its tables and its log when they are vacuumed, and goes with the statements of docs/erasure.md', async () => {
    const query = (text: string) => server.query(text, name);
    await query('create table texts (id integer primary key, text text)');
    await query('create index by_text on texts (text)');
    await query(`insert into texts select n, 'kept ' || n from generate_series(1, 100) n`);
    await query(`insert into texts select n, '${SECRET} ' || n from generate_series(101, 200) n`);
    await query('analyze');
    await query('checkpoint');
    await query('delete from texts where id > 100');
    await query('vacuum');
    await query('checkpoint');
    const left = remembering();
    expect([
      left.some((path) => path.startsWith('base/')),
      left.some((path) => path.startsWith('pg_wal/')),
    ]).to.deep.equal([true, true]);
    for (const statement of STATEMENTS) await query(statement);
    expect(remembering()).to.deep.equal([]);
    expect((await query('select count(*)::integer as count from texts')).rows).to.deep.equal([{ count: 100 }]);
  });
});
