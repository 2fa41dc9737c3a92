/** A gateway's role in its server: made by the script that containers run, and by hand on servers that are there already. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect } from 'chai';
import { sql } from 'kysely';
import { pino } from 'pino';
import type { Stores } from '../schema.ts';
import { FixturePostgres, postgresAbsent } from './postgres.fixture.ts';
import type { DatabaseSettings } from './postgres.ts';
import { openPostgresStores } from './stores.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const SCRIPT = join(ROOT, 'network', 'fabric', 'compose', 'database', 'gateway-role.sh');
const SUPERUSERS = [
  "copy (select 1) to program 'true'",
  "copy journal.kysely_migration from '/etc/passwd'",
  "select pg_read_file('postgresql.conf')",
  'create role friend',
  'create database other',
  'alter system set work_mem = 65',
];

describe('The role of a gateway in PostgreSQL', function () {
  this.timeout(120_000);
  let server: FixturePostgres | undefined;
  const said: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });

  before(function () {
    if (postgresAbsent !== undefined) this.skip();
  });
  beforeEach(() => void said.splice(0));
  afterEach(() => server?.stop());

  /** @param by whom: the image's entry point reads the owner's password itself, and names its file no more */
  function runScript({ host, name }: DatabaseSettings, by: 'image' | 'operator' = 'operator'): void {
    const secret = (file: string): string => {
      writeFileSync(join(host, file), `${file}-secret`);
      return join(host, file);
    };
    const settings = {
      ...{ POSTGRES_DB: name, POSTGRES_USER: 'postgres', PGHOST: host },
      GATEWAY_PASSWORD_FILE: secret('password'),
    };
    const file = secret('owner-password');
    const owner = by === 'image' ? { POSTGRES_PASSWORD: 'owner-password-secret' } : { POSTGRES_PASSWORD_FILE: file };
    execFileSync('bash', [SCRIPT], {
      env: { ...process.env, ...settings, ...owner },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async function expectOwnerOnly({ writing, journal }: Stores): Promise<void> {
    for (const statement of SUPERUSERS) {
      const answer = await sql
        .raw(statement)
        .execute(writing)
        .then(
          () => 'done',
          (error: Error) => error.message,
        );
      expect(answer, statement).to.match(/permission denied|must be superuser/);
    }
    const foreign = sql<{ name: string }>`select nspname || '.' || relname as name
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname in ('index', 'journal') and pg_get_userbyid(relowner) <> current_user`;
    expect((await foreign.execute(journal)).rows).to.deep.equal([]);
    expect(said.join('')).to.not.contain('superuser');
  }

  it('owns its database and is no superuser, from the first start on', async () => {
    server = await FixturePostgres.start();
    const settings = await server.database();
    await server.query(`alter database ${settings.name} owner to postgres`);
    await server.query(`drop role ${settings.user}`);
    runScript(settings, 'image');
    runScript(settings);
    const stores = await openPostgresStores(settings, log);
    await expectOwnerOnly(stores).finally(stores.close);
  });

  it('is told where it is a superuser, and loses that while its database stays as it is', async () => {
    server = await FixturePostgres.start('gateway');
    const settings = await server.database();
    const before = await openPostgresStores(settings, log);
    await sql`create table journal.kept (id integer generated always as identity, text text)`.execute(before.journal);
    await sql`insert into journal.kept (text) values ('one')`.execute(before.journal);
    await before.close();
    expect(said.join('')).to.contain('the database role of this gateway is a superuser');
    said.splice(0);
    runScript(settings);
    const after = await openPostgresStores(settings, log);
    try {
      await expectOwnerOnly(after);
      await sql`insert into journal.kept (text) values ('two')`.execute(after.journal);
      const { rows } = await sql<{ text: string }>`select text from journal.kept order by id`.execute(after.journal);
      expect(rows).to.deep.equal([{ text: 'one' }, { text: 'two' }]);
    } finally {
      await after.close();
    }
    runScript(settings);
  });
});
