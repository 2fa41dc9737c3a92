/** Binaries: what they hold is kept here, and the ledger has its hash and its key. */
import { createHash, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';

describe('What a Binary holds', function () {
  this.timeout(60_000);
  const CONTENT = Buffer.from(`scan of ${randomUUID()} \0\xff`, 'latin1');
  const DATA = CONTENT.toString('base64');
  let consortium: FixtureConsortium;
  let patient: string;
  let id: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    patient = (await send('POST /fhir/R4/Patient', { resourceType: 'Patient' })).body.id;
    const created = await send('POST /fhir/R4/Binary', binary());
    expect(created.status, JSON.stringify(created.body)).to.equal(201);
    expect(created.body.data).to.equal(DATA);
    id = created.body.id;
  });
  after(() => consortium?.close());

  const send = (request: string, body?: unknown, headers: Record<string, string> = {}, as = 'hospital') =>
    consortium.send(as, request, body, headers);
  const binary = (more: object = {}) => ({
    ...{ resourceType: 'Binary', contentType: 'application/pdf', data: DATA },
    ...{ securityContext: { reference: `Patient/${patient}` }, ...more },
  });
  async function raw(path: string, accept: string): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
    const token = await consortium.token('hospital', 'system');
    const url = `${consortium.urls.get('hospital')}/fhir/R4/${path}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, accept } });
    return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  it('is answered with the resource, and as it is to whoever asks for no resource', async () => {
    for (const path of [`Binary/${id}`, `Binary/${id}/_history/1`]) {
      const { body } = await send(`GET /fhir/R4/${path}`, undefined, { accept: 'application/fhir+json' });
      expect([body.data, body._data, body.contentType]).to.deep.equal([DATA, undefined, 'application/pdf']);
      for (const accept of ['application/pdf', '*/*', 'image/*']) {
        const { status, headers, bytes } = await raw(path, accept);
        expect([status, headers.get('content-type'), bytes.equals(CONTENT)]).to.deep.equal([
          200,
          'application/pdf',
          true,
        ]);
        expect(headers.get('content-security-policy')).to.match(/sandbox/);
        expect(headers.get('content-disposition')).to.equal('attachment');
      }
    }
    const found = await send(`GET /fhir/R4/Binary?_id=${id}`);
    expect(found.body.entry[0].resource.data).to.equal(DATA);
    const history = await send(`GET /fhir/R4/Binary/${id}/_history`);
    expect(history.body.entry[0].resource.data).to.equal(DATA);
    expect((await raw('Binary/none', '*/*')).status).to.equal(404);
    expect((await raw(`Patient/${patient}`, 'application/pdf')).status).to.equal(406);
  });

  it('comes as it is, with its context in a header', async () => {
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-security-context': `Patient/${patient}` };
    const created = await send('POST /fhir/R4/Binary', 'first words', headers);
    expect(created.status, JSON.stringify(created.body)).to.equal(201);
    const { id: own, ...said } = created.body;
    const data = Buffer.from('first words').toString('base64');
    const context = { reference: `Patient/${patient}` };
    expect(said)
      .to.include({ contentType: headers['content-type'], data })
      .and.to.deep.include({ securityContext: context });
    expect((await send(`PUT /fhir/R4/Binary/${own}`, 'second', headers)).status).to.equal(200);
    const { headers: answered, bytes } = await raw(`Binary/${own}`, 'text/*');
    expect([answered.get('content-type'), bytes.toString()]).to.deep.equal([headers['content-type'], 'second']);
    const lost = await send('POST /fhir/R4/Binary', 'x', { ...headers, 'x-security-context': 'Patient/none' });
    expect(lost.status).to.equal(422);
    expect((await send('POST /fhir/R4/Patient', 'x', headers)).status).to.equal(415);
    expect((await send('POST /fhir/R4/Binary', 'x', { 'content-type': 'text' })).status).to.equal(422);
  });

  it('is on no ledger: who holds the record has its hash and size, and not what it holds', async () => {
    const their = `patients patient Patient/${patient}`;
    await until(async () => (await send(`GET /fhir/R4/Binary/${id}`, undefined, {}, their)).status === 200);
    const { body } = await send(`GET /fhir/R4/Binary/${id}`, undefined, {}, their);
    expect(body).to.not.have.property('data');
    const said = body._data.extension[0].extension.map(({ url }: { url: string }) => url);
    expect(said).to.deep.equal(['sha256', 'size']);
    expect(JSON.stringify(body)).to.not.contain(createHash('sha256').update(CONTENT).digest('hex'));
    const { status } = await send('GET /fhir/R4/Binary', undefined, {}, 'patients patient Patient/other');
    expect([200, 404]).to.include(status);
    const others = await send(`GET /fhir/R4/Binary/${id}`, undefined, {}, 'patients patient Patient/other');
    expect(others.status).to.equal(404);
  });

  it('is written by Bundles and updates, outlasts a restart, and is gone with its record', async () => {
    const other = Buffer.from('second').toString('base64');
    const bundle = {
      ...{ resourceType: 'Bundle', type: 'transaction' },
      entry: [{ resource: binary({ data: other }), request: { method: 'POST', url: 'Binary' } }],
    };
    const made = await send('POST /fhir/R4', bundle);
    expect(made.status, JSON.stringify(made.body)).to.equal(200);
    const [, own] = /Binary\/([^/]+)/.exec(made.body.entry[0].response.location)!;
    const updated = await send(`PUT /fhir/R4/Binary/${own}`, { ...binary(), id: own });
    expect([updated.status, updated.body.data]).to.deep.equal([200, DATA]);
    await consortium.shut('hospital');
    await consortium.open('hospital');
    const json = { accept: 'application/fhir+json' };
    const first = (await send(`GET /fhir/R4/Binary/${own}/_history/1`, undefined, json)).body;
    expect(first.data, JSON.stringify(first)).to.equal(other);
    const erased = await send(
      `POST /fhir/R4/Binary/${own}/$erase`,
      undefined,
      {},
      `patients patient Patient/${patient}`,
    );
    expect(erased.status, JSON.stringify(erased.body)).to.be.oneOf([200, 202]);
    await until(async () => [404, 410].includes((await send(`GET /fhir/R4/Binary/${own}`)).status));
    expect((await raw(`Binary/${own}`, '*/*')).status).to.be.oneOf([404, 410]);
  });

  it('is not said by a client to be kept', async () => {
    const { status, body } = await send(`GET /fhir/R4/Binary/${id}`, undefined, {}, 'patients');
    expect(status).to.equal(200);
    const forged = await send('POST /fhir/R4/Binary', { ...binary(), data: undefined, _data: body._data });
    expect([forged.status, forged.body.issue?.[0].expression]).to.deep.equal([422, ['Binary.data']]);
    const bare = await send('POST /fhir/R4/Binary', { resourceType: 'Binary', contentType: 'text/plain' });
    expect(bare.status).to.equal(201);
  });
});
