/** Batches: entries that stand for themselves, written together where that works and alone where it does not. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { bundleOf, type Json, MRN, observation, PATIENT_ID, patient, post, put } from './fixtures/resources.ts';
import { bodyOf, type Server, serverOf } from './fixtures/server.ts';

describe('batch', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf();
    server.repository.seed(patient());
  });
  const send = (entries: Json[], key?: string) => {
    const test = server.post('/', bundleOf('batch', entries));
    return key === undefined ? test : test.set('Idempotency-Key', key);
  };
  const told = (body: Json): string[] =>
    body['entry'].map(({ response }: Json) => {
      const issue = response.outcome?.issue[0];
      return issue === undefined
        ? response.status
        : `${response.status}: ${issue.code} ${issue.expression?.[0] ?? ''}`.trim();
    });

  it('answers each entry for itself, in its place', async () => {
    const entries = [
      post(observation()),
      { request: { method: 'DELETE', url: 'Patient/1' } },
      post({ ...observation(), status: 'bogus' }),
      { request: { method: 'GET', url: `Patient/${PATIENT_ID}` } },
      post({ ...observation(), subject: { reference: 'Patient/none' } }),
      put(patient(), { ifMatch: 'W/"1"' }),
      put({ ...patient(), id: 'none' }),
      { request: { method: 'GET', url: 'Spaceship/1' } },
    ];
    const body = bodyOf(await send(entries).expect(200));
    expect(body['type']).to.equal('batch-response');
    expect(told(body)).to.deep.equal([
      '201 Created',
      '405 Method Not Allowed: not-supported Bundle.entry[1].request.method',
      '422 Unprocessable Entity: code-invalid Bundle.entry[2].resource.status',
      '200 OK',
      '422 Unprocessable Entity: not-found Bundle.entry[4].resource.subject.reference',
      '200 OK',
      '405 Method Not Allowed: not-found Bundle.entry[6].request.url',
      '404 Not Found: not-supported Bundle.entry[7].request.url',
    ]);
    expect(server.repository.transactions.map((writes) => writes.length)).to.deep.equal([2]);
    expect(server.repository.lookups).to.equal(1);
  });

  it('writes entry by entry what the ledger refuses together', async () => {
    const isBad = (resource: object): boolean => JSON.stringify(resource).includes('bad');
    server.repository.refuse = (writes) => {
      if (writes.some(({ resource }) => isBad(resource))) throw new LedgerError('FORBIDDEN', 'not this one');
    };
    const bad = { ...patient(), name: [{ text: 'bad' }] };
    const response = await send([post(observation()), post(bad), post(observation())]).expect(200);
    expect(told(bodyOf(response))).to.deep.equal(['201 Created', '403 Forbidden: forbidden', '201 Created']);
    expect(server.repository.transactions.map((writes) => writes.length)).to.deep.equal([1, 1]);
    expect(response.get('X-Transaction-Id')!.split(', ')).to.have.length(2);
  });

  it('does not try again what may have been written', async () => {
    let attempts = 0;
    server.repository.refuse = () => {
      attempts += 1;
      throw new Error('the outcome is not known');
    };
    const body = bodyOf(await send([post(observation()), post(observation())]).expect(200));
    expect(told(body)).to.deep.equal(['500 Internal Server Error: exception', '500 Internal Server Error: exception']);
    expect([attempts, server.reports.length]).to.deep.equal([1, 1]);
  });

  it('does not let one entry refer to another', async () => {
    const URN = 'urn:uuid:11111111-1111-4111-8111-111111111111';
    const entries = [post(patient(), { fullUrl: URN }), post({ ...observation(), subject: { reference: URN } })];
    expect(told(bodyOf(await send(entries).expect(200)))).to.deep.equal([
      '201 Created',
      '422 Unprocessable Entity: not-found Bundle.entry[1].resource.subject.reference',
    ]);
  });

  it('creates once where entries have the same condition, and twice updates what is named twice', async () => {
    const ifNoneExist = `identifier=${MRN}|M-2`;
    const fresh = post({ ...patient(), identifier: [{ system: MRN, value: 'M-2' }] }, { request: { ifNoneExist } });
    const body = bodyOf(await send([fresh, fresh, put(patient()), put(patient()), fresh]).expect(200));
    expect(told(body)).to.deep.equal(['201 Created', '200 OK', '200 OK', '200 OK', '200 OK']);
    const places = body['entry'].map(({ response }: Json) => response.location);
    expect([places[1], places[4]]).to.deep.equal([places[0], places[0]]);
    expect(places[3]).to.equal(`Patient/${PATIENT_ID}/_history/3`);
  });

  it('lets the next entry create where the first with a condition fails', async () => {
    const request = { ifNoneExist: `identifier=${MRN}|M-2` };
    const sound = { ...patient(), identifier: [{ system: MRN, value: 'M-2' }] };
    const body = bodyOf(
      await send([post({ ...sound, gender: 'x' }, { request }), post(sound, { request })]).expect(200),
    );
    expect(told(body)[1]).to.equal('201 Created');
  });

  it('repeats nothing under the same Idempotency-Key, and does what failed before', async () => {
    const entries = [post(observation()), post(observation()), post({ ...patient(), name: [{ text: 'later' }] })];
    let isDown = true;
    server.repository.refuse = (writes) => {
      const isLater = writes.some(({ resource }) => JSON.stringify(resource).includes('later'));
      if (isDown && isLater) throw new LedgerError('FORBIDDEN', 'not yet');
    };
    const first = bodyOf(await send(entries, 'k-1').expect(200));
    expect(told(first)).to.deep.equal(['201 Created', '201 Created', '403 Forbidden: forbidden']);
    isDown = false;
    const second = bodyOf(await send(entries, 'k-1').expect(200));
    expect(told(second)).to.deep.equal(['201 Created', '201 Created', '201 Created']);
    expect(second['entry'].slice(0, 2)).to.deep.equal(first['entry'].slice(0, 2));
    const third = bodyOf(await send(entries, 'k-1').expect(200));
    expect(third).to.deep.equal(second);
    expect(server.repository.transactions).to.have.length(3);
  });
});
