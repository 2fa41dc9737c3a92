/** Subscriptions from the handshake to the end, and whom a gateway cannot be made to call. */
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from '../access/access-scene.fixture.ts';
import { Endpoint } from './endpoint.fixture.ts';
import { allowedAs, isInner } from './hook.ts';
import { askedIn } from './subscription.ts';
import { Subscriptions } from './subscriptions.ts';

const LONG_MS = 20_000;

describe('Subscriptions', function () {
  this.timeout(90_000);
  const endpoint = new Endpoint();
  let scene: AccessScene;
  let patient: ExamplePatient;
  let other: ExamplePatient;
  let her: string;
  const settings = () => ({ subscriptionHosts: [endpoint.origin], subscriptionRetryMs: 20 });

  before(async () => {
    await endpoint.open();
    scene = await AccessScene.open('hospital');
    for (const name of ['clinic', 'patients']) await scene.consortium.open(name, settings());
    [patient, other] = [await scene.patient(), await scene.patient()];
    her = `patients patient Patient/${patient.id}`;
    await until(async () => (await scene.send(her, `GET /fhir/R4/Patient/${patient.id}`)).status === 200, LONG_MS);
  });
  after(async () => {
    endpoint.close();
    await scene?.close();
  });

  const subscription = (path: string, change: object = {}, channel: object = {}) => ({
    ...{ resourceType: 'Subscription', status: 'requested', reason: 'to answer', criteria: 'AuditEvent' },
    channel: { type: 'rest-hook', endpoint: `${endpoint.origin}${path}`, ...channel },
    ...change,
  });
  const subscribe = (as: string, path: string, change: object = {}, channel: object = {}): Promise<string> =>
    scene.created(as, 'POST /fhir/R4/Subscription', subscription(path, change, channel));
  const at = async (as: string, id: string): Promise<Shown> =>
    (await scene.send(as, `GET /fhir/R4/Subscription/${id}`)).body;
  const becomes = (as: string, id: string, status: string) =>
    until(async () => (await at(as, id)).status === status, LONG_MS);
  const waitUntil = () => ({ waitUntil: new Date(Date.now() + 3_600_000).toISOString() });

  it('are tried before they count, and tell a patient of what waits for her and what became of it, without any content', async () => {
    const header = ['Authorization: Bearer abc'];
    const id = await subscribe(her, '/hers', { criteria: `AuditEvent?patient=Patient/${patient.id}` }, { header });
    await becomes(her, id, 'active');
    expect(endpoint.got).to.deep.equal([{ method: 'POST', path: '/hers', body: '', authorization: 'Bearer abc' }]);
    await scene.ask(other, waitUntil());
    const access = await scene.ask(patient, waitUntil());
    await until(() => endpoint.count('/hers') === 2, LONG_MS);
    await scene.send(her, `POST /access-requests/${access}/refusal`);
    await until(() => endpoint.count('/hers') >= 3, LONG_MS);
    expect(endpoint.got.every(({ body, path }) => body === '' && path === '/hers')).to.equal(true);
  });

  it('tell who asked of the answer', async () => {
    const id = await subscribe('clinic', '/clinic');
    await becomes('clinic', id, 'active');
    const before = endpoint.count('/clinic');
    const access = await scene.ask(patient);
    await scene.becomes('clinic', access, ({ status }) => status === 'refused');
    await until(() => endpoint.count('/clinic') > before, LONG_MS);
  });

  it('tell an organisation of records that a search finds, and of those alone', async () => {
    const weight = { code: { coding: [{ system: 'urn:x', code: 'weight' }] } };
    const record = async (code: object) => {
      const subject = { reference: `Patient/${seen}` };
      await scene.created('clinic', 'POST /fhir/R4/Observation', {
        resourceType: 'Observation',
        status: 'final',
        subject,
        ...code,
      });
    };
    const seen = await scene.created('clinic', 'POST /fhir/R4/Patient', { resourceType: 'Patient' });
    const id = await subscribe('clinic', '/weights', { criteria: 'Observation?code=urn:x|weight' });
    const all = await subscribe('clinic', '/all', { criteria: 'Observation' });
    await Promise.all([becomes('clinic', id, 'active'), becomes('clinic', all, 'active')]);
    expect([endpoint.count('/weights'), endpoint.count('/all')]).to.deep.equal([1, 1]);
    await record({ code: { text: 'another' } });
    await until(() => endpoint.count('/all') > 1, LONG_MS);
    expect(endpoint.count('/weights')).to.equal(1);
    await record(weight);
    await until(() => endpoint.count('/weights') === 2, LONG_MS);
    const wrong = subscription('/x', { criteria: 'Observation?nonsense=1' });
    const refused = await scene.send('clinic', 'POST /fhir/R4/Subscription', wrong);
    expect([refused.status, refused.body.issue[0].expression]).to.deep.equal([422, ['Subscription.criteria']]);
    expect(endpoint.got.every(({ body }) => body === '')).to.equal(true);
  });

  it('are told what happened while the gateway was down', async () => {
    const before = endpoint.count('/hers');
    await scene.consortium.shut('patients');
    await scene.ask(patient, waitUntil());
    await scene.consortium.open('patients', settings());
    await until(() => endpoint.count('/hers') > before, LONG_MS);
  });

  for (const [what, status] of [
    ['refuses', 503],
    ['sends on', 302],
  ] as const)
    it(`are given up where the endpoint ${what} five times, and say so, until they are asked for again`, async () => {
      endpoint.status = status;
      const path = `/fails-${status}`;
      const id = await subscribe(her, path);
      await becomes(her, id, 'error');
      const { error } = await at(her, id);
      expect(error).to.include(`status ${status}`);
      expect([endpoint.count(path), endpoint.count('/elsewhere')]).to.deep.equal([5, 0]);
      endpoint.status = 200;
      await scene.send(her, `PUT /fhir/R4/Subscription/${id}`, { ...subscription(path), id });
      await becomes(her, id, 'active');
    });

  it('end when they are turned off, and are whose they are', async () => {
    const id = await subscribe(her, '/off');
    await becomes(her, id, 'active');
    for (const who of [`patients patient Patient/${other.id}`, 'clinic'])
      expect((await scene.send(who, `GET /fhir/R4/Subscription/${id}`)).status).to.equal(404);
    const off = { ...subscription('/off'), id, status: 'off' };
    expect((await scene.send(her, `PUT /fhir/R4/Subscription/${id}`, off)).body).to.include({ status: 'off' });
    const { body } = await scene.send(her, 'GET /fhir/R4/Subscription');
    expect(body.entry.map(({ resource }: { resource: Shown }) => resource.id)).to.include(id);
    const { body: active } = await scene.send(her, 'GET /fhir/R4/Subscription?status=active');
    expect(active.entry.map(({ resource }: { resource: Shown }) => resource.id)).to.not.include(id);
    expect((await scene.send(her, 'GET /fhir/R4/Subscription?url=x')).status).to.equal(422);
    const [before, told] = [endpoint.count('/off'), endpoint.count('/hers')];
    await scene.ask(patient, waitUntil());
    await until(() => endpoint.count('/hers') > told, LONG_MS);
    expect(endpoint.count('/off')).to.equal(before);
    const { body: metadata } = await scene.send('patients', 'GET /fhir/R4/metadata');
    expect(metadata.rest[0].resource.map(({ type }: { type: string }) => type)).to.include('Subscription');
  });

  const REFUSED: [what: string, change: object, channel: object, expression: string][] = [
    ['the channel websocket', {}, { type: 'websocket' }, 'Subscription.channel.type'],
    ['the channel email', {}, { type: 'email' }, 'Subscription.channel.type'],
    ['no channel that R4 has', {}, { type: 'pigeon' }, 'Subscription.channel.type'],
    ['a payload', {}, { payload: 'application/fhir+json' }, 'Subscription.channel.payload'],
    ['another host', {}, { endpoint: 'https://elsewhere.example/' }, 'Subscription.channel.endpoint'],
    ['this machine', {}, { endpoint: 'http://127.0.0.1:1/' }, 'Subscription.channel.endpoint'],
    ['this machine by name', {}, { endpoint: 'http://localhost:9/' }, 'Subscription.channel.endpoint'],
    ['a cloud’s metadata', {}, { endpoint: 'http://169.254.169.254/latest' }, 'Subscription.channel.endpoint'],
    ['a file', {}, { endpoint: 'file:///etc/passwd' }, 'Subscription.channel.endpoint'],
    ['a user in the address', {}, { endpoint: 'http://a:b@127.0.0.1/' }, 'Subscription.channel.endpoint'],
    ['a header that leads elsewhere', {}, { header: ['Host: x'] }, 'Subscription.channel.header[0]'],
    ['a header of two lines', {}, { header: ['A: b\r\nC: d'] }, 'Subscription.channel.header[0]'],
    ['other criteria', { criteria: 'Observation?code=1' }, {}, 'Subscription.criteria'],
    ['criteria of no type', { criteria: 'Nonsense?code=1' }, {}, 'Subscription.criteria'],
    ['further criteria', { criteria: 'AuditEvent?date=gt2020' }, {}, 'Subscription.criteria'],
    ['another patient', { criteria: 'AuditEvent?patient=Patient/x' }, {}, 'Subscription.criteria'],
    ['a status of the server’s', { status: 'active' }, {}, 'Subscription.status'],
    ['no reason', { reason: undefined }, {}, 'Subscription.reason'],
    ['an end that is over', { end: '2020-01-01T00:00:00Z' }, {}, 'Subscription.end'],
    ['what is not understood', { tag: [] }, {}, 'Subscription.tag'],
  ];
  for (const [what, change, channel, expression] of REFUSED)
    it(`are refused with ${what}`, async () => {
      const { status, body } = await scene.send(her, 'POST /fhir/R4/Subscription', subscription('/x', change, channel));
      expect([status, body.issue?.[0].expression], JSON.stringify(body)).to.deep.equal([422, [expression]]);
      if (expression.endsWith('type'))
        expect(body.issue[0].diagnostics).to.include(
          (channel as { type: string }).type === 'pigeon' ? 'rest-hook' : (channel as { type: string }).type,
        );
    });
});

