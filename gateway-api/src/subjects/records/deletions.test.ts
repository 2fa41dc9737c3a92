/** Records that are deleted, and ids that clients choose, over HTTP at the gateways of a consortium. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';

const OBSERVATION = { resourceType: 'Observation', status: 'final', code: { text: 'example' } };

describe('At the gateways of a consortium', function () {
  this.timeout(90_000);
  let consortium: FixtureConsortium;
  let patient: string;
  let record: string;

  before(async () => {
    consortium = await FixtureConsortium.start([]);
    for (const name of ['hospital', 'clinic', 'patients']) await consortium.open(name, { clientIds: 'any' });
  });
  after(() => consortium?.close());
  const send: FixtureConsortium['send'] = (...asked) => consortium.send(...asked);
  const status = async (...asked: Parameters<typeof send>): Promise<number> => (await send(...asked)).status;
  const about = () => ({ ...OBSERVATION, subject: { reference: `Patient/${patient}` } });
  beforeEach(async () => {
    const identifier = [{ system: 'urn:oid:2.999.1', value: randomUUID() }];
    patient = (await send('hospital', 'POST /fhir/R4/Patient', { resourceType: 'Patient', identifier })).body.id;
    record = (await send('hospital', 'POST /fhir/R4/Observation', about())).body.id;
  });

  it('a deleted record is gone for everybody who had it, is in no search and no $everything, and keeps its history', async () => {
    const place = `/fhir/R4/Observation/${record}`;
    expect(await status('hospital', `DELETE ${place}`)).to.equal(204);
    const hers = `patients patient Patient/${patient}`;
    await until(async () => (await status(hers, `GET ${place}`)) === 410);
    for (const who of ['hospital', 'hospital practitioner Practitioner/p', 'patients', hers]) {
      expect(await status(who, `GET ${place}`), who).to.equal(410);
      const { body } = await send(who, `GET ${place}/_history`);
      expect(
        body.entry.map((one: { request: { method: string } }) => one.request.method),
        who,
      ).to.deep.equal(['DELETE', 'POST']);
      const search = await send(who, `GET /fhir/R4/Observation?patient=Patient/${patient}`);
      expect(search.body.entry ?? [], who).to.deep.equal([]);
      const everything = await send(who, `GET /fhir/R4/Patient/${patient}/$everything`);
      expect(JSON.stringify(everything.body), who).not.to.include(record);
    }
    expect(await status('clinic', `GET ${place}`)).to.equal(404);
    expect(await status(`patients patient Patient/${randomUUID()}`, `GET ${place}`)).to.equal(404);
  });

  it('a record is deleted by its author alone', async () => {
    const place = `/fhir/R4/Observation/${record}`;
    expect(await status('patients', `DELETE ${place}`)).to.equal(403);
    expect(await status(`patients patient Patient/${patient}`, `DELETE ${place}`)).to.equal(403);
    // Whoever does not have it learns nothing of it.
    expect(await status('clinic', `DELETE ${place}`)).to.equal(204);
    expect(await status('hospital', `GET ${place}`)).to.equal(200);
    expect(await status('hospital practitioner Practitioner/p', `DELETE ${place}`)).to.equal(204);
  });

  it('a Patient is deleted when nothing is about it, and an erasure still reaches what is deleted', async () => {
    expect(await status('hospital', `DELETE /fhir/R4/Patient/${patient}`)).to.equal(409);
    expect(await status('hospital', `DELETE /fhir/R4/Observation/${record}`)).to.equal(204);
    expect(await status('hospital', `DELETE /fhir/R4/Patient/${patient}`)).to.equal(204);
    expect(await status('hospital', 'POST /fhir/R4/Observation', about())).to.equal(422);
    expect(await status('hospital', `POST /fhir/R4/Observation/${record}/$erase`)).to.be.oneOf([200, 202]);
    await until(async () => (await send('hospital', `GET /fhir/R4/Observation/${record}/_history`)).status === 410);
  });

  it('the history of a type and of all types shows everybody his own, page by page', async () => {
    await status('hospital', `DELETE /fhir/R4/Observation/${record}`);
    const hers = `patients patient Patient/${patient}`;
    await until(async () => (await status(hers, `GET /fhir/R4/Observation/${record}`)) === 410);
    const told = async (who: string, path: string): Promise<string[]> => {
      const found: string[] = [];
      for (let next: string | undefined = `/fhir/R4/${path}`; next !== undefined; ) {
        const { body } = await send(who, `GET ${next}`);
        found.push(...(body.entry ?? []).map((one: { request: { method: string } }) => one.request.method));
        const link = body.link.find((one: { relation: string }) => one.relation === 'next')?.url as string | undefined;
        next = link === undefined ? undefined : `/fhir/R4/${link.split('/fhir/R4/')[1]}`;
      }
      return found;
    };
    expect(await told(hers, '_history?_count=1')).to.deep.equal(['DELETE', 'POST', 'POST']);
    expect(await told(hers, 'Observation/_history')).to.deep.equal(['DELETE', 'POST']);
    expect((await told('hospital', 'Observation/_history')).slice(0, 2)).to.deep.equal(['DELETE', 'POST']);
    expect(await told('clinic', 'Observation/_history')).to.deep.equal([]);
    expect(await status('payer', 'GET /fhir/R4/Observation/_history').catch(() => 0)).to.not.equal(200);
  });

  it('an id that a client chose is kept, and is one record’s in the whole consortium', async () => {
    const id = `example-${randomUUID().slice(0, 8)}`;
    const put = (at: string, type = 'Patient') =>
      send(at, `PUT /fhir/R4/${type}/${id}`, type === 'Patient' ? { resourceType: type, id } : { ...OBSERVATION, id });
    const created = await put('hospital');
    expect([created.status, created.body.id, created.body.meta.versionId]).to.deep.equal([201, id, '1']);
    expect((await put('hospital')).body.meta.versionId).to.equal('2');
    expect((await put('clinic')).status).to.equal(409);
    expect((await put('hospital', 'Observation')).status).to.equal(409);
    const record = { ...OBSERVATION, subject: { reference: `Patient/${id}` } };
    expect(await status('hospital', 'POST /fhir/R4/Observation', record)).to.equal(201);
    await until(async () => (await status(`patients patient Patient/${id}`, `GET /fhir/R4/Patient/${id}`)) === 200);
    const { body } = await send(`patients patient Patient/${id}`, `GET /fhir/R4/Patient/${id}/$everything`);
    expect(body.entry).to.have.length(2);
  });

  it('two organisations that choose one id at once do not both get it', async () => {
    for (let round = 0; round < 3; round += 1) {
      const id = `race-${randomUUID()}`;
      const put = (at: string) => status(at, `PUT /fhir/R4/Patient/${id}`, { resourceType: 'Patient', id });
      const answers = await Promise.all([put('hospital'), put('clinic')]);
      expect(
        answers.filter((one) => one === 201),
        answers.join(),
      ).to.have.length(1);
      expect(
        answers.filter((one) => one === 409),
        answers.join(),
      ).to.have.length(1);
    }
  });
});
