/** A patient disputes a record: what is asked, answered and seen of it by whom, and that a restricted record goes nowhere new. */
import { expect } from 'chai';
import { type Answer, until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';

const LONG_MS = 20_000;
const WORDS = 'It was the left foot, not the right one.';

describe('A disputed record', function () {
  this.timeout(60_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  const herself = (one = patient) => `patients patient Patient/${one.id}`;
  const send = (...request: Parameters<AccessScene['send']>): Promise<Answer> => scene.send(...request);
  const recorded = async (one = patient): Promise<string> => {
    const id = await scene.observation(one);
    await until(async () => (await send('patients', `GET /fhir/R4/Observation/${id}`)).status === 200, LONG_MS);
    return id;
  };
  const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });
  const text = (valueString = WORDS) => ({ name: 'text', valueString });
  const ask = (id: string, as = herself(), body: object = parameters(text())) =>
    send(as, `POST /fhir/R4/Observation/${id}/$request-correction`, body);
  const placeOf = ({ headers }: Answer): string => headers.get('location') ?? '';
  const at = async (as: string, place: string) => (await send(as, `GET ${place}`)).body;
  const arrives = (place: string, as = 'hospital') =>
    until(async () => (await send(as, `GET ${place}`)).status === 200, LONG_MS);
  const correct = async (id: string) => {
    const { body } = await send('hospital', `GET /fhir/R4/Observation/${id}`);
    const headers = { 'if-match': `W/"${body.meta.versionId}"` };
    const answer = await send('hospital', `PUT /fhir/R4/Observation/${id}`, { ...body, status: 'corrected' }, headers);
    expect(answer.status).to.equal(200);
  };

  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
    patient = await scene.patient();
  });
  after(() => scene?.close());

  it('is asked to be corrected in her words; the holder corrects it and says so, and she reads it', async () => {
    const id = await recorded();
    const answer = await ask(id);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
    expect(answer.headers.get('x-transaction-id')).to.match(/^[0-9a-f]{64}$/);
    const place = placeOf(answer);
    expect(answer.body).to.deep.include({
      ...{ resourceType: 'Task', status: 'requested', intent: 'proposal', description: WORDS },
      ...{ focus: { reference: `Observation/${id}/_history/1` }, for: { reference: `Patient/${patient.id}` } },
    });
    expect(answer.body.owner.identifier.value).to.equal('hospital');
    await arrives(place);
    const open = await at('hospital practitioner Practitioner/1', '/corrections?status=requested');
    expect(open.corrections.map((one: { id: string }) => one.id)).to.include(answer.body.id);
    const early = await send('hospital', `POST ${place}/answer`, { outcome: 'accepted' });
    expect(early.status).to.equal(409);
    await correct(id);
    const said = await send('hospital', `POST ${place}/answer`, { outcome: 'accepted', reason: 'You are right.' });
    expect(said.status, JSON.stringify(said.body)).to.equal(200);
    await until(async () => (await at(herself(), place)).status === 'completed', LONG_MS);
    const task = await at(herself(), place);
    expect(task.output[0].valueReference).to.deep.equal({ reference: `Observation/${id}/_history/2` });
    expect(task.statusReason.text).to.equal('You are right.');
    expect((await send('hospital', `POST ${place}/answer`, { outcome: 'refused', reason: 'no' })).status).to.equal(409);
  });

  it('is refused its correction with a reason; who reads of it is in her log', async () => {
    const id = await recorded();
    const task = { resourceType: 'Task', status: 'requested', intent: 'proposal', description: WORDS };
    const wrong = { ...task, focus: { reference: 'Observation/another' } };
    expect((await ask(id, herself(), wrong)).status).to.be.oneOf([400, 422]);
    const answer = await ask(id, herself(), { ...task, focus: { reference: `Observation/${id}` } });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
    expect((await ask(id)).status).to.equal(409);
    const place = placeOf(answer);
    await arrives(place);
    expect((await send('hospital', `POST ${place}/answer`, { outcome: 'refused' })).status).to.be.oneOf([400, 422]);
    const reason = 'The picture shows the right one.';
    expect((await send('hospital', `POST ${place}/answer`, { outcome: 'refused', reason })).status).to.equal(200);
    await until(async () => (await at(herself(), place)).status === 'rejected', LONG_MS);
    expect((await at(herself(), place)).statusReason.text).to.equal(reason);
    const { body: log } = await send(herself(), 'GET /reads?count=50');
    const ofTask = log.reads.filter(({ type, records }: { type: string; records: string[] }) => {
      return type === 'Task' && records.includes(answer.body.id);
    });
    expect(ofTask.length).to.be.greaterThan(0);
    expect(JSON.stringify(ofTask)).not.to.contain(WORDS);
    for (const as of [herself(), 'hospital']) {
      const { body } = await send(as, `GET /fhir/R4/AuditEvent?patient=Patient/${patient.id}&_count=200`);
      const events = body.entry.map(({ resource }: { resource: object }) => resource);
      const own = events.filter((event: object) => JSON.stringify(event).includes(`"Task/${answer.body.id}"`));
      const steps = own.flatMap(({ subtype }: { subtype: { code: string }[] }) => subtype.map(({ code }) => code));
      const both = ['correction-asked', 'correction-refused'];
      expect(
        steps.filter((code: string) => both.includes(code)),
        as,
      ).to.have.members(both);
      expect(JSON.stringify(own)).not.to.contain(WORDS).and.not.contain(reason);
      const one = own.find(({ id }: { id: string }) => id.startsWith('correction.'));
      expect((await send(as, `GET /fhir/R4/AuditEvent/${one.id}`)).body).to.deep.equal(one);
    }
  });

  it('is hers to dispute alone, and what is asked is seen by her, her custodian and the holder alone', async () => {
    const [id, other] = [await recorded(), await scene.patient()];
    for (const [as, status] of [
      [herself(other), 404],
      ['patients practitioner', 403],
      ['patients operator', 403],
      ['patients caretaker RelatedPerson/1', 403],
      ['hospital', 404],
    ] as const)
      expect((await ask(id, as)).status, as).to.equal(status);
    for (const body of [
      parameters(text(' ')),
      parameters(text('x'.repeat(4_001))),
      parameters({ name: 'colour', valueString: 'x' }),
    ])
      expect((await ask(id, herself(), body)).status).to.be.oneOf([400, 422]);
    const place = placeOf(await ask(id));
    await arrives(place);
    expect((await send(herself(other), `GET ${place}`)).status).to.equal(404);
    expect((await at(herself(other), '/corrections')).corrections).to.deep.equal([]);
    expect((await send('clinic', `GET ${place}`)).status).to.equal(404);
    expect((await send('clinic', `POST ${place}/answer`, { outcome: 'refused', reason: 'no' })).status).to.equal(404);
    expect((await send('patients', `POST ${place}/answer`, { outcome: 'refused', reason: 'no' })).status).to.equal(404);
  });

  it('is delivered to nobody while she has it restricted, and what is withheld is counted', async () => {
    const one = await scene.patient();
    const kept = await recorded(one);
    const id = await recorded(one);
    await scene.consented(one);
    const restrict = (name: string, as = herself(one)) => send(as, `POST /fhir/R4/Observation/${id}/$${name}`);
    expect((await restrict('restrict', herself())).status).to.equal(404);
    const first = await restrict('restrict');
    expect([first.status, (await restrict('restrict')).headers.get('x-transaction-id')]).to.deep.equal([200, null]);
    const delivered = async () => {
      const access = await scene.ask(one);
      const shown = await scene.becomes('patients', access, ({ status }) => status === 'granted');
      const whole = await scene.becomes('clinic', access, ({ status }) => status === 'granted');
      expect(whole.status).to.equal('granted');
      return shown.account;
    };
    expect(await delivered()).to.deep.include({ delivered: 1, withheld: { disputed: 1 } });
    expect((await send('clinic', `GET /fhir/R4/Observation/${kept}`)).status).to.equal(200);
    expect((await send('clinic', `GET /fhir/R4/Observation/${id}`)).status).to.equal(404);
    expect((await restrict('lift-restriction')).status).to.equal(200);
    expect(await delivered()).to.deep.include({ delivered: 2 });
  });

  it('is restricted with the wish for its correction, where she says so', async () => {
    const one = await scene.patient();
    const id = await recorded(one);
    await scene.consented(one);
    const body = parameters(text(), { name: 'restrict', valueBoolean: true });
    expect((await ask(id, herself(one), body)).status).to.equal(201);
    const access = await scene.ask(one);
    const { status } = await scene.becomes('patients', access, (state) => state.status !== 'requested');
    expect(status).to.equal('refused');
  });
});
