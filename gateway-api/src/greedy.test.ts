/** One client that asks for more than its part, against a whole gateway: what it gets, and what others get meanwhile. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect } from 'chai';
import { DEFAULTS } from './config.ts';
import { FixtureConsortium, until } from './consortium.fixture.ts';
import { type Answered, RawConnection } from './http/connection.fixture.ts';

const LARGE = { 'Content-Type': 'application/fhir+json', 'Content-Length': 15 * 1024 * 1024 };

describe('A greedy client', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'payer', 'regulator', 'patients']);
  });
  after(() => consortium?.close());

  /** The answer to a request of which nothing but the head is ever sent. */
  const answerToHead = async (organisation: string, line: string, token?: string): Promise<Answered> => {
    const connection = new RawConnection(Number(new URL(consortium.urls.get(organisation)!).port));
    try {
      connection.send(line, { ...LARGE, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) });
      const answer = await connection.answer();
      if (answer === undefined) throw new Error(`no answer to ${line}`);
      return answer;
    } finally {
      connection.destroy();
    }
  };

  it('without a token is answered before its body is read', async () => {
    for (const path of ['/fhir/R4/Patient', '/fhir/R4', '/access-requests', '/nowhere']) {
      expect((await answerToHead('hospital', `POST ${path}`)).status, path).to.equal(401);
      expect((await answerToHead('hospital', `POST ${path}`, 'x.y.z')).status, path).to.equal(401);
    }
  });

  it('without the role for a write is answered before its body is read', async () => {
    const cases: [string, Parameters<FixtureConsortium['token']>[1], string, number][] = [
      ['hospital', 'patient', 'POST /fhir/R4/Patient', 403],
      ['hospital', 'auditor', 'POST /fhir/R4/Patient', 403],
      ['hospital', 'operator', 'PUT /fhir/R4/Patient/1', 403],
      ['hospital', 'operator', 'POST /fhir/R4/', 403],
      ['hospital', 'patient', 'POST /fhir/R4/Claim/$submit', 403],
      ['hospital', 'patient', 'POST /access-requests', 403],
      ['hospital', 'system', 'PUT /licences/1', 403],
      ['regulator', 'system', 'POST /access-requests', 403],
      ['payer', 'auditor', 'POST /fhir/R4/Coverage', 403],
      ['payer', 'operator', 'PUT /fee-schedules/hospital', 403],
      ['payer', 'system', 'POST /fhir/R4/Patient', 405],
      ['regulator', 'system', 'PUT /licences/1', 413],
      ['hospital', 'system', 'POST /access-requests', 413],
    ];
    for (const [organisation, role, line, status] of cases) {
      const answer = await answerToHead(organisation, line, await consortium.token(organisation, role, userOf(role)));
      expect(answer.status, `${line} as ${role} at ${organisation}`).to.equal(status);
    }
  });

  it('is answered 429 beyond what it may have under way, and nobody else is', async () => {
    await consortium.shut('hospital');
    await consortium.open('hospital', { clients: { ...DEFAULTS.clients, requests: 20 } });
    const patient = { resourceType: 'Patient', active: true };
    const greedy = Array.from({ length: 100 }, () => consortium.send('hospital', 'POST /fhir/R4/Patient', patient));
    const modest = await consortium.send('hospital practitioner Practitioner/p1', 'POST /fhir/R4/Patient', patient);
    expect(modest.status, JSON.stringify(modest.body)).to.equal(201);
    const answers = await Promise.all(greedy);
    const count = (status: number): number => answers.filter((answer) => answer.status === status).length;
    expect(count(201)).to.be.at.least(20);
    expect(count(429))
      .to.equal(100 - count(201))
      .and.to.be.greaterThan(0);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).to.equal('1');
    expect(refused?.body.issue[0].code).to.equal('throttled');
    const metrics = await consortium.send('hospital operator', 'GET /metrics');
    expect(metrics.body).to.match(/gateway_refusals_total\{limit="client-requests"[^}]*\} \d/);
    expect(metrics.body).not.to.include('Practitioner/p1');
  });

  it('fills the ledger writes without keeping others from theirs', async () => {
    await consortium.shut('payer');
    await consortium.open('payer', { limits: { ...DEFAULTS.limits, inFlightWrites: 4, clientWrites: 3 } });
    // A transaction of its own each: what shares one is bounded by its part of them (group-commit/shares.test.ts).
    const coverage = {
      ...{ resourceType: 'Coverage', status: 'active', payor: [{ display: 'payer' }] },
      extension: [
        { url: 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider', valueString: 'hospital' },
      ],
      beneficiary: { identifier: { system: 'urn:x', value: 'y' } },
    };
    const greedy = Array.from({ length: 40 }, () => consortium.send('payer', 'POST /fhir/R4/Coverage', coverage));
    const modest = ['Practitioner/p1', 'Practitioner/p2'].map((user) =>
      consortium.send(`payer adjudicator ${user}`, 'POST /fhir/R4/Coverage', coverage),
    );
    let done = 0;
    const before = await Promise.race([
      Promise.all(modest).then(() => done),
      Promise.all(greedy.map((one) => one.then(() => (done += 1)))).then(() => -1),
    ]);
    expect(before, 'how many of the greedy came first').to.be.within(0, 30);
    for (const answer of await Promise.all([...modest, ...greedy]))
      expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
  });

  it('asks for exports, matches and summaries 64 times at once: bounded, refused in time, and nobody else waits long', async () => {
    await consortium.shut('patients');
    await consortium.open('patients', { clients: { ...DEFAULTS.clients, exports: 1 } });
    const created = async (body: { resourceType: string; [name: string]: unknown }): Promise<string> => {
      const answer = await consortium.send('hospital', `POST /fhir/R4/${body.resourceType}`, body);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
      return answer.body.id;
    };
    const identifier = [{ system: 'urn:oid:2.999.9', value: 'greedy' }];
    const patient = await created({ resourceType: 'Patient', identifier });
    const subject = { reference: `Patient/${patient}` };
    const code = { text: 'x'.repeat(20_000) };
    const entry = Array.from({ length: 30 }, () => ({
      resource: { resourceType: 'Observation', status: 'final', code, subject },
      request: { method: 'POST', url: 'Observation' },
    }));
    const stored = await consortium.send('hospital', 'POST /fhir/R4', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry,
    });
    expect(stored.status).to.equal(200);
    const herself = `patients patient Patient/${patient}`;
    const summary = `GET /fhir/R4/Patient/${patient}/$summary`;
    await until(async () => (await consortium.send(herself, summary)).status === 200, 20_000);
    const matching = { resourceType: 'Patient', identifier };
    const delays = monitorEventLoopDelay({ resolution: 5 });
    const before = process.memoryUsage().rss;
    let peak = before;
    const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
    delays.enable();
    const ask = async (who: string, line: string, body?: object): Promise<[number, string | null]> => {
      const token = await consortium.token(
        'patients',
        who === herself ? 'patient' : 'system',
        who === herself ? `Patient/${patient}` : undefined,
      );
      const [method = '', path = ''] = line.split(' ');
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' };
      const response = await fetch(`${consortium.urls.get('patients')}${path}`, {
        ...{ method, headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      await response.arrayBuffer();
      return [response.status, response.headers.get('retry-after')];
    };
    const all: Promise<[number, string | null]>[] = [];
    for (let at = 0; at < 64; at += 1) {
      const who = at % 2 === 0 ? herself : 'patients';
      all.push(ask(who, `GET /fhir/R4/Patient/${patient}/$export-record`), ask(who, summary));
      all.push(ask(who, 'POST /fhir/R4/Patient/$match', matching));
    }
    const started = performance.now();
    const modest = await consortium.send('patients caretaker RelatedPerson/x', 'GET /fhir/R4/metadata');
    const waited = performance.now() - started;
    expect(modest.status).to.equal(200);
    const answers = await Promise.all(all);
    clearInterval(watching);
    delays.disable();
    for (const [status, after] of answers) {
      expect(status).to.be.oneOf([200, 429, 503]);
      if (status !== 200) expect(Number(after)).to.be.greaterThan(0);
    }
    const exported = answers.filter((_answer, at) => at % 3 === 0).map(([status]) => status);
    expect(exported.filter((status) => status === 200).length).to.be.within(1, 63);
    expect(exported).to.include(429).and.to.include(503);
    const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
    const slowest = `${Math.round(delays.max / 1e6)} ms`;
    console.log(
      `      64 at once: ${mib(peak - before)} more, event loop held up to ${slowest}, another waited ${Math.round(waited)} ms`,
    );
    expect((await ask(herself, `GET /fhir/R4/Patient/${patient}/$export-record`))[0], 'afterwards').to.equal(200);
  });

  it('without a valid token is answered 429 after a while, by its address; callers are not', async () => {
    await consortium.shut('hospital');
    await consortium.open('hospital', {
      clients: { ...DEFAULTS.clients, strangersPerMinute: 10 },
      trustedProxies: ['loopback'],
    });
    const url = consortium.urls.get('hospital');
    const token = await consortium.token('hospital', 'system');
    const ask = async (address: string, bearer = 'x.y.z', path = '/fhir/R4/Patient') => {
      const headers = { authorization: `Bearer ${bearer}`, 'x-forwarded-for': address };
      const response = await fetch(`${url}${path}`, { headers });
      return [response.status, Number(response.headers.get('retry-after'))] as const;
    };
    expect(await ask('192.0.2.1', token)).to.deep.equal([200, 0]);
    for (let attempt = 0; attempt < 10; attempt += 1) expect((await ask('192.0.2.1'))[0]).to.equal(401);
    const [status, retryAfter] = await ask('192.0.2.1');
    expect(status).to.equal(429);
    expect(retryAfter).to.be.within(1, 60);
    expect((await ask('192.0.2.1', '', '/readyz'))[0]).to.equal(429);
    expect((await ask('192.0.2.1', '', '/fhir/R4/metadata'))[0]).to.equal(429);
    expect((await ask('192.0.2.1', token))[0]).to.equal(200);
    expect((await ask('192.0.2.2'))[0]).to.equal(401);
    expect((await ask('192.0.2.2', await consortium.token('hospital', 'auditor')))[0]).to.equal(403);
    for (let host = 0; host < 10; host += 1) expect((await ask(`2001:db8::${host}`))[0]).to.equal(401);
    expect((await ask('2001:db8::ffff'))[0]).to.equal(429);
  });
});

const userOf = (role: string): string | undefined => (role === 'patient' ? 'Patient/1' : undefined);
