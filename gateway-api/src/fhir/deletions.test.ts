/** delete, and what it leaves: as an HTTP client sees it, alone and in Bundles. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import {
  bundleOf,
  type Json,
  observation,
  PATIENT_ID,
  patient,
  post,
  practitioner,
  put,
} from './fixtures/resources.ts';
import { BASE, bodyOf, issuesOf, request, type Server, serverOf } from './fixtures/server.ts';

const del = (url: string, more: Json = {}): Json => ({ request: { method: 'DELETE', url, ...more } });
const NPI = 'identifier=http://hl7.org/fhir/sid/us-npi|9999999901';

describe('delete', () => {
  let server: Server;
  let place: string;
  const remove = (path: string) => request(server.app).delete(BASE + path);
  const statuses = (body: Json): string[] => body['entry'].map(({ response }: Json) => response.status);
  const send = (type: 'transaction' | 'batch', ...entries: Json[]) => server.post('/', bundleOf(type, entries));
  beforeEach(async () => {
    server = serverOf();
    server.repository.seed(patient());
    const { body } = await server.post('/Observation', observation()).expect(201);
    place = `/Observation/${body.id}`;
    server.repository.transactions.length = 0;
  });

  it('makes a version that says so: 204, then 410 at its place and its own version, and the history keeps what was', async () => {
    const answer = await remove(place).expect(204);
    expect(answer.text).to.equal('');
    expect(answer.get('ETag')).to.equal('W/"2"');
    expect(answer.get('X-Transaction-Id')).to.be.a('string');
    for (const gone of [place, `${place}/_history/2`]) {
      const read = await server.get(gone).expect(410);
      expect(issuesOf(read)).to.deep.equal(['deleted']);
      expect(read.get('ETag')).to.equal('W/"2"');
    }
    expect(bodyOf(await server.get(`${place}/_history/1`).expect(200))).to.have.property('status');
    const { entry } = bodyOf(await server.get(`${place}/_history`).expect(200));
    expect(entry).to.have.length(2);
    expect(entry[0]).to.not.have.property('resource');
    expect(entry[0].request).to.deep.equal({ method: 'DELETE', url: place.slice(1) });
    expect(entry[0].response).to.include({ status: '204 No Content', etag: 'W/"2"' });
    expect(server.repository.transactions[0]).to.have.length(1);
    expect(server.repository.transactions[0]![0]).to.deep.include({
      version: 2,
      resource: {
        resourceType: 'Observation',
        id: place.slice('/Observation/'.length),
        subject: { reference: `Patient/${PATIENT_ID}` },
      },
    });
  });

  it('is in no search afterwards, nor is it referred to', async () => {
    const { body } = await server.post('/Practitioner', practitioner()).expect(201);
    await remove(`/Practitioner/${body.id}`).expect(204);
    expect(bodyOf(await server.get(`/Practitioner?${NPI}`).expect(200))['total']).to.equal(0);
    const referring = { ...observation(), performer: [{ reference: `Practitioner/${body.id}` }] };
    expect(issuesOf(await server.post('/Observation', referring).expect(422))).to.deep.equal([
      'not-found Observation.performer[0].reference',
    ]);
  });

  it('writes nothing for what is not there, or is deleted: 204 all the same', async () => {
    await remove('/Observation/none').expect(204);
    await remove(place).expect(204);
    const again = await remove(place).expect(204);
    expect(again.get('X-Transaction-Id')).to.equal(undefined);
    expect(server.repository.transactions).to.have.length(1);
  });

  it('is undone by an update, which makes the next version', async () => {
    await remove(place).expect(204);
    const id = place.slice('/Observation/'.length);
    const back = await server.put(place, { ...observation(), id }).expect(201);
    expect(back.get('ETag')).to.equal('W/"3"');
    expect(bodyOf(await server.get(place).expect(200))['meta'].versionId).to.equal('3');
    await server.get(`${place}/_history/2`).expect(410);
  });

  it('answers as Prefer asks', async () => {
    const told = await remove(place).set('Prefer', 'return=OperationOutcome').expect(200);
    expect(bodyOf(told)['issue'][0].severity).to.equal('information');
    expect(told.get('ETag')).to.equal('W/"2"');
  });

  it('holds to If-Match, one version or several', async () => {
    expect(issuesOf(await remove(place).set('If-Match', 'W/"2"').expect(412))).to.deep.equal(['conflict If-Match']);
    await remove(place).set('If-Match', 'x').expect(400);
    await remove('/Observation/none').set('If-Match', 'W/"1"').expect(412);
    await remove(place).set('If-Match', 'W/"7", "1"').expect(204);
  });

  it('of what matches a condition: nothing, one, or 412 for several', async () => {
    const where = `/Practitioner?${NPI}`;
    await remove(where).expect(204);
    await server.post('/Practitioner', practitioner()).expect(201);
    await remove(where).expect(204);
    expect(server.repository.transactions).to.have.length(2);
    await server.post('/Practitioner', practitioner()).expect(201);
    await server.post('/Practitioner', practitioner()).expect(201);
    expect(issuesOf(await remove(where).expect(412))).to.deep.equal(['multiple-matches url']);
    for (const other of ['/Practitioner', '/Practitioner?name=x', `/Practitioner?${NPI}&name=x`])
      expect(issuesOf(await remove(other).expect(400)), other).to.deep.equal(['not-supported url']);
  });

  it('is refused where others refer to it, unless the same transaction deletes or changes them', async () => {
    const refused = await remove(`/Patient/${PATIENT_ID}`).expect(409);
    expect(issuesOf(refused)).to.deep.equal(['conflict Patient']);
    expect(bodyOf(refused)['issue'][0].diagnostics).to.include('Observation').and.not.include(place.slice(1));
    const both = await send('transaction', del(`Patient/${PATIENT_ID}`), del(place.slice(1))).expect(200);
    expect(statuses(bodyOf(both))).to.deep.equal(['204 No Content', '204 No Content']);
    expect(server.repository.transactions).to.have.length(1);
  });

  it('is refused of a record of another organisation', async () => {
    const others = server.repository.seed({ ...observation(), id: 'others' }, 'clinic');
    expect(issuesOf(await remove(`/${others}`).expect(403))).to.deep.equal(['forbidden Observation/others']);
  });

  it('is none of consents and of what the ledger makes, with the words what to do instead', async () => {
    const custodian = serverOf('custodian');
    const refused = await request(custodian.app).delete(`${BASE}/Consent/1`).expect(405);
    expect(bodyOf(refused)['issue'][0].diagnostics).to.include('revoked');
    const payer = serverOf('payer');
    await request(payer.app).delete(`${BASE}/Coverage/1`).expect(405);
    await request(server.app).delete(`${BASE}/AuditEvent/1`).expect(405);
    const inBatch = bodyOf(await custodian.post('/', bundleOf('batch', [del('Consent/1')])).expect(200));
    expect(statuses(inBatch)).to.deep.equal(['405 Method Not Allowed']);
  });

  it('tells a version that came in between: 412 with If-Match, 409 without', async () => {
    server.repository.refuse = () => {
      throw new LedgerError('CONFLICT', 'a version is not the next one');
    };
    await remove(place).set('If-Match', 'W/"1"').expect(412);
    await remove(place).expect(409);
  });

  it('is done once under an Idempotency-Key, and answered alike', async () => {
    const key = 'a-key-of-a-delete';
    const first = await remove(place).set('Idempotency-Key', key).expect(204);
    const again = await remove(place).set('Idempotency-Key', key).expect(204);
    for (const header of ['ETag', 'X-Transaction-Id']) expect(again.get(header), header).to.equal(first.get(header));
    expect(server.repository.transactions).to.have.length(1);
    const body = bundleOf('transaction', [del('Observation/none'), post(patient())]);
    const send = () => server.post('/', body).set('Idempotency-Key', 'another').expect(200);
    expect(bodyOf(await send())).to.deep.equal(bodyOf(await send()));
  });

  it('comes first in a transaction, wherever it stands', async () => {
    const { body } = await server.post('/Practitioner', practitioner()).expect(201);
    const answer = await send(
      'transaction',
      post(practitioner(), { request: { ifNoneExist: NPI } }),
      { request: { method: 'GET', url: `Practitioner/${body.id}` } },
      del(`Practitioner/${body.id}`),
      { request: { method: 'GET', url: `Practitioner?${NPI}` } },
    ).expect(200);
    const { entry } = bodyOf(answer);
    expect(statuses({ entry })).to.deep.equal(['201 Created', '410 Gone', '204 No Content', '200 OK']);
    expect(entry[3].resource.total).to.equal(1);
    expect(entry[3].resource.entry[0].resource.id).to.not.equal(body.id);
  });

  it('is not of what the same Bundle refers to, updates or deletes again', async () => {
    const id = place.slice('/Observation/'.length);
    const member = { ...observation(), hasMember: [{ reference: `Observation/${id}` }] };
    const conditional = { ...observation(), performer: [{ reference: `Practitioner?${NPI}` }] };
    const { body } = await server.post('/Practitioner', practitioner()).expect(201);
    const cases: [Json[], number, string][] = [
      [[del(`Observation/${id}`), post(member)], 422, 'not-found Bundle.entry[1].resource.hasMember[0].reference'],
      [[del(`Observation/${id}`), put({ ...observation(), id })], 400, 'duplicate Bundle.entry[1].request.url'],
      [[del(`Observation/${id}`), del(`Observation/${id}`)], 400, 'duplicate Bundle.entry[1].request.url'],
      [
        [del(`Practitioner/${body.id}`), post(conditional)],
        412,
        'not-found Bundle.entry[1].resource.performer[0].reference',
      ],
      [[{ ...del(place.slice(1)), resource: observation() }], 400, 'invalid Bundle.entry[0].resource'],
      [[del(place.slice(1), { ifNoneExist: NPI })], 400, 'not-supported Bundle.entry[0].request.ifNoneExist'],
    ];
    for (const [entries, status, issue] of cases)
      expect(issuesOf(await send('transaction', ...entries).expect(status)), issue).to.deep.equal([issue]);
    await server.get(place).expect(200);
    const batch = bodyOf(await send('batch', del(`Observation/${id}`), post(member)).expect(200));
    expect(statuses(batch)).to.deep.equal(['204 No Content', '422 Unprocessable Entity']);
  });
});
