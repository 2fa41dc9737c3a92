/** Requests that are answered later: every kind of them, for whom, and what becomes of the answers. */
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';

const ASYNC = { prefer: 'respond-async' };
const AS_BUNDLE = { prefer: 'respond-async; result=bundle' };
const COUNT = 5;

describe('A request with Prefer: respond-async', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let patient: string;
  const observations: string[] = [];
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    patient = await created({ resourceType: 'Patient', active: true });
    for (let index = 0; index < COUNT; index += 1) observations.push(await created(observation(`${index}.50`)));
  });
  after(() => consortium?.close());

  const observation = (value: string) =>
    `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/${patient}"},"valueQuantity":{"value":${value}}}`;
  const send = (request: string, body?: unknown, headers: Record<string, string> = {}, as = 'hospital') =>
    consortium.send(as, request, body, headers);
  async function created(resource: object | string): Promise<string> {
    const type = /"resourceType":"(\w+)"/.exec(typeof resource === 'string' ? resource : JSON.stringify(resource))![1];
    const { status, body } = await send(`POST /fhir/R4/${type}`, resource);
    expect(status, JSON.stringify(body)).to.equal(201);
    return body.id;
  }
  const pathOf = (url: string | null): string => new URL(url ?? '').pathname;
  async function begun(request: string, body?: unknown, headers: Record<string, string> = ASYNC): Promise<string> {
    const answer = await send(request, body, headers);
    expect([answer.status, answer.body], request).to.deep.equal([202, '']);
    expect(answer.headers.get('preference-applied')).to.equal(headers['prefer']);
    return pathOf(answer.headers.get('content-location'));
  }
  async function ended(path: string, headers: Record<string, string> = {}) {
    for (;;) {
      const answer = await send(`GET ${path}`, undefined, headers);
      if (answer.status !== 202) return answer;
      expect(answer.headers.get('x-progress')).to.match(/^under way$|^\d+ pages?$/);
    }
  }
  async function filesAt(path: string): Promise<Record<string, string[]>> {
    const { status, headers, body } = await ended(path);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(body).to.deep.include({ requiresAccessToken: true });
    expect(Date.parse(headers.get('expires') ?? '')).to.be.greaterThan(Date.now());
    const files: Record<string, string[]> = {};
    for (const { type, url, count } of [...body.output, ...body.error]) {
      const file = await send(`GET ${pathOf(url)}`);
      expect([file.status, file.headers.get('content-type')]).to.deep.equal([200, 'application/fhir+ndjson']);
      const lines: string[] = file.body.trimEnd().split('\n');
      expect(lines).to.have.length(count);
      files[type] = lines;
    }
    return files;
  }
  const answered = async (request: string, body?: unknown, headers?: Record<string, string>) =>
    filesAt(await begun(request, body, headers));
  const idsOf = (lines: string[] = []): string[] => lines.map((line) => JSON.parse(line).id);
  const batch = (type: 'batch' | 'transaction', value: string) => ({
    ...{ resourceType: 'Bundle', type },
    entry: [{ resource: JSON.parse(observation(value)), request: { method: 'POST', url: 'Observation' } }],
  });

  it('is answered with files for every read there is, all pages of it, digits kept', async () => {
    const [one = ''] = observations;
    const about = [`Observation?patient=${patient}&_count=2`, `Patient/${patient}/Observation?_count=2`];
    for (const url of about)
      expect(idsOf((await answered(`GET /fhir/R4/${url}`))['Observation']), url).to.have.members(observations);
    const form = { ...ASYNC, 'content-type': 'application/x-www-form-urlencoded' };
    const posted = await answered('POST /fhir/R4/Observation/_search', `patient=${patient}&_count=2`, form);
    expect(idsOf(posted['Observation'])).to.have.members(observations);
    for (const [method, body] of [
      ['GET'],
      ['POST', { resourceType: 'Parameters', parameter: [{ name: '_count', valueInteger: 2 }] }],
    ] as const) {
      const query = method === 'GET' ? '?_count=2' : '';
      const everything = await answered(`${method} /fhir/R4/Patient/${patient}/$everything${query}`, body);
      expect(idsOf(everything['Observation'])).to.have.members(observations);
      expect(idsOf(everything['Patient'])).to.deep.equal([patient]);
    }
    const [line = ''] = (await answered(`GET /fhir/R4/Observation/${one}`))['Observation'] ?? [];
    expect(line).to.contain('"value":0.50');
    expect(idsOf((await answered(`GET /fhir/R4/Observation/${one}/_history/1`))['Observation'])).to.deep.equal([one]);
    for (const history of [`Observation/${one}/_history`, 'Observation/_history?_count=2', '_history?_count=2']) {
      const [text = '{}'] = (await answered(`GET /fhir/R4/${history}`))['Bundle'] ?? [];
      const { type, entry, link } = JSON.parse(text);
      expect(type, history).to.equal('history');
      expect(entry.length, history).to.be.at.least(history.includes(one) ? 1 : COUNT);
      expect(link.map(({ relation }: { relation: string }) => relation)).to.deep.equal(['self']);
    }
    const [summary = '{}'] = (await answered(`GET /fhir/R4/Patient/${patient}/$summary`))['Bundle'] ?? [];
    expect(JSON.parse(summary).type).to.equal('document');
    expect(await answered('GET /fhir/R4/Observation?code=nothing')).to.deep.equal({});
  }).timeout(120_000);

  it('is one write, of a batch and of a transaction', async () => {
    for (const type of ['batch', 'transaction'] as const) {
      const headers = { ...ASYNC, 'idempotency-key': `async-${type}` };
      const [text = '{}'] = (await answered('POST /fhir/R4', batch(type, '7.10'), headers))['Bundle'] ?? [];
      const { type: answer, entry } = JSON.parse(text);
      expect([answer, entry[0].response.status]).to.deep.equal([`${type}-response`, '201 Created']);
      const again = await send('POST /fhir/R4', batch(type, '7.10'), { 'idempotency-key': `async-${type}` });
      expect(again.body.entry[0].response.location).to.equal(entry[0].response.location);
    }
  });

  it('is answered with a batch-response of one entry to whoever asks for a Bundle', async () => {
    const path = await begun(`GET /fhir/R4/Observation?patient=${patient}&_count=2`, undefined, AS_BUNDLE);
    const { body } = await ended(path);
    expect([body.resourceType, body.type, body.entry.length]).to.deep.equal(['Bundle', 'batch-response', 1]);
    expect(body.entry[0].response.status).to.equal('200 OK');
    const found = body.entry[0].resource.entry.map(({ resource }: { resource: { id: string } }) => resource.id);
    expect(found).to.include.members(observations);
    const none = await ended(await begun('GET /fhir/R4/Observation/none', undefined, AS_BUNDLE));
    expect([none.status, none.body.entry[0].response.status]).to.deep.equal([200, '404']);
  });

  it('fails later as it would have failed at once, and at once for what needs no looking', async () => {
    const missing = await ended(await begun('GET /fhir/R4/Observation/none'));
    expect([missing.status, missing.body.resourceType]).to.deep.equal([404, 'OperationOutcome']);
    const bad = batch('transaction', '1');
    const faulty = { ...bad, entry: [{ ...bad.entry[0], resource: { resourceType: 'Observation' } }] };
    const refused = await ended(await begun('POST /fhir/R4', faulty));
    expect([refused.status, refused.body.issue[0].expression[0]]).to.deep.equal([
      422,
      'Bundle.entry[0].resource.status',
    ]);
    expect((await send('POST /fhir/R4', '{', ASYNC)).status).to.equal(400);
    expect((await send('GET /fhir/R4/Patient', undefined, { ...ASYNC, authorization: 'Bearer x' })).status).to.equal(
      401,
    );
  });

  it('is answered at once where it is a single write', async () => {
    expect((await send('POST /fhir/R4/Patient', { resourceType: 'Patient' }, ASYNC)).status).to.equal(201);
  });

  it('is nobody else’s, nor the same client’s with other scopes', async () => {
    const path = await begun(`GET /fhir/R4/Observation?patient=${patient}`);
    const file = pathOf((await ended(path)).body.output[0].url);
    const others = [
      await consortium.token('hospital', 'practitioner', 'Practitioner/p'),
      await consortium.token('hospital', 'system', undefined, { scope: 'system/Patient.rs' }),
    ];
    for (const token of others)
      for (const request of [`GET ${path}`, `GET ${file}`, `DELETE ${path}`]) {
        const { status } = await send(request, undefined, { authorization: `Bearer ${token}` });
        expect(status, request).to.equal(404);
      }
    expect((await send(`GET ${file}`)).status).to.equal(200);
    const narrow = { authorization: `Bearer ${others[1]}` };
    const own = await send(`GET /fhir/R4/Patient/${patient}`, undefined, { ...ASYNC, ...narrow });
    expect((await ended(pathOf(own.headers.get('content-location')), narrow)).status).to.equal(200);
  });

  it('has nothing of a patient in its addresses', async () => {
    const path = await begun(`GET /fhir/R4/Observation?patient=${patient}&code=secret`);
    const { output } = (await ended(path)).body;
    for (const one of [path, ...output.map(({ url }: { url: string }) => url)])
      expect(one).not.to.match(new RegExp(`${patient}|secret`));
  });

  it('forgets what was erased: a read is read again, of a write the content goes', async () => {
    const gone = await created(observation('9.99'));
    const read = await begun(`GET /fhir/R4/Observation?_id=${gone}`);
    expect(idsOf((await filesAt(read))['Observation'])).to.deep.equal([gone]);
    const headers = { prefer: 'respond-async, return=representation' };
    const written = await send('POST /fhir/R4', batch('transaction', '9.98'), headers);
    const write = pathOf(written.headers.get('content-location'));
    expect((await filesAt(write))['Bundle']?.[0]).to.contain('9.98');
    const erased = await send(
      `POST /fhir/R4/Observation/${gone}/$erase`,
      undefined,
      {},
      `patients patient Patient/${patient}`,
    );
    expect(erased.status, JSON.stringify(erased.body)).to.be.oneOf([200, 202]);
    await until(async () => (await send(`GET /fhir/R4/Observation/${gone}`)).status >= 400);
    // What is read again has other files: a look in between finds one of before gone.
    const isGone = (files: Record<string, string[]>): boolean => files['Observation'] === undefined;
    await until(() => filesAt(read).then(isGone, () => false));
    const [text = ''] = (await filesAt(write))['Bundle'] ?? [];
    expect(text).to.contain('201 Created').and.not.to.contain('9.98');
  });

  it('is gone when it is deleted', async () => {
    const path = await begun('GET /fhir/R4/Patient');
    expect((await send(`DELETE ${path}`)).status).to.equal(202);
    for (const method of ['GET', 'DELETE']) expect((await send(`${method} ${path}`)).status, method).to.equal(404);
  });

  it('says after a restart that its answer is lost', async () => {
    const path = await begun(`GET /fhir/R4/Observation?patient=${patient}`);
    await ended(path);
    await consortium.shut('hospital');
    await consortium.open('hospital');
    const { status, body } = await send(`GET ${path}`);
    expect([status, body.issue[0].code]).to.deep.equal([500, 'transient']);
    expect((await send(`DELETE ${path}`)).status).to.equal(202);
    expect((await send(`GET ${path}`)).status).to.equal(404);
  });
});
