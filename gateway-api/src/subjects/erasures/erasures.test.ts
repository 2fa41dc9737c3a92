/** Erasure over HTTP: who may ask, what is shown from then on and to whom, and what is done when those whom it needs are back. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';

const LONG_MS = 20_000;
const SECRET = 'text-that-is-to-be-forgotten';

describe('The erasure of a record', function () {
  this.timeout(60_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients', 'payer');
    patient = await scene.patient();
  });
  after(() => scene?.close());

  const herself = (one = patient) => `patients patient Patient/${one.id}`;
  const send = (as: string, request: string, body?: object) => scene.send(as, request, body);
  const observation = (one = patient, more: object = {}) => ({
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'example' }, note: [{ text: SECRET }] },
    subject: { reference: `Patient/${one.id}` },
    ...more,
  });
  /** Records of one transaction, and so of one sheet, also at the custodian. */
  async function recorded(count: number, one = patient): Promise<string[]> {
    const entry = Array.from({ length: count }, () => ({
      resource: observation(one),
      request: { method: 'POST', url: 'Observation' },
    }));
    const { body } = await send('hospital', 'POST /fhir/R4', { resourceType: 'Bundle', type: 'transaction', entry });
    const ids = (body.entry as { response: { location: string } }[]).map(
      ({ response }) => response.location.split('/')[1]!,
    );
    await until(async () => (await send('patients', `GET /fhir/R4/Observation/${ids[0]}`)).status === 200, LONG_MS);
    return ids;
  }
  const erase = (id: string, as = herself(), type = 'Observation') => send(as, `POST /fhir/R4/${type}/${id}/$erase`);
  const placeOf = ({ headers }: Answer): string => headers.get('location') ?? '';
  const idOf = (answer: Answer): string => placeOf(answer).replace('/erasures/', '');
  const standing = async (place: string, as = 'patients') => (await send(as, `GET ${place}`)).body;
  const becomes = async (place: string, status: string, as = 'patients') => {
    await until(async () => (await standing(place, as)).status === status, LONG_MS);
    return standing(place, as);
  };
  /** How read, vread and history are answered at these organisations. */
  const answers = async (id: string, ...organisations: string[]): Promise<number[]> => {
    const paths = [`Observation/${id}`, `Observation/${id}/_history/1`, `Observation/${id}/_history`];
    const all = organisations.flatMap((as) => paths.map((path) => send(as, `GET /fhir/R4/${path}`)));
    return [...new Set((await Promise.all(all)).map(({ status }) => status))];
  };
  const found = async (as: string): Promise<string[]> => {
    const { body } = await send(as, 'GET /fhir/R4/Observation?_count=500');
    return (body.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id);
  };
  const eventOf = async (id: string, as = herself()) => (await send(as, `GET /fhir/R4/AuditEvent/${id}`)).body;
  /** Whether a text stands in any table of an organisation's read model. */
  const isHeldBy = async (name: string): Promise<boolean> => {
    const { body } = await send(name, 'GET /fhir/R4/Observation?_count=500');
    return JSON.stringify(body).includes(SECRET);
  };

  it('is asked for by its patient, answered with the place of its status, and shows it nowhere from then on', async () => {
    const [kept, lost] = (await recorded(2)) as [string, string];
    const { transactionId } = {
      transactionId: (await send('hospital', `GET /fhir/R4/Observation/${lost}`)).headers.get('x-transaction-id'),
    };
    const before = (await send('hospital', `GET /fhir/R4/Observation/${kept}`)).body;
    const answer = await erase(lost);
    expect(answer.status, JSON.stringify(answer.body)).to.be.oneOf([200, 202]);
    expect(answer.body.issue[0]).to.include({ severity: 'information' });
    expect(placeOf(answer)).to.match(/^\/erasures\/[0-9a-f-]{36}$/);
    expect(await answers(lost, herself(), 'patients')).to.deep.equal([410]);
    await until(async () => (await answers(lost, 'hospital')).join() === '410', LONG_MS);
    const done = await becomes(placeOf(answer), 'erased');
    expect(done).to.include({ record: `Observation/${lost}`, provider: 'hospital' });
    expect(done.purgedAt >= done.markedAt).to.equal(true);
    for (const as of ['hospital', 'patients', herself()]) {
      const outcome = await send(as, `GET /fhir/R4/Observation/${lost}`);
      expect(outcome.body, as).to.deep.include({ resourceType: 'OperationOutcome' });
      expect(outcome.body.issue[0].code).to.equal('deleted');
      expect(await found(as))
        .to.include(kept)
        .and.not.include(lost);
    }
    expect((await send('hospital', `GET /fhir/R4/Observation/${kept}`)).body).to.deep.equal(before);
    const receipt = await send('hospital', `GET /receipts/${transactionId}`);
    expect(receipt.body).to.include({ validationCode: 0, creator: 'HospitalMSP' });
    const again = await erase(lost);
    expect([again.status, placeOf(again)]).to.deep.equal([200, placeOf(answer)]);
  });

  it('is in her log: who, when, which type, and nothing of what it held', async () => {
    const [id] = (await recorded(1)) as [string];
    const answer = await erase(id);
    await becomes(placeOf(answer), 'erased');
    const event = await eventOf(idOf(answer));
    expect(event).to.deep.include({ resourceType: 'AuditEvent', action: 'D', outcome: '0' });
    expect(event.type).to.include({ code: 'destroy' });
    expect(event.subtype[0].code).to.equal('purged');
    expect(event.agent[0]).to.deep.equal({ who: { reference: `Patient/${patient.id}` }, requestor: true });
    expect(event.entity.map(({ what }: { what: object }) => what)).to.deep.equal([
      { reference: `Patient/${patient.id}` },
      { reference: `Observation/${id}` },
    ]);
    expect(JSON.stringify(event)).not.to.contain(SECRET);
    const { body: log } = await send(herself(), 'GET /fhir/R4/AuditEvent?_count=100');
    const ids = log.entry.map(({ resource }: { resource: { id: string } }) => resource.id);
    expect(ids).to.include(idOf(answer));
    const atHolder = await send('hospital', `GET /fhir/R4/AuditEvent?patient=Patient/${patient.id}&_count=100`);
    expect(JSON.stringify(atHolder.body)).to.contain(idOf(answer));
    const other = await scene.patient();
    await until(async () => (await send('patients', `GET /fhir/R4/Patient/${other.id}`)).status === 200, LONG_MS);
    expect((await eventOf(idOf(answer), herself(other))).resourceType).to.equal('OperationOutcome');
    expect((await send(herself(other), `GET ${placeOf(answer)}`)).status).to.equal(404);
  });

  it('pages through her log, accesses and erasures, each once', async () => {
    const ids = await recorded(3);
    for (const id of ids) await erase(id);
    await scene.consented(patient);
    for (let count = 0; count < 2; count += 1)
      await scene.becomes('patients', await scene.ask(patient), ({ status }) => status === 'granted');
    const seen: string[] = [];
    let path = '/fhir/R4/AuditEvent?_count=2&type=110106,110113,destroy';
    for (let page = 0; path !== '' && page < 20; page += 1) {
      const { body } = await send(herself(), `GET ${path}`);
      seen.push(...(body.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id));
      const next = body.link.find(({ relation }: { relation: string }) => relation === 'next')?.url ?? '';
      path = next === '' ? '' : new URL(next).pathname + new URL(next).search;
    }
    expect(new Set(seen).size).to.equal(seen.length);
    const { body } = await send(herself(), 'GET /fhir/R4/AuditEvent?_count=100&type=110106,110113,destroy');
    expect(seen).to.have.members(body.entry.map(({ resource }: { resource: { id: string } }) => resource.id));
    expect(body.total).to.equal(seen.length);
  });

  it('is asked for by the provider whose record it is, and says so', async () => {
    const [id] = (await recorded(1)) as [string];
    const answer = await erase(id, 'hospital');
    expect(answer.status).to.be.oneOf([200, 202]);
    expect(await answers(id, 'hospital')).to.deep.equal([410]);
    await becomes(placeOf(answer), 'erased', 'hospital');
    const event = await eventOf(idOf(answer));
    expect(event.agent[0]).to.deep.include({ requestor: true });
    expect(event.agent[0].who.identifier.value).to.equal('hospital');
  });

  describe('is refused', () => {
    let id: string;
    before(async () => {
      [id] = (await recorded(1)) as [string];
    });
    const cases: [string, () => string, number][] = [
      ['to another patient', () => herself({ ...patient, id: randomUUID() }), 404],
      ['to a practitioner', () => 'hospital practitioner Practitioner/1', 403],
      ['to a caretaker', () => 'patients caretaker RelatedPerson/1', 403],
      ['to an operator', () => 'hospital operator', 403],
      ['to a provider that does not have it', () => 'clinic', 404],
      ['to a payer', () => 'payer', 404],
    ];
    for (const [whom, as, status] of cases)
      it(whom, async () => {
        const answer = await erase(id, as());
        expect(answer.status, JSON.stringify(answer.body)).to.equal(status);
        expect(await answers(id, 'hospital', 'patients')).to.deep.equal([200]);
      });

    it('for what is not there, and for what no provider recorded', async () => {
      expect((await erase(randomUUID())).status).to.equal(404);
      expect((await erase(randomUUID(), 'patients', 'Consent')).status).to.equal(404);
    });

    it('for the Patient while other records are there, or a consent is in force', async () => {
      const one = await scene.patient();
      const [other] = (await recorded(1, one)) as [string];
      expect((await erase(one.id, herself(one), 'Patient')).status).to.equal(409);
      await becomes(placeOf(await erase(other, herself(one))), 'erased');
      const answer = await erase(one.id, herself(one), 'Patient');
      expect(answer.status).to.be.oneOf([200, 202]);
      await becomes(placeOf(answer), 'erased');
      expect((await send('hospital', `GET /fhir/R4/Patient/${one.id}`)).status).to.equal(410);
    });
  });

  it('leaves what refers to it, which can be written again, and takes no further version', async () => {
    const [id] = (await recorded(1)) as [string];
    const hasMember = [{ reference: `Observation/${id}` }];
    const panel = await scene.created('hospital', 'POST /fhir/R4/Observation', observation(patient, { hasMember }));
    await becomes(placeOf(await erase(id, 'hospital')), 'erased', 'hospital');
    const { body } = await send('hospital', `GET /fhir/R4/Observation/${panel}`);
    expect(body.hasMember).to.deep.equal(hasMember);
    const update = await send('hospital', `PUT /fhir/R4/Observation/${panel}`, { ...body, status: 'amended' });
    expect(update.status, JSON.stringify(update.body)).to.equal(200);
    const further = await send('hospital', `PUT /fhir/R4/Observation/${id}`, { ...observation(), id });
    expect(further.status).to.equal(410);
  });

  it('takes every version with it', async () => {
    const [id] = (await recorded(1)) as [string];
    for (const status of ['amended', 'corrected'])
      expect(
        (await send('hospital', `PUT /fhir/R4/Observation/${id}`, { ...observation(), id, status })).status,
      ).to.equal(200);
    const answer = await erase(id, 'hospital');
    await becomes(placeOf(answer), 'erased', 'hospital');
    await becomes(placeOf(answer), 'erased');
    expect(await answers(id, 'hospital', 'patients')).to.deep.equal([410]);
  });

  it('takes the delivery that it is in, at the receiver at once, and the receiver asks again for the rest', async () => {
    const one = await scene.patient();
    const [kept, lost] = (await recorded(2, one)) as [string, string];
    await scene.consented(one);
    const access = await scene.ask(one);
    await scene.becomes('clinic', access, ({ status }) => status === 'granted');
    await until(async () => (await answers(lost, 'clinic')).join() === '200', LONG_MS);
    const answer = await erase(lost, herself(one));
    await until(async () => (await answers(lost, 'clinic')).join() === '410', LONG_MS);
    await scene.becomes('clinic', access, ({ status }) => status === 'purged');
    expect(await scene.at('clinic', access)).to.include({ reason: 'record-erased' });
    await becomes(placeOf(answer), 'erased');
    expect(await answers(kept, 'clinic')).to.deep.equal([404]);
    const again = await scene.ask(one);
    await scene.becomes('clinic', again, ({ status }) => status === 'granted');
    await until(async () => (await answers(kept, 'clinic')).join() === '200', LONG_MS);
    expect(await answers(lost, 'clinic')).to.deep.equal([410]);
  });

  for (const fault of ['drop', 'pause'] as const) {
    const is = fault === 'pause' ? 'paused' : 'away';
    it(`is marked at once while the holder is ${is}, and purged when it is back`, async () => {
      const [kept, lost] = (await recorded(2)) as [string, string];
      let answer: Answer | undefined;
      await scene.whileFails('hospital', fault, async () => {
        const began = performance.now();
        answer = await erase(lost);
        expect(performance.now() - began).to.be.below(6_000);
        expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
        const endorsers = await scene.endorsersOf(answer.headers.get('x-transaction-id') ?? '');
        expect(endorsers).to.include('PatientsMSP').and.not.include('HospitalMSP');
        expect(await answers(lost, 'patients', herself())).to.deep.equal([410]);
        expect(await standing(placeOf(answer))).to.deep.include({ status: 'marked', held: ['content'] });
        expect((await eventOf(idOf(answer))).outcomeDesc).to.equal('purge-pending');
      });
      await becomes(placeOf(answer!), 'erased');
      await until(async () => (await answers(lost, 'hospital')).join() === '410', LONG_MS);
      expect(await answers(kept, 'hospital', 'patients')).to.deep.equal([200]);
    });
  }

  it('at the request of its provider is kept while the custodian is away, and done when it is back', async () => {
    const [id] = (await recorded(1)) as [string];
    let answer: Answer | undefined;
    await scene.whileFails('patients', 'drop', async () => {
      answer = await erase(id, 'hospital');
      expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
      expect(await standing(placeOf(answer), 'hospital')).to.include({ status: 'waiting' });
      expect(await answers(id, 'hospital')).to.deep.equal([200]);
    });
    await becomes(placeOf(answer!), 'erased', 'hospital');
    expect(await answers(id, 'hospital')).to.deep.equal([410]);
  });

  it('is gone on with by a gateway that was opened since', async () => {
    const [id] = (await recorded(1)) as [string];
    let answer: Answer | undefined;
    await scene.whileFails('hospital', 'drop', async () => {
      answer = await erase(id);
      await scene.consortium.shut('patients');
    });
    await scene.consortium.open('patients');
    await becomes(placeOf(answer!), 'erased');
    expect(await answers(id, 'hospital', 'patients')).to.deep.equal([410]);
  });

  it('is done once however many ask, and for many of a sheet at a time', async () => {
    const ids = await recorded(6);
    const asked = ids.slice(1).flatMap((id) => [erase(id), erase(id), erase(id, 'hospital')]);
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(
      statuses.every((status) => status === 202 || status === 200),
      statuses.join(),
    ).to.equal(true);
    for (const id of ids.slice(1)) {
      const place = placeOf(await erase(id));
      await becomes(place, 'erased');
      await becomes(place, 'erased', 'hospital');
    }
    expect(await answers(ids[0]!, 'hospital', 'patients')).to.deep.equal([200]);
    const { body } = await send('patients operator', 'POST /verify');
    expect(body.differences).to.deep.equal([]);
    expect((await send('hospital operator', 'POST /verify')).body.differences).to.deep.equal([]);
    expect(await isHeldBy('hospital')).to.equal(true);
  });
});
