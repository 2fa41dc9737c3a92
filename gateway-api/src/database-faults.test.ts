/** What a gateway does when its PostgreSQL is killed, is away when it starts, or belongs to another gateway. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from './consortium.fixture.ts';
import type { DatabaseKind } from './index/databases.fixture.ts';
import { silent } from './index/index.fixture.ts';
import { FixturePostgres, postgresAbsent, STRANGER } from './index/postgres/postgres.fixture.ts';
import type { DatabaseSettings } from './index/postgres/postgres.ts';
import { emptyIndex, openStores } from './index/stores.ts';

const SYSTEM = 'urn:example:mrn';
const patient = (value: string) => ({ resourceType: 'Patient', identifier: [{ system: SYSTEM, value }] });

const suite = postgresAbsent === undefined ? describe : describe.skip;

suite(`A gateway on PostgreSQL${postgresAbsent === undefined ? '' : `: skipped, ${postgresAbsent}`}`, function () {
  this.timeout(300_000);
  const directory = mkdtempSync(join(tmpdir(), 'telemed-database-'));
  let server: FixturePostgres;
  let settings: DatabaseSettings;
  let consortium: FixtureConsortium;
  before(async () => {
    server = await FixturePostgres.start();
    settings = await server.database();
    const kind: DatabaseKind = {
      name: 'PostgreSQL',
      // Named and not made, as in a container that has only just been started.
      place: async () => ({ dataDir: join(directory, 'gateway'), database: settings, remove: () => {} }),
    };
    consortium = await FixtureConsortium.start(['hospital'], kind);
  });
  after(async () => {
    await server?.run();
    await consortium?.close();
    await server?.stop();
    rmSync(directory, { recursive: true });
  });

  const create = (value: string, key?: string): Promise<Answer> =>
    consortium.send('hospital', 'POST /fhir/R4/Patient', patient(value), key ? { 'idempotency-key': key } : {});
  /** The server that was killed is noticed, and the one that is back taken up, at the machine's pace. */
  const PATIENCE_MS = 60_000;
  const readiness = () => consortium.gateway('hospital').readiness();
  const ready = () => until(async () => (await readiness()).ready, PATIENCE_MS);
  /** A write under one key, sent until it is answered: what is under way while the database comes back may be told 503. */
  const written = async (value: string, key: string = randomUUID()): Promise<Answer> => {
    let answer!: Answer;
    await until(async () => {
      answer = await create(value, key);
      expect(answer.status, JSON.stringify(answer.body)).to.be.oneOf([201, 503, 504]);
      return answer.status === 201;
    }, PATIENCE_MS);
    return answer;
  };
  const count = async (value: string): Promise<number> =>
    (await consortium.send('hospital', `GET /fhir/R4/Patient?identifier=${SYSTEM}|${value}`)).body.total;
  const failureOf = (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => 'none',
      (error: Error) => error.message,
    );

  it('loses and doubles nothing when the database is killed in a stream of writes, and goes on by itself', async () => {
    const acknowledged: string[] = [];
    const unknown: { value: string; key: string }[] = [];
    let stopped = false;
    const lane = async () => {
      while (!stopped) {
        const write = { value: randomUUID(), key: randomUUID() };
        const { status } = await create(write.value, write.key);
        if (status === 201) acknowledged.push(write.value);
        else unknown.push(write);
        if (status === 201) continue;
        expect(status).to.be.oneOf([503, 504]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const isAway = async () =>
      (await readiness()).reasons.some((reason) => /^the database gateway_1 at .* is away: /.test(reason));
    const lanes = Array.from({ length: 8 }, lane);
    try {
      for (let round = 0; round < 2; round += 1) {
        const before = acknowledged.length;
        await until(() => acknowledged.length > before + 30, PATIENCE_MS);
        await server.kill();
        await until(isAway, PATIENCE_MS);
        const missed = unknown.length;
        await until(() => unknown.length > missed + 5, PATIENCE_MS);
        const refused = await create(randomUUID());
        expect(refused.status, JSON.stringify(refused.body)).to.equal(503);
        expect(refused.headers.get('retry-after')).to.equal('1');
        await server.run();
        await ready();
      }
    } finally {
      stopped = true;
      await server.run();
    }
    await Promise.all(lanes);
    for (const value of acknowledged) expect(await count(value), 'an acknowledged write').to.equal(1);
    for (const { value, key } of unknown) {
      await written(value, key);
      expect(await count(value), 'a write that was sent again under its key').to.equal(1);
    }
    expect((await consortium.send('hospital operator', 'POST /verify')).body.differences).to.deep.equal([]);
  });

  it('answers reads and writes 503 while the database is away, and again after an orderly restart', async () => {
    const created = await written(randomUUID());
    const path = `/fhir/R4/Patient/${created.body.id}`;
    await server.kill('SIGINT');
    const read = await consortium.send('hospital', `GET ${path}`);
    expect(read.status).to.equal(503);
    expect(JSON.stringify(read.body)).to.not.include(server.directory);
    expect((await create(randomUUID())).status).to.equal(503);
    await server.run();
    await ready();
    expect((await consortium.send('hospital', `GET ${path}`)).body).to.deep.equal(created.body);
    await written(randomUUID());
  });

  it('refuses a second gateway on its database, and reindexing under it', async () => {
    const place = { dataDir: '', database: { ...settings, waitMs: 300 } };
    const held = /^another gateway has the database gateway_1 at .* open: each gateway needs one of its own$/;
    expect(await failureOf(openStores(place, silent))).to.match(held);
    expect(await failureOf(emptyIndex(place, silent))).to.match(held);
    await written(randomUUID());
  });

  it('takes its lock again when its connections were cut', async () => {
    await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where pid in
      (select pid from pg_locks where locktype = 'advisory')`);
    await written(randomUUID());
    await ready();
    const locks =
      await server.query(`select count(*)::int as held from pg_locks l join pg_database d on d.oid = l.database
      where locktype = 'advisory' and datname = '${settings.name}'`);
    expect(locks.rows).to.deep.equal([{ held: 1 }]);
  });

  it('keeps the journal when the read model is emptied', async () => {
    const [value, key] = [randomUUID(), randomUUID()];
    const first = await written(value, key);
    await consortium.shut('hospital');
    await emptyIndex(await consortium.place('hospital'), silent);
    await consortium.open('hospital');
    const again = await written(value, key);
    expect(again.body).to.deep.equal(first.body);
    expect(await count(value)).to.equal(1);
  });

  it('says at the start what keeps it from its database, and never the password', async () => {
    const database = { ...settings, name: 'other', waitMs: 300 };
    expect(await failureOf(openStores({ dataDir: '', database }, silent))).to.match(
      /^the database other at .* cannot be used: database "other" does not exist$/,
    );
    const stranger = { ...settings, user: STRANGER, password: () => 'sesame' };
    const refused = await failureOf(openStores({ dataDir: '', database: stranger }, silent));
    expect(refused).to.match(/cannot be used: password authentication failed for user "stranger"$/);
    expect(refused).to.not.include('sesame');
    const nowhere = { ...settings, host: '/nowhere', waitMs: 300 };
    expect(await failureOf(openStores({ dataDir: '', database: nowhere }, silent))).to.match(
      /did not answer within 0.3 s: connect ENOENT/,
    );
    await server.query("create database latin encoding 'LATIN1' locale 'C' template template0");
    expect(await failureOf(openStores({ dataDir: '', database: { ...settings, name: 'latin' } }, silent))).to.match(
      /is encoded in LATIN1: make it with UTF8$/,
    );
  });
});
