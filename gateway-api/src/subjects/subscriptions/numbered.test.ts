/** Subscriptions that are sent records: updates of R4, and notifications of topics with numbers; nothing lost, nothing shown that may not be. */
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';
import { Endpoint } from './endpoint.fixture.ts';

const IG = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const TOPIC = 'https://telemed-ledger.example/fhir/SubscriptionTopic/recorded';
const LONG_MS = 20_000;

interface Told {
  type: string;
  events: string;
  numbers: string[];
  focus: string[];
  resources: { resourceType: string; id: string }[];
  urls: string[];
}

describe('Subscriptions to records', function () {
  this.timeout(90_000);
  const endpoint = new Endpoint();
  let consortium: FixtureConsortium;
  let patient: string;
  const settings = () => ({ subscriptionHosts: [endpoint.origin], subscriptionRetryMs: 20 });
  before(async () => {
    await endpoint.open();
    consortium = await FixtureConsortium.start(['patients']);
    await consortium.open('hospital', settings());
    patient = await created('POST /fhir/R4/Patient', { resourceType: 'Patient' });
  });
  after(async () => {
    endpoint.close();
    await consortium?.close();
  });

  const send = (request: string, body?: unknown, headers: Record<string, string> = {}) =>
    consortium.send('hospital', request, body, headers);
  async function created(request: string, body: unknown, headers: Record<string, string> = {}): Promise<string> {
    const answer = await send(request, body, headers);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
    return answer.body.id;
  }
  const observation = (code: string, value = '1.50') =>
    `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:x","code":"${code}"}]},"subject":{"reference":"Patient/${patient}"},"valueQuantity":{"value":${value}}}`;
  const record = (code: string) => created('POST /fhir/R4/Observation', observation(code));
  const ofR4 = (path: string, code: string) => ({
    ...{ resourceType: 'Subscription', status: 'requested', reason: 'x', criteria: `Observation?code=urn:x|${code}` },
    channel: { type: 'rest-hook', endpoint: `${endpoint.origin}${path}`, payload: 'application/fhir+json' },
  });
  const ofTopic = (path: string, code: string, content: string, channel: object = {}) => ({
    ...{ resourceType: 'Subscription', status: 'requested', reason: 'x', criteria: TOPIC },
    _criteria: {
      extension: [{ url: `${IG}/backport-filter-criteria`, valueString: `Observation?code=urn:x|${code}` }],
    },
    channel: {
      ...{ type: 'rest-hook', endpoint: `${endpoint.origin}${path}`, payload: 'application/fhir+json' },
      _payload: { extension: [{ url: `${IG}/backport-payload-content`, valueCode: content }] },
      ...channel,
    },
  });
  async function subscribed(body: object, headers: Record<string, string> = {}): Promise<string> {
    const id = await created('POST /fhir/R4/Subscription', body, headers);
    await becomes(id, 'active', headers);
    return id;
  }
  const becomes = (id: string, status: string, headers: Record<string, string> = {}) =>
    until(
      async () => (await send(`GET /fhir/R4/Subscription/${id}`, undefined, headers)).body.status === status,
      LONG_MS,
    );
  const got = (path: string) => endpoint.got.filter((one) => one.path.startsWith(path));
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  function toldOf({ entry: [status, ...entries] }: any): Told {
    const { parameter } = status.resource;
    const [one = () => undefined] = [(name: string) => parameter.find((p: { name: string }) => p.name === name)];
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const events: any[] = parameter.filter(({ name }: { name: string }) => name === 'notificationEvent');
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const parts = (name: string): any[] =>
      events.flatMap(({ part }) => part.filter((p: { name: string }) => p.name === name));
    return {
      ...{ type: one('type').valueCode, events: one('eventsSinceSubscriptionStart').valueString },
      numbers: parts('eventNumber').map(({ valueString }) => valueString),
      focus: parts('focus').map(({ valueReference }) => valueReference.reference.split('/fhir/R4/')[1]),
      resources: entries.flatMap(({ resource }: { resource?: object }) => resource ?? []),
      urls: entries.map(({ request }: { request: { url: string } }) => request.url),
    };
  }
  const toldAt = (path: string): Told[] => got(path).map(({ body }) => toldOf(JSON.parse(body)));

  it('send each record as an update at its place, digits and all, and no other', async () => {
    const id = await subscribed(ofR4('/r4', 'a'));
    await record('other');
    const first = await record('a');
    const second = await record('a');
    await until(() => got('/r4').length === 3, LONG_MS);
    const [handshake, ...updates] = got('/r4');
    expect([handshake?.method, handshake?.body]).to.deep.equal(['POST', '']);
    expect(updates.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      `PUT /r4/Observation/${first}`,
      `PUT /r4/Observation/${second}`,
    ]);
    expect(updates[0]?.body).to.contain('"value":1.50');
    await send(`PUT /fhir/R4/Observation/${first}`, observation('a').replace('{', `{"id":"${first}",`));
    await until(() => got('/r4').length === 4, LONG_MS);
    expect(JSON.parse(got('/r4')[3]!.body).meta.versionId).to.equal('2');
    expect((await send(`GET /fhir/R4/Subscription/${id}/$status`)).body.total).to.equal(1);
  });

  for (const [content, focus, resources] of [
    ['empty', false, false],
    ['id-only', true, false],
    ['full-resource', true, true],
  ] as const)
    it(`to a topic tell ${content} by notifications with numbers, from the handshake on`, async () => {
      const path = `/${content}`;
      const id = await subscribed(ofTopic(path, content, content));
      expect(toldAt(path)[0]).to.deep.include({ type: 'handshake', events: '0', numbers: [] });
      const records = [await record(content), await record(content)];
      await until(() => toldAt(path).flatMap(({ numbers }) => numbers).length === 2, LONG_MS);
      const told = toldAt(path).slice(1);
      expect(told.every(({ type }) => type === 'event-notification')).to.equal(true);
      expect(told.flatMap(({ numbers }) => numbers)).to.deep.equal(['1', '2']);
      const urls = records.map((one) => `Observation/${one}`);
      expect(told.flatMap((one) => one.focus)).to.deep.equal(focus ? urls : []);
      expect(told.flatMap((one) => one.urls)).to.deep.equal(focus ? urls : []);
      expect(told.flatMap((one) => one.resources.map((resource) => resource.id))).to.deep.equal(
        resources ? records : [],
      );
      const { body: status } = await send(`GET /fhir/R4/Subscription/${id}/$status`);
      expect(toldOf(status)).to.deep.include({ type: 'query-status', events: '2' });
      const { body: again } = await send(
        `GET /fhir/R4/Subscription/${id}/$events?eventsSinceNumber=2&eventsUntilNumber=2&content=full-resource`,
      );
      expect(toldOf(again)).to.deep.include({ type: 'query-event', numbers: ['2'] });
      expect(toldOf(again).resources.map((resource) => resource.id)).to.deep.equal([records[1]]);
    });

  it('are sent what happened while nobody could be told, in its order and with its numbers', async () => {
    const id = await subscribed(ofTopic('/down', 'down', 'id-only'));
    endpoint.status = 503;
    const records = [await record('down')];
    await becomes(id, 'error');
    records.push(await record('down'));
    const failed = got('/down').length;
    const { body: status } = await send(`GET /fhir/R4/Subscription/${id}/$status`);
    expect(status.entry[0].resource.parameter.some(({ name }: { name: string }) => name === 'error')).to.equal(true);
    const { body: dead } = await send(`GET /fhir/R4/Subscription/${id}/$events`);
    expect(toldOf(dead).focus).to.deep.equal([`Observation/${records[0]}`]);
    endpoint.status = 200;
    await consortium.shut('hospital');
    await consortium.open('hospital', settings());
    records.push(await record('down'));
    await send(`PUT /fhir/R4/Subscription/${id}`, { ...ofTopic('/down', 'down', 'id-only'), id });
    await until(
      () =>
        toldAt('/down')
          .slice(failed)
          .flatMap((one) => one.numbers).length === 3,
      LONG_MS,
    );
    const told = toldAt('/down').slice(failed);
    expect(told.flatMap((one) => one.numbers)).to.deep.equal(['1', '2', '3']);
    expect(told.flatMap((one) => one.focus)).to.deep.equal(records.map((one) => `Observation/${one}`));
  });

  it('tell that all is well as often as they are asked to, and no oftener', async () => {
    const heartbeat = { extension: [{ url: `${IG}/backport-heartbeat-period`, valueUnsignedInt: 1 }] };
    await subscribed(ofTopic('/beats', 'beats', 'empty', heartbeat));
    await until(() => toldAt('/beats').some(({ type }) => type === 'heartbeat'), 30_000);
    expect(toldAt('/beats').map(({ type }) => type)).to.deep.equal(['handshake', 'heartbeat']);
  });

  it('send nothing that was erased before it could be sent', async () => {
    const id = await subscribed(ofR4('/erased', 'erased'));
    endpoint.status = 503;
    const gone = await record('erased');
    await becomes(id, 'error');
    endpoint.status = 200;
    const asHer = await consortium.send(
      `patients patient Patient/${patient}`,
      `POST /fhir/R4/Observation/${gone}/$erase`,
    );
    expect(asHer.status, JSON.stringify(asHer.body)).to.be.oneOf([200, 202]);
    await until(async () => (await send(`GET /fhir/R4/Observation/${gone}`)).status >= 400, LONG_MS);
    const before = got('/erased').length;
    await send(`PUT /fhir/R4/Subscription/${id}`, { ...ofR4('/erased', 'erased'), id });
    const next = await record('erased');
    await until(() => got('/erased').some(({ path }) => path.endsWith(next)), LONG_MS);
    expect(
      got('/erased')
        .slice(before)
        .filter(({ path }) => path.includes(gone)),
    ).to.deep.equal([]);
  });

  it('need scopes to read what is sent', async () => {
    const scoped = async (scope: string) => ({
      authorization: `Bearer ${await consortium.token('hospital', 'system', undefined, { scope })}`,
    });
    const ask = async (scope: string, body: object) =>
      (await send('POST /fhir/R4/Subscription', body, await scoped(scope))).status;
    expect(await ask('system/Subscription.c system/Observation.s', ofR4('/scoped', 'x'))).to.equal(403);
    expect(await ask('system/Subscription.c system/Observation.rs', ofR4('/scoped', 'x'))).to.equal(201);
    expect(await ask('system/Subscription.c system/Observation.s', ofTopic('/scoped', 'x', 'empty'))).to.equal(403);
  });

  const wrong: [what: string, body: object, expression: string][] = [
    ['another payload', { channel: { payload: 'application/fhir+xml' } }, 'Subscription.channel.payload'],
    ['another topic', { criteria: `${TOPIC}s` }, 'Subscription.criteria'],
    ['no filter', { _criteria: undefined }, 'Subscription.criteria'],
    [
      'a filter of nothing',
      { _criteria: { extension: [{ url: `${IG}/backport-filter-criteria`, valueString: 'X' }] } },
      'Subscription.criteria',
    ],
    [
      'an extension of another',
      { _criteria: { extension: [{ url: 'urn:x', valueString: 'X' }] } },
      'Subscription.criteria.extension[0]',
    ],
    [
      'another content',
      { channel: { _payload: { extension: [{ url: `${IG}/backport-payload-content`, valueCode: 'all' }] } } },
      'Subscription.channel.payload',
    ],
    [
      'a period that is none',
      { channel: { extension: [{ url: `${IG}/backport-heartbeat-period`, valueUnsignedInt: -1 }] } },
      'Subscription.channel',
    ],
  ];
  for (const [what, change, expression] of wrong)
    it(`are refused with ${what}`, async () => {
      const body = ofTopic('/x', 'x', 'id-only');
      const changed = { ...body, ...change, channel: { ...body.channel, ...(change as { channel?: object }).channel } };
      const answer = await send('POST /fhir/R4/Subscription', changed);
      expect([answer.status, answer.body.issue?.[0].expression]).to.deep.equal([422, [expression]]);
    });

  it('of a patient have no content', async () => {
    const own = { ...ofR4('/hers', 'x'), criteria: 'AuditEvent' };
    const asHer = `patients patient Patient/${patient}`;
    const answer = await consortium.send(asHer, 'POST /fhir/R4/Subscription', own);
    expect([answer.status, answer.body.issue?.[0].expression]).to.deep.equal([422, ['Subscription.channel.payload']]);
  });
});
