/** Requests that wait for the patient, and her answers: as herself, as others, with the gateway or everybody away. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from './access-scene.fixture.ts';

const LONG_MS = 20_000;
const DAY_MS = 86_400_000;
const ahead = (ms: number): string => new Date(Date.now() + ms).toISOString();
const isRefused = ({ status }: Shown): boolean => status === 'refused';
const isGranted = ({ status }: Shown): boolean => status === 'granted';
const alike = (value: unknown): string =>
  JSON.stringify(value)
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    // As its sentence says it, to the minute, which may pass between two of them.
    .replaceAll(/\b[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d\s?[AP]M UTC/gu, '<time>');

interface Event {
  id: number;
  name: string;
  data: Shown;
}

/** A client of the stream. */
class Listener {
  readonly events: Event[] = [];
  beats = 0;
  hasEnded = false;
  readonly #abort = new AbortController();

  static async open(scene: AccessScene, patient: string, since?: number, subject?: string): Promise<Listener> {
    const token = await scene.consortium.token('patients', 'patient', `Patient/${subject ?? patient}`);
    const listener = new Listener();
    const response = await fetch(`${scene.consortium.urls.get('patients')}/access-requests/events`, {
      headers: { authorization: `Bearer ${token}`, ...(since === undefined ? {} : { 'last-event-id': String(since) }) },
      signal: listener.#abort.signal,
    });
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.match(/^text\/event-stream/);
    void listener
      .#read(response.body!)
      .catch(() => undefined)
      .finally(() => (listener.hasEnded = true));
    return listener;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) this.#take(part);
    }
  }

  #take(part: string): void {
    if (part.startsWith(':')) this.beats += 1;
    const [, id, name, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(part) ?? [];
    if (data !== undefined) this.events.push({ id: Number(id), name: name ?? '', data: JSON.parse(data) });
  }

  async becomes(isIt: (event: Event) => boolean): Promise<Event> {
    await until(() => this.events.some(isIt), LONG_MS);
    return this.events.find(isIt)!;
  }

  close(): void {
    this.#abort.abort();
  }
}

