/** Imports: every line is recorded or told of, whatever the others are, and refers to what it referred to. */
import { expect } from 'chai';
import { FixtureConsortium } from '../consortium.fixture.ts';

const NDJSON = { 'content-type': 'application/fhir+ndjson' };

describe('An import', function () {
  this.timeout(90_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
  });
  after(() => consortium?.close());

  const send = (request: string, body?: unknown, headers: Record<string, string> = {}) =>
    consortium.send('hospital', request, body, headers);
  const patient = (id: string) => `{"resourceType":"Patient","id":"${id}","active":true}`;
  const observation = (subject: string, more = '') =>
    `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"${subject}"},"valueQuantity":{"value":12.500}${more}}`;
  interface Became {
    status: number;
    location: string | undefined;
    issue: { diagnostics: string; expression: string[] } | undefined;
  }
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  const becameOf = ({ body, status }: { body: any; status: number }): Became[] => {
    expect([status, body.type], JSON.stringify(body)).to.deep.equal([200, 'batch-response']);
    return (body.entry ?? []).map(({ response }: { response: Record<string, unknown> }) => ({
      ...{ status: Number.parseInt(String(response['status']), 10), location: response['location'] },
      issue: (response['outcome'] as { issue?: unknown[] } | undefined)?.issue?.[0],
    }));
  };
  const lines = async (all: string[], headers: Record<string, string> = {}) =>
    becameOf(await send('POST /fhir/R4/$import', all.join('\n'), { ...NDJSON, ...headers }));
  const at = async (location = '') => (await send(`GET /fhir/R4/${location}`)).body;

  it('creates what stands in lines, in any order, digits kept, and each refers to its own', async () => {
    const became = await lines([
      observation('Patient/a'),
      '',
      patient('a'),
      observation('Patient/b'),
      patient('b'),
      '',
    ]);
    expect(became.map(({ status }) => status)).to.deep.equal([201, 201, 201, 201]);
    for (const [from, to] of [
      [0, 1],
      [2, 3],
    ] as const) {
      const { subject } = await at(became[from]?.location);
      expect(became[to]?.location).to.match(new RegExp(`^${subject.reference}/`));
    }
    const text = JSON.stringify(await at(became[0]?.location));
    expect(text).to.contain('12.5');
  });

  it('tells of each line that is wrong with its number, records all others, and loses none', async () => {
    const became = await lines([
      patient('ok'),
      '{"resourceType":"Patient",',
      observation('Patient/ok'),
      '{"resourceType":"Observation","subject":{"reference":"Patient/ok"}}',
      '[]',
      '{"resourceType":"Spaceship"}',
      observation('Patient/nobody-knows'),
      patient('ok'),
      '{"resourceType":"Patient","resourceType":"Patient"}',
      '"text"',
      observation('Patient/ok', ',"unheard":true'),
    ]);
    expect(became.map(({ status }) => (status === 201 ? 'recorded' : 'told'))).to.deep.equal([
      ...['recorded', 'told', 'recorded', 'told', 'told', 'told', 'told', 'told', 'told', 'told', 'told'],
    ]);
    for (const [index, { status, issue }] of became.entries())
      if (status !== 201)
        expect(issue?.diagnostics, JSON.stringify(issue)).to.match(new RegExp(`^Line ${index + 1}: `));
    expect(became[3]?.issue?.expression).to.deep.equal(['Observation.status']);
    expect(became[6]?.issue?.expression).to.deep.equal(['Observation.subject.reference']);
    expect(became[10]?.issue?.expression).to.deep.equal(['Observation.unheard']);
    expect(JSON.stringify(became)).to.not.contain('nobody-knows');
  });

  it('keeps out what refers to a line that is wrong, and nothing else', async () => {
    const became = await lines([
      '{"resourceType":"Patient","id":"wrong","gender":"purple"}',
      observation('Patient/wrong'),
      patient('right'),
      observation('Patient/right'),
    ]);
    expect(became.map(({ status }) => status)).to.deep.equal([422, 422, 201, 201]);
  });

  it('of more than a transaction holds goes in several, and refers across them', async () => {
    const many = Array.from({ length: 700 }, () => observation('Patient/first'));
    const became = await lines([...many, patient('first')]);
    expect(became.filter(({ status }) => status !== 201)).to.deep.equal([]);
    const { subject } = await at(became[699]?.location);
    expect(became.at(-1)?.location).to.match(new RegExp(`^${subject.reference}/`));
  });

  it('is done once under its key', async () => {
    const key = { 'idempotency-key': 'import-1' };
    const all = [patient('once'), observation('Patient/once'), observation('Patient/none')];
    const first = await lines(all, key);
    const again = await lines(all, key);
    expect(again).to.deep.equal(first);
    expect(first.map(({ status }) => status)).to.deep.equal([201, 201, 422]);
  });

  for (const type of ['collection', 'document', 'searchset', 'batch'])
    it(`takes a Bundle of the type ${type}`, async () => {
      const entry = [
        observation('urn:uuid:0b8ff3c4-1d51-4e3c-9a6d-6c7d3c2a1f00'),
        patient('x'),
        '{"resourceType":"Patient","gender":"purple"}',
      ].map((text, index) => ({
        ...(index === 1 ? { fullUrl: 'urn:uuid:0b8ff3c4-1d51-4e3c-9a6d-6c7d3c2a1f00' } : {}),
        resource: JSON.parse(text),
        ...(type === 'batch' ? { request: { method: 'POST', url: JSON.parse(text).resourceType } } : {}),
      }));
      const became = becameOf(await send('POST /fhir/R4/$import', { resourceType: 'Bundle', type, entry }));
      expect(became.map(({ status }) => status)).to.deep.equal([201, 201, 422]);
      expect(became[2]?.issue?.diagnostics).to.match(/^Entry 3: /);
      const { subject } = await at(became[0]?.location);
      expect(became[1]?.location).to.match(new RegExp(`^${subject.reference}/`));
    });

  it('can be asked for later', async () => {
    const headers = { ...NDJSON, prefer: 'respond-async; result=bundle' };
    const { status, headers: answered } = await send('POST /fhir/R4/$import', patient('later'), headers);
    expect(status).to.equal(202);
    const { pathname } = new URL(answered.get('content-location') ?? '');
    for (;;) {
      const found = await send(`GET ${pathname}`);
      if (found.status === 202) continue;
      expect(becameOf({ status: 200, body: found.body.entry[0].resource })[0]?.status).to.equal(201);
      return;
    }
  });

  it('is refused where it is something else', async () => {
    const wrong: [unknown, Record<string, string>, number][] = [
      [{ resourceType: 'Bundle', type: 'history' }, {}, 400],
      [{ resourceType: 'Patient' }, {}, 400],
      [
        { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'DELETE', url: 'Patient/x' } }] },
        {},
        400,
      ],
      [patient('x'), { 'content-type': 'text/plain' }, 415],
      [`${'{}\n'.repeat(10_001)}`, NDJSON, 413],
    ];
    for (const [body, headers, status] of wrong)
      expect((await send('POST /fhir/R4/$import', body, headers)).status, JSON.stringify(body).slice(0, 80)).to.equal(
        status,
      );
    expect((await send('POST /fhir/R4/$import?_foo=1', patient('x'), NDJSON)).status).to.equal(400);
    const { status } = await consortium.send(
      'patients patient Patient/x',
      'POST /fhir/R4/$import',
      patient('x'),
      NDJSON,
    );
    expect(status).to.be.oneOf([200, 403]);
    expect(await lines(['', ''])).to.deep.equal([]);
    expect((await send('POST /fhir/R4/$import', '', NDJSON)).status).to.equal(400);
  });
});