describe('What a notification may call', () => {
  const INNER = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '0.0.0.0',
    '100.64.0.1',
    '224.0.0.1',
  ];
  for (const address of [
    ...INNER,
    '::1',
    '::',
    'fc00::1',
    'fe80::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    'no address',
  ])
    it(`is not ${address}`, () => expect(isInner(address)).to.equal(true));
  for (const address of ['93.184.216.34', '2606:2800:220:1::1', '::ffff:93.184.216.34'])
    it(`may be ${address}`, () => expect(isInner(address)).to.equal(false));

  it('is a host that is named, by https on its own port, or an origin as it stands', () => {
    const hosts = ['app.example.org', 'http://127.0.0.1:9000'];
    const as = (url: string) => allowedAs(new URL(url), hosts);
    expect(as('https://app.example.org/x')).to.equal('host');
    expect(as('http://127.0.0.1:9000/x')).to.equal('origin');
    for (const url of [
      'http://app.example.org/',
      'https://app.example.org:8443/',
      'https://app.example.org.evil.test/',
      'http://127.0.0.1:9001/',
      'https://127.0.0.1:9000/',
      'http://localhost:9000/',
    ])
      expect(as(url), url).to.equal(undefined);
  });
});

describe('A subscription to ClaimResponse', () => {
  const row = { id: 's', patient: null, told: 0, status: 'active', failures: 0, due_at: null };
  const criteria = (text: string) => ({ ...row, resource: JSON.stringify({ criteria: text }) });
  const withRows = (rows: object[], isOwnSince = false): Subscriptions =>
    new Subscriptions({
      ...{ hosts: [], retryMs: 1, position: () => 0, organisation: 'clinic', find: async () => undefined },
      ...{ of: async function* () {}, isOwnSince: async () => false },
      ...{ isOwnClaim: async (id) => id === 'mine', isOwnClaimSince: async () => isOwnSince },
      isRecordSince: async () => false,
      recordsSince: async () => ({ records: [], upTo: 0 }),
      ...{ isClaimFor: async (patient, id) => id === `for ${patient}`, isClaimForSince: async () => isOwnSince },
      journal: { live: async () => rows } as never,
    });
  const block = (number: number, name: string, id: string) =>
    ({ number, transactions: [{ event: { name, payload: JSON.stringify({ id }) } }] }) as never;
  const due = async (all: Subscriptions): Promise<string[]> => {
    const found: string[] = [];
    for await (const one of all.due('2026-01-01T00:00:00Z')) found.push(one.row.id);
    return found;
  };

  it('tells an organisation of its own claims and requests for authorization, and of nobody else’s', async () => {
    const all = withRows([criteria('ClaimResponse')]);
    for (const number of [0, 1]) all.sees(block(number, 'ClaimAdjudicated', 'other'));
    all.sees(block(2, 'AccessDecided', 'mine'));
    expect(await due(all)).to.deep.equal([]);
    all.sees(block(3, 'AuthorizationDecided', 'mine'));
    expect(await due(all)).to.deep.equal(['s']);
  });

  it('leaves those to accesses alone, and asks the ledger for what came before this process', async () => {
    const others = withRows([criteria('AuditEvent')]);
    for (const number of [0, 1]) others.sees(block(number, 'ClaimAdjudicated', 'mine'));
    expect(await due(others)).to.deep.equal([]);
    const later = withRows([criteria('ClaimResponse')], true);
    later.sees(block(9, 'ClaimAdjudicated', 'other'));
    expect(await due(later)).to.deep.equal(['s']);
  });

  it('tells a patient of claims for her by ExplanationOfBenefit, of no other’s, and of nothing else', async () => {
    const hers = { ...criteria('ExplanationOfBenefit'), patient: 'p' };
    const all = withRows([hers]);
    for (const [number, id] of [
      [0, 'mine'],
      [1, 'for q'],
    ] as const)
      all.sees(block(number, 'ClaimAdjudicated', id));
    all.sees(block(2, 'AccessDecided', 'for p'));
    expect(await due(all)).to.deep.equal([]);
    all.sees(block(3, 'ClaimAppealed', 'for p'));
    expect(await due(all)).to.deep.equal(['s']);
    const later = withRows([hers], true);
    later.sees(block(9, 'ClaimAdjudicated', 'other'));
    expect(await due(later)).to.deep.equal(['s']);
  });

  it('is an organisation’s: a patient’s is refused, and so are parameters', () => {
    const asked = (criterion: string, own?: string[]) => () =>
      askedIn(
        {
          ...{ resourceType: 'Subscription', status: 'requested', reason: 'x', criteria: criterion },
          channel: { type: 'rest-hook', endpoint: 'https://x.example/' },
        },
        own,
      );
    expect(asked('ClaimResponse')()).to.include({ topic: 'ClaimResponse', patient: undefined });
    expect(asked('ClaimResponse', ['p'])).to.throw('criteria');
    expect(asked('ClaimResponse?status=active')).to.throw('criteria');
    const topic = 'ExplanationOfBenefit';
    expect(asked(topic, ['p'])()).to.include({ topic, patient: 'p' });
    expect(asked(`${topic}?patient=p`, ['o', 'p'])()).to.include({ topic, patient: 'p' });
    expect(asked(topic)).to.throw('criteria');
    for (const other of [`${topic}?patient=q`, `${topic}?status=active`, `${topic}s`, 'Explanation'])
      expect(asked(other, ['p']), other).to.throw('criteria');
  });
});