describe('A request that waits for the patient', function () {
  this.timeout(90_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
  });
  after(() => scene?.close());
  beforeEach(async () => {
    patient = await scene.patient();
    await scene.observation(patient);
  });

  const asHer = ({ id }: ExamplePatient): string => `patients patient Patient/${id}`;
  /** A request of the clinic's that the patient's gateway has looked at and lets wait. */
  const waiting = async (
    about: Pick<ExamplePatient, 'value'> = patient,
    waitUntil = ahead(DAY_MS),
  ): Promise<string> => {
    const id = await scene.ask({ id: '', ...about }, { waitUntil });
    await scene.becomes('patients', id, ({ pending }) => pending === 'patient');
    return id;
  };
  const refusal = (id: string, as: string) => scene.send(as, `POST /access-requests/${id}/refusal`);

  it('waits the same for one who is not known, who denies it and who has said nothing', async () => {
    const denying = await scene.patient();
    await scene.observation(denying);
    await scene.consented(denying, { type: 'deny' });
    const waitUntil = ahead(DAY_MS);
    const ids: string[] = [];
    for (const about of [{ value: randomUUID() }, denying, patient]) ids.push(await waiting(about, waitUntil));
    // Each has been looked at by then: what comes after them is decided.
    await scene.becomes('clinic', await scene.ask(patient), isRefused);
    const views: string[] = [];
    for (const id of ids) {
      const state = await scene.at('clinic', id);
      expect(state).to.include({ status: 'requested', pending: 'patient', waitUntil });
      views.push(alike([state, (await scene.send('clinic', `GET /fhir/R4/AuditEvent/${id}`)).body]));
    }
    expect(new Set(views).size).to.equal(1);
  });

  it('is asked for no longer than 30 days, for nothing over, and in no emergency', async () => {
    const asked = { ...scene.request(patient.value) };
    for (const waitUntil of [ahead(-1), ahead(31 * DAY_MS), 'tomorrow', 7]) {
      const answer = await scene.send('clinic', 'POST /access-requests', { ...asked, waitUntil });
      expect([answer.status, answer.body.issue[0].expression], String(waitUntil)).to.deep.equal([422, ['waitUntil']]);
    }
    const emergency = { ...asked, purpose: 'BTG', reason: 'Unconscious', waitUntil: ahead(DAY_MS) };
    const doctor = 'clinic practitioner Practitioner/d1';
    expect((await scene.send(doctor, 'POST /access-requests', emergency)).status).to.equal(422);
    const local = new Date(Date.now() + DAY_MS).toISOString().replace('Z', '+00:00');
    const { id } = (await scene.send('clinic', 'POST /access-requests', { ...asked, waitUntil: local })).body;
    expect((await scene.at('clinic', id)).waitUntil).to.match(/Z$/);
  });

  it('is granted within seconds of a consent, of an amendment, and of the end of a denial', async () => {
    const [given, amended, ended] = [patient, await scene.patient(), await scene.patient()];
    for (const one of [amended, ended]) await scene.observation(one);
    const denials = new Map<string, string>();
    for (const one of [amended, ended]) denials.set(one.id, await scene.consented(one, { type: 'deny' }));
    const ids = [await waiting(given), await waiting(amended), await waiting(ended)];
    await scene.consented(given);
    const permission = await scene.consented(ended);
    const path = `/fhir/R4/Consent/${denials.get(amended.id)}`;
    const { provision } = (await scene.send(asHer(ended), `GET /fhir/R4/Consent/${permission}`)).body;
    const denial = (await scene.send(asHer(amended), `GET ${path}`)).body;
    expect((await scene.send(asHer(amended), `PUT ${path}`, { ...denial, provision })).status).to.equal(200);
    const other = `/fhir/R4/Consent/${denials.get(ended.id)}`;
    const revoked = { ...(await scene.send(asHer(ended), `GET ${other}`)).body, status: 'inactive' };
    expect((await scene.send(asHer(ended), `PUT ${other}`, revoked)).status).to.equal(200);
    for (const id of ids) await scene.becomes('clinic', id, isGranted);
  });

  it('is granted when there is something to deliver, and not before', async () => {
    const empty = await scene.patient();
    await scene.consented(empty);
    const id = await waiting(empty);
    await scene.observation(empty);
    await scene.becomes('clinic', id, isGranted);
  });

  it('is granted at the moment at which a consent that was given begins to permit it', async () => {
    const id = await waiting(patient, ahead(DAY_MS));
    const actor = [{ role: { text: 'recipient' }, reference: { reference: 'Organization/clinic' } }];
    await scene.consented(patient, { type: 'permit', actor, period: { start: ahead(2_500) } });
    expect(await scene.at('clinic', id)).to.include({ status: 'requested' });
    await scene.becomes('clinic', id, isGranted);
  });

  it('is refused when its time is over, in the one way', async () => {
    const ids = [await waiting(patient, ahead(1_500)), await waiting({ value: randomUUID() }, ahead(1_500))];
    for (const id of ids) {
      const { reason, decidedAt, waitUntil } = await scene.becomes('clinic', id, isRefused);
      expect(reason).to.equal('not-permitted');
      expect(decidedAt >= waitUntil).to.equal(true);
      expect((await scene.becomes('patients', id, isRefused)).because).to.deep.equal({ reason: 'wait-over' });
    }
  });

  it('goes on waiting through a restart of the custodian’s gateway, and is refused by it if its time passed meanwhile', async () => {
    const over = ahead(3_000);
    const [one, other] = [await waiting(), await waiting(await scene.patient(), over)];
    await scene.consortium.shut('patients');
    await until(() => Date.now() > Date.parse(over), LONG_MS);
    await scene.consortium.open('patients');
    expect((await scene.becomes('patients', other, isRefused)).because).to.deep.equal({ reason: 'wait-over' });
    expect(await scene.at('patients', one)).to.include({ status: 'requested', pending: 'patient' });
    await scene.consented(patient);
    await scene.becomes('clinic', one, isGranted);
  });
  it('is shown to her alone, with who asks for what until when', async () => {
    const stranger = await scene.patient();
    const id = await scene.ask(patient, { waitUntil: ahead(DAY_MS) }, 'clinic practitioner Practitioner/c7');
    await scene.becomes('patients', id, ({ pending }) => pending === 'patient');
    const decided = await scene.ask(patient);
    await scene.becomes('patients', decided, isRefused);
    const list = async (as: string) =>
      (await scene.send(as, 'GET /access-requests?status=requested')).body.accessRequests;
    await until(
      async () => (await scene.send('patients', `GET /fhir/R4/Patient/${stranger.id}`)).status === 200,
      LONG_MS,
    );
    const [shown, ...others] = await list(asHer(patient));
    expect(others).to.deep.equal([]);
    expect(shown).to.include({ id, requestor: 'clinic', holder: 'hospital', purpose: 'TREAT', pending: 'patient' });
    expect(shown).to.deep.include({ types: ['Observation'], practitioner: 'Practitioner/c7' });
    expect(Date.parse(shown.waitUntil)).to.be.greaterThan(Date.now());
    expect(await list(asHer(stranger))).to.deep.equal([]);
    expect((await list('clinic')).map((one: Shown) => one.id))
      .to.include(id)
      .and.not.include(decided);
    expect((await scene.send('patients caretaker', 'GET /access-requests?status=requested')).status).to.equal(403);
    expect((await scene.send(asHer(patient), 'GET /access-requests?status=nonsense')).status).to.be.oneOf([400, 422]);
  });

  it('is refused at once when she says so, and by nobody else', async () => {
    const id = await waiting();
    const stranger = await scene.patient();
    await until(
      async () => (await scene.send('patients', `GET /fhir/R4/Patient/${stranger.id}`)).status === 200,
      LONG_MS,
    );
    for (const [as, status] of [
      [asHer(stranger), 404],
      ['patients', 403],
      ['patients caretaker', 403],
      ['clinic', 403],
      ['hospital', 403],
    ] as const)
      expect((await refusal(id, as)).status, as).to.equal(status);
    expect((await refusal(randomUUID(), asHer(patient))).status).to.equal(404);
    expect(await scene.at('clinic', id)).to.include({ status: 'requested', pending: 'patient' });
    const answer = await refusal(id, asHer(patient));
    expect([answer.status, answer.headers.get('location')]).to.deep.equal([202, `/access-requests/${id}`]);
    const refused = await scene.becomes(asHer(patient), id, isRefused);
    expect(refused.because).to.deep.equal({ reason: 'patient-refused' });
    const shown = await scene.becomes('clinic', id, isRefused);
    expect(shown).to.include({ reason: 'not-permitted' }).and.not.have.property('because');
    expect((await refusal(id, asHer(patient))).status).to.equal(202);
    await scene.consented(patient);
    const granted = await scene.ask(patient);
    await scene.becomes('patients', granted, isGranted);
    expect((await refusal(granted, asHer(patient))).status).to.equal(409);
  });

  it('stays refused where nobody endorses it, through a restart, and no consent overtakes that', async () => {
    const id = await waiting();
    const others = ['hospital', 'clinic', 'payer', 'bank', 'regulator'];
    const { network } = scene.consortium;
    for (const name of others) network.drop(name, true);
    try {
      const answer = await refusal(id, asHer(patient));
      expect([answer.status, answer.body.status, answer.body.pending]).to.deep.equal([202, 'requested', 'refusal']);
      await scene.consortium.shut('patients');
    } finally {
      for (const name of others) network.drop(name, false);
    }
    await scene.consortium.open('patients');
    await scene.consented(patient);
    expect((await scene.becomes('patients', id, isRefused)).because).to.deep.equal({ reason: 'patient-refused' });
    await scene.becomes('clinic', id, isRefused);
  });

  it('comes to one thing where she permits and refuses it at the same time', async () => {
    for (let round = 0; round < 3; round += 1) {
      const one = await scene.patient();
      await scene.observation(one);
      const id = await waiting(one);
      const [answer] = await Promise.all([refusal(id, asHer(one)), scene.consented(one)]);
      expect(answer.status).to.be.oneOf([202, 409]);
      const { status } = await scene.becomes('clinic', id, (state) => state.status !== 'requested');
      await scene.becomes('patients', id, (state) => state.status === status && state.pending === undefined);
      expect(await scene.at('clinic', id)).to.include({ status });
    }
  });

  describe('asked for with Prefer: wait', () => {
    const preferring = (id: string, wait: string, as = 'clinic') =>
      scene.send(as, `GET /access-requests/${id}`, undefined, { prefer: `respond-async, ${wait}` });

    it('answers once it is decided and delivered, without having been asked again', async () => {
      const id = await waiting();
      const asked = Promise.all(Array.from({ length: 40 }, () => preferring(id, 'wait=20')));
      // Who waits holds up nobody who reads: more wait than may read at once.
      expect((await scene.at('clinic', id)).status).to.equal('requested');
      await scene.consented(patient);
      for (const { status, body, headers } of await asked) {
        expect([status, body.status, body.delivery]).to.deep.equal([200, 'granted', undefined]);
        expect(headers.get('preference-applied')).to.equal('wait=20');
      }
    });

    it('answers how it stands after so long, and at once what waits for nothing', async () => {
      const id = await waiting();
      const started = performance.now();
      expect((await preferring(id, 'wait=1')).body.status).to.equal('requested');
      expect(performance.now() - started).to.be.greaterThan(900);
      expect((await preferring(randomUUID(), 'wait=30')).status).to.equal(404);
      await refusal(id, asHer(patient));
      await scene.becomes('clinic', id, isRefused);
      expect((await preferring(id, 'wait=30')).body.status).to.equal('refused');
      for (const wait of ['wait=0', 'wait=-1', 'wait=soon', 'awaiting=5'])
        expect((await preferring(id, wait)).headers.get('preference-applied'), wait).to.equal(null);
    });

    it('answers those who wait when the gateway stops', async () => {
      const id = await waiting();
      const asked = preferring(id, 'wait=30');
      const started = performance.now();
      const isWaitedFor = async () =>
        /^gateway_access_waits\S* 1$/m.test((await scene.send('clinic', 'GET /metrics')).body);
      await until(isWaitedFor, LONG_MS);
      await scene.consortium.shut('clinic');
      expect((await asked).body.status).to.equal('requested');
      expect(performance.now() - started).to.be.lessThan(15_000);
      await scene.consortium.open('clinic');
    });
  });

  describe('as events', () => {
    it('come to her and nobody else, with what became of it, and resume', async () => {
      const stranger = await scene.patient();
      const early = await waiting();
      const [hers, others] = [await Listener.open(scene, patient.id), await Listener.open(scene, stranger.id)];
      expect((await hers.becomes(({ data }) => data.id === early)).name).to.equal('requested');
      const late = await scene.ask(patient, { waitUntil: ahead(DAY_MS) });
      const seen = await hers.becomes(({ data }) => data.id === late);
      expect(seen.data).to.deep.include({ requestor: 'clinic', types: ['Observation'] });
      expect(seen.data).to.not.have.property('salt');
      hers.close();
      await refusal(early, asHer(patient));
      await scene.becomes('patients', early, isRefused);
      const again = await Listener.open(scene, patient.id, seen.id);
      const decided = await again.becomes(({ data }) => data.id === early);
      expect([decided.name, decided.data.status]).to.deep.equal(['decided', 'refused']);
      expect(again.events.every(({ id }) => id >= seen.id)).to.equal(true);
      await scene.consented(patient);
      await again.becomes(({ data, name }) => data.id === late && name === 'decided' && data.status === 'granted');
      expect(others.events).to.deep.equal([]);
      again.close();
      others.close();
    });

    it('are a patient’s at the custodian', async () => {
      for (const [as, status] of [
        ['patients', 403],
        ['patients caretaker', 403],
        ['clinic', 403],
      ] as const)
        expect((await scene.send(as, 'GET /access-requests/events')).status, as).to.equal(status);
    });

    it('come to as many streams of a client as it may have, and end when the gateway stops', async () => {
      const streams: Listener[] = [];
      for (let count = 0; count < 4; count += 1) streams.push(await Listener.open(scene, patient.id));
      const more = await scene.send(asHer(patient), 'GET /access-requests/events');
      expect([more.status, more.headers.get('retry-after')]).to.deep.equal([429, '5']);
      streams[0]?.close();
      await until(async () => {
        try {
          streams.push(await Listener.open(scene, patient.id));
          return true;
        } catch {
          return false;
        }
      }, LONG_MS);
      const started = Date.now();
      await scene.consortium.shut('patients');
      await until(() => streams.every(({ hasEnded }) => hasEnded), LONG_MS);
      expect(Date.now() - started).to.be.lessThan(15_000);
      await scene.consortium.open('patients');
    });
  });
});
