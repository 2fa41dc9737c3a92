/** What a Binary holds at an organisation that was given the record under consent: read there, and gone with the record. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';
import { sourcesIn } from './sources.ts';

const LONG_MS = 20_000;
const CONTENT = Buffer.from(`scan of ${randomUUID()} \0\xff`, 'latin1');
const DATA = CONTENT.toString('base64');

describe('What a Binary holds, at its receiver', function () {
  this.timeout(90_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let id: string;
  let consent: string;
  let proxy: Server;
  /** What the holder's gateway was asked, and what it answers in the place of its own. */
  const asked: string[] = [];
  let instead: Buffer | undefined;

  before(async () => {
    scene = await AccessScene.open('hospital', 'patients');
    const hospital = scene.consortium.urls.get('hospital') ?? '';
    proxy = createServer(async (request, response) => {
      asked.push(`${request.url}`);
      const given = await fetch(`${hospital}${request.url}`);
      response.writeHead(given.status).end(instead ?? Buffer.from(await given.arrayBuffer()));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const contentSources = { hospital: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    await scene.consortium.open('clinic', { contentSources });
    patient = await scene.patient();
    id = await scene.created('hospital', 'POST /fhir/R4/Binary', {
      ...{ resourceType: 'Binary', contentType: 'application/pdf', data: DATA },
      securityContext: { reference: `Patient/${patient.id}` },
    });
  });
  after(async () => {
    proxy?.close();
    await scene?.close();
  });

  const JSON_TYPE = { accept: 'application/fhir+json' };
  const atClinic = () => scene.send('clinic', `GET /fhir/R4/Binary/${id}`, undefined, JSON_TYPE);

  it('is not there, and is not asked for, before anybody consents', async () => {
    expect((await atClinic()).status).to.equal(404);
    expect(asked).to.deep.equal([]);
  });

  it('is read once the record is delivered, and the read is logged', async () => {
    consent = await scene.consented(patient);
    const access = await scene.ask(patient, { types: ['Binary'] });
    await scene.becomes('clinic', access, ({ status }) => status === 'granted');
    await until(async () => (await atClinic()).status === 200, LONG_MS);
    const { body } = await atClinic();
    expect([body.data, body._data, body.contentType]).to.deep.equal([DATA, undefined, 'application/pdf']);
    const raw = await scene.send('clinic', `GET /fhir/R4/Binary/${id}`, undefined, { accept: 'application/pdf' });
    expect([raw.status, raw.headers.get('content-type')]).to.deep.equal([200, 'application/pdf']);
    const { body: log } = await scene.send('clinic', `GET /access-requests/${access}/reads`);
    expect(JSON.stringify(log)).to.contain(id);
  });

  it('crosses as cipher text alone, by an address that says nothing', async () => {
    const path = asked.at(-1) ?? '';
    expect(path).to.match(/^\/contents\/[0-9a-f]{64}$/);
    const given = await fetch(`${scene.consortium.urls.get('hospital')}${path}`);
    const bytes = Buffer.from(await given.arrayBuffer());
    expect(bytes.includes(CONTENT)).to.equal(false);
    expect(createHash('sha256').update(bytes).digest('hex')).to.equal(path.split('/')[2]);
    expect(path).to.not.contain(createHash('sha256').update(CONTENT).digest('hex'));
    for (const other of ['0'.repeat(64), 'x', '..%2f', `${path.split('/')[2]}0`])
      expect((await fetch(`${scene.consortium.urls.get('hospital')}/contents/${other}`)).status).to.equal(404);
  });

  it('is not asked for by lists, which say hash and size', async () => {
    const before = asked.length;
    const { body } = await scene.send('clinic', `GET /fhir/R4/Binary?_id=${id}`);
    expect(body.entry[0].resource).to.have.property('_data').and.not.have.property('data');
    expect(JSON.stringify(body)).to.not.contain('"key"');
    expect(asked.length).to.equal(before);
  });

  it('is refused where it is not what was anchored, and says hash and size where nobody gives it', async () => {
    for (const wrong of [Buffer.from('something else'), Buffer.alloc(CONTENT.length + 16), Buffer.alloc(1_000_000)]) {
      instead = wrong;
      expect((await atClinic()).status).to.equal(409);
    }
    instead = undefined;
    expect((await atClinic()).body.data).to.equal(DATA);
    await scene.consortium.shut('hospital');
    const { status, body } = await atClinic();
    expect([status, body.data, body._data.extension[0].extension.length]).to.deep.equal([200, undefined, 2]);
  });

  it('is gone with the record when the consent ends', async () => {
    await scene.consortium.open('hospital');
    const her = `patients patient Patient/${patient.id}`;
    const { body, headers } = await scene.send(her, `GET /fhir/R4/Consent/${consent}`);
    const ended = { ...body, status: 'inactive' };
    const match = { 'if-match': headers.get('etag') ?? '' };
    const revoked = await scene.send(her, `PUT /fhir/R4/Consent/${consent}`, ended, match);
    expect(revoked.status, JSON.stringify(revoked.body)).to.be.oneOf([200, 202]);
    await until(async () => [404, 410].includes((await atClinic()).status), LONG_MS);
    const before = asked.length;
    await atClinic();
    expect(asked.length).to.equal(before);
  });

  it('comes from where the operator says, and a mistake is told', () => {
    const mistakes: string[] = [];
    expect(sourcesIn('hospital=https://a.example, clinic=http://127.0.0.1:1', mistakes)).to.deep.equal({
      hospital: 'https://a.example',
      clinic: 'http://127.0.0.1:1',
    });
    expect(mistakes).to.deep.equal([]);
    for (const wrong of ['hospital', 'hospital=ftp://x', 'hospital=https://x/path', '=https://x'])
      expect(sourcesIn(wrong, mistakes)).to.deep.equal({});
    expect(mistakes.length).to.equal(4);
  });
});
