/** Emergencies from the request to the regulator's word, also with the holder, the requestor or the regulator failing. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { Emergencies } from '../../../../chaincode/src/contracts/emergencies.ts';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from './access-scene.fixture.ts';

const DOCTOR = 'clinic practitioner Practitioner/d1';
const NUMBER = '1234567893';
const REASON = 'Unconscious, no relatives.';
const EMERGENCY = { purpose: 'BTG', reason: REASON };
const DAY_MS = 86_400_000;
const purposeOf = (code: string) => [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code }];

describe('An emergency', function () {
  this.timeout(60_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let observation: string;

  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients', 'regulator');
    await licensed(NUMBER, 'Practitioner/d1');
  });
  after(() => scene?.close());
  beforeEach(async () => {
    patient = await scene.patient();
    observation = await scene.observation(patient);
  });

  const licensed = async (number: string, practitioner: string, status = 'active'): Promise<void> => {
    const licence = { status, start: '2020-01-01', end: '2099-01-01' };
    const practitioners = [{ organisation: 'clinic', practitioner }];
    const { status: answered } = await scene.send('regulator', `PUT /licences/${number}`, {
      ...licence,
      practitioners,
    });
    expect(answered).to.equal(200);
  };
  const ask = (change: object = {}, as = DOCTOR) => scene.ask(patient, { ...EMERGENCY, ...change }, as);
  const isDecided = ({ status }: Shown): boolean => status !== 'requested';
  /** What a refusal rests on, as the custodian has it. */
  const because = async (id: string) => (await scene.becomes('patients', id, isDecided)).because;
  const reviewAt = async (id: string): Promise<Shown> => {
    await until(async () => (await scene.send('regulator auditor', `GET /reviews/${id}`)).status === 200, 20_000);
    return (await scene.send('regulator auditor', `GET /reviews/${id}`)).body;
  };
  const log = async (id: string) =>
    (await scene.send(`patients patient Patient/${patient.id}`, `GET /fhir/R4/AuditEvent/${id}`)).body;
  /** @param seconds who may have endorsed it beside the custodian: a holder that is slow here is not waited for long */
  const isDelivered = async (id: string, ...seconds: string[]): Promise<void> => {
    const state = await scene.becomes('clinic', id, isDecided);
    expect(state).to.include({ status: 'granted', writtenReason: REASON });
    const [second, ...others] = (state.endorsers ?? []).filter((one: string) => one !== 'PatientsMSP');
    expect(seconds).to.include(second);
    expect([state.endorsers.length, others]).to.deep.equal([2, []]);
    expect(await scene.endorsersOf(state.transactionId)).to.have.members(['PatientsMSP', second]);
    const lasts = Date.parse(state.expiresAt) - Date.parse(state.decidedAt);
    expect(lasts).to.equal(DAY_MS);
    for (const place of [`Observation/${observation}`, `Patient/${patient.id}`])
      expect((await scene.send(DOCTOR, `GET /fhir/R4/${place}`)).status, place).to.equal(200);
  };

  for (const purpose of ['BTG', 'ETREAT'])
    it(`(${purpose}) is shown the records without a consent, reviewed, logged at once and told to the holder`, async () => {
      const id = await ask({ purpose });
      await isDelivered(id, 'HospitalMSP', 'ClinicMSP');
      const review = await reviewAt(id);
      const { openedAt, transactionId: _, ofPractitioner, ...said } = review;
      expect(said).to.deep.equal({
        ...{ id, status: 'open', licence: NUMBER, requestor: 'clinic', holder: 'hospital', purpose, reason: REASON },
        delivered: true,
      });
      expect(Date.now() - Date.parse(openedAt)).to.be.lessThan(60_000);
      expect(ofPractitioner.open).to.be.greaterThan(0);
      const { body: overview } = await scene.send('regulator auditor', 'GET /oversight');
      expect(overview.practitioners.find(({ licence }: { licence: string }) => licence === NUMBER)).to.deep.equal({
        ...{ licence: NUMBER, emergencies: ofPractitioner.open, open: ofPractitioner.open, notJustified: 0 },
      });
      expect(overview.reviews.openSince <= openedAt).to.equal(true);
      expect(overview.transactions.valid.ReviewOpened).to.be.greaterThan(0);
      expect(JSON.stringify(overview)).to.not.contain(patient.id).and.not.contain(observation).and.not.contain(REASON);
      const event = await log(id);
      expect(event.purposeOfEvent[0]).to.deep.include({ text: REASON });
      expect(await scene.details('patients', id, 'review')).to.deep.equal([
        { type: 'outcome', valueString: 'open' },
        { type: 'licence', valueString: NUMBER },
      ]);
      await scene.becomes('hospital', id, ({ status }) => status === 'granted');
      const told = await scene.becomes('patients', id, ({ pending }) => pending === undefined);
      expect(told.holderToldAt).to.be.a('string');
    });

  it('says that something is restricted, or that it was shown all the same, as the law of the consortium has it', async () => {
    const hidden = await scene.observation(patient);
    const herself = `patients patient Patient/${patient.id}`;
    await until(async () => (await scene.send(herself, `GET /fhir/R4/Observation/${hidden}`)).status === 200, 20_000);
    expect((await scene.send(herself, `POST /fhir/R4/Observation/${hidden}/$restrict`)).status).to.equal(200);
    const shownAt = async () => (await scene.send(DOCTOR, `GET /fhir/R4/Observation/${hidden}`)).status;
    const told = async (id: string) => (await log(id)).text.div;
    const withheld = await ask();
    await isDelivered(withheld, 'HospitalMSP', 'ClinicMSP');
    expect(await scene.at('clinic', withheld)).to.include({ restricted: 'withheld' });
    expect(await shownAt()).to.equal(404);
    expect(await told(withheld)).to.match(/without what the patient has restricted/);
    const rules = { emergencyHours: 24, denialStopsBreakGlass: true, recordingLicence: 'named' };
    const set = async (change: object) => {
      const { status, body } = await scene.send('regulator', 'PUT /consortium-rules', { ...rules, ...change });
      expect(status, JSON.stringify(body)).to.equal(200);
      const isSet = async () => {
        const now = (await scene.send('patients', 'GET /consortium-rules')).body;
        return (now.restrictedInEmergencies ?? false) === 'restrictedInEmergencies' in change;
      };
      await until(isSet, 20_000);
    };
    await set({ restrictedInEmergencies: true });
    try {
      const shown = await ask();
      await isDelivered(shown, 'HospitalMSP', 'ClinicMSP');
      expect(await scene.at('clinic', shown)).to.include({ restricted: 'delivered' });
      expect(await shownAt()).to.equal(200);
      expect(await told(shown)).to.match(/with what the patient has restricted/);
      expect(JSON.stringify((await log(shown)).entity)).to.include('{"type":"restricted","valueString":"delivered"}');
      // What was shown stays for its day.
      await scene.becomes('patients', shown, ({ pending }) => pending === undefined);
      expect(await shownAt()).to.equal(200);
    } finally {
      await set({});
    }
  });

  for (const fault of ['pause', 'drop'] as const)
    it(`is shown them with the requestor while the holder ${fault === 'pause' ? 'hangs' : 'is away'}, which is told later`, async () => {
      let id = '';
      await scene.whileFails('hospital', fault, async () => {
        id = await ask();
        await isDelivered(id, 'ClinicMSP');
        expect(await scene.at('patients', id)).to.include({ pending: 'report', review: 'open' });
        const endorsers = (await scene.details('patients', id, 'decision'))?.map(({ valueString }) => valueString);
        expect(endorsers).to.have.members(['PatientsMSP', 'ClinicMSP', 'pending']);
      });
      await scene.becomes('hospital', id, ({ status }) => status === 'granted');
      await scene.becomes('patients', id, ({ holderToldAt }) => holderToldAt !== undefined);
      const endorsers = (await scene.details('hospital', id, 'decision'))?.map(({ valueString }) => valueString);
      expect(endorsers).to.include('ClinicMSP').and.not.include('HospitalMSP');
    });

  it('is shown them with the requestor where the holder’s chaincode refuses', () => {
    const refusing = () => () => Promise.reject(new LedgerError('CONFLICT', 'not here', 'id'));
    return scene.whileRuns('hospital', Emergencies, ['OpenReview', 'BreakGlass'], refusing, async () =>
      isDelivered(await ask(), 'ClinicMSP'),
    );
  });

  it('is open for review before the requestor’s peer has seen anything, and says that nothing was delivered', async () => {
    let seen = '';
    const taking =
      () =>
      async (...call: unknown[]) => {
        const { stub } = call[0] as unknown as { stub: { getTransient(): Map<string, Uint8Array> } };
        seen = Buffer.from(stub.getTransient().get('private') ?? '').toString();
        throw new LedgerError('CONFLICT', 'thank you', 'id');
      };
    await scene.whileFails('hospital', 'drop', () =>
      scene.whileRuns('clinic', Emergencies, ['BreakGlass'], taking as never, async () => {
        const id = await ask();
        await until(() => seen.includes(observation), 20_000);
        expect(await reviewAt(id)).to.include({ status: 'open', delivered: false });
        expect(await scene.at('patients', id)).to.include({ status: 'requested', review: 'open', pending: 'decision' });
      }),
    );
  });

  it('is shown what can be shown of what the patient denies by name, and nothing where she said not even then', async () => {
    const data = [{ meaning: 'instance', reference: { reference: `Observation/${observation}` } }];
    await scene.consented(patient, { type: 'deny', purpose: purposeOf('BTG'), data });
    const shown = await scene.observation(patient);
    await scene.becomes('clinic', await ask(), ({ status }) => status === 'granted');
    expect((await scene.send(DOCTOR, `GET /fhir/R4/Observation/${shown}`)).status).to.equal(200);
    expect((await scene.send(DOCTOR, `GET /fhir/R4/Observation/${observation}`)).status).to.equal(404);
    await scene.consented(patient, { type: 'deny', purpose: purposeOf('BTG') });
    for (const purpose of ['BTG', 'ETREAT']) {
      const refused = await ask({ purpose });
      expect(await scene.becomes('clinic', refused, isDecided)).to.include({ reason: 'not-permitted' });
      expect(await because(refused)).to.include({ reason: 'consent-denied' });
      expect((await scene.send('regulator', `GET /reviews/${refused}`)).status).to.equal(404);
    }
  });

  it('is a licensed practitioner’s, whom the licence names', async () => {
    await licensed('222', 'Practitioner/d2', 'suspended');
    const practitioners = [
      ['Practitioner/d2', 'licence-suspended'],
      ['Practitioner/d9', 'licence-absent'],
    ];
    for (const [practitioner, reason] of practitioners) {
      const id = await ask({}, `clinic practitioner ${practitioner}`);
      expect(await scene.becomes('clinic', id, isDecided)).to.include({ status: 'refused', reason: 'not-permitted' });
      expect(await because(id)).to.deep.equal({ reason });
      expect((await scene.send('regulator', `GET /reviews/${id}`)).status).to.equal(404);
      expect(await log(id)).to.include({ outcome: '4', outcomeDesc: reason });
    }
    // Another organisation's practitioner of the same reference is another person.
    await licensed('333', 'Practitioner/d3');
    const other = { ...EMERGENCY, ...{ holder: 'clinic', patient: { system: 'urn:example:mrn', value: 'x' } } };
    const id = await scene.created('hospital practitioner Practitioner/d3', 'POST /access-requests', {
      ...scene.request('x'),
      ...other,
    });
    expect(await scene.becomes('hospital', id, isDecided)).to.include({ status: 'refused' });
    expect(await because(id)).to.deep.equal({ reason: 'licence-absent' });
  });

  it('is asked for with a written reason of 1 to 1,000 characters', async () => {
    for (const reason of [undefined, '', ' \n', 'a'.repeat(1_001), 'a\u0000', 7, null]) {
      const body = { ...scene.request(patient.value), ...EMERGENCY, reason };
      const answer = await scene.send(DOCTOR, 'POST /access-requests', body);
      expect(answer.status, JSON.stringify(reason)).to.equal(422);
      expect(answer.body.issue[0].expression).to.deep.equal(['reason']);
    }
    const plain = { ...scene.request(patient.value), reason: REASON };
    expect((await scene.send(DOCTOR, 'POST /access-requests', plain)).status).to.equal(422);
    for (const as of ['clinic', 'clinic practitioner']) {
      const body = { ...scene.request(patient.value), ...EMERGENCY };
      expect((await scene.send(as, 'POST /access-requests', body)).status, as).to.equal(403);
    }
    const longest = await ask({ reason: '\u{1F691}'.repeat(1_000) });
    await scene.becomes('clinic', longest, ({ status }) => status === 'granted');
  });

  describe('is reviewed', () => {
    const close = (id: string, body: object, as = 'regulator auditor') =>
      scene.send(as, `PUT /reviews/${id}/outcome`, body);

    it('once, with a text that the patient reads', async () => {
      const id = await ask();
      await isDelivered(id, 'HospitalMSP', 'ClinicMSP');
      await reviewAt(id);
      const text = 'The time does not fit the ambulance’s protocol.';
      const outcome = { outcome: 'not-justified', text };
      const answer = await close(id, outcome);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      const { body: receipt } = await scene.send('regulator', `GET /receipts/${answer.body.transactionId}`);
      expect(receipt.endorsers).to.have.members(['RegulatorMSP', 'PatientsMSP']);
      expect(await reviewAt(id)).to.include({ status: 'not-justified', text, closedAt: answer.body.closedAt });
      expect((await close(id, outcome)).status).to.equal(409);
      await scene.becomes('patients', id, ({ review }) => review === 'not-justified');
      expect(await scene.details('patients', id, 'review')).to.deep.include({ type: 'text', valueString: text });
    });

    it('also while the custodian is away, and whoever endorses it in its place does not read the text', async () => {
      const id = await ask();
      await reviewAt(id);
      let seen = '';
      const looking =
        (real: (...call: never[]) => Promise<string>) =>
        (...call: never[]) => {
          const { stub } = call[0] as unknown as { stub: { getTransient(): Map<string, Uint8Array> } };
          seen = Buffer.from(stub.getTransient().get('private') ?? '').toString();
          return real(...call);
        };
      await scene.whileFails('patients', 'drop', () =>
        scene.whileRuns('hospital', Emergencies, ['CloseReview'], looking, async () => {
          const answer = await close(id, { outcome: 'justified', text: 'A secret' });
          expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
          const { body: receipt } = await scene.send('regulator', `GET /receipts/${answer.body.transactionId}`);
          expect(receipt.endorsers).to.have.members(['RegulatorMSP', 'HospitalMSP']);
        }),
      );
      expect(seen).to.include('justified').and.not.include('A secret');
      expect(await reviewAt(id)).to.include({ status: 'justified', text: 'A secret' });
      await scene.becomes('patients', id, ({ review }) => review === 'justified');
      expect(await scene.details('patients', id, 'review')).to.deep.include({ type: 'text', valueString: 'A secret' });
    });

    it('by a regulator alone, with one of two words and a text', async () => {
      const id = await ask();
      await reviewAt(id);
      const sound = { outcome: 'justified', text: 'x' };
      for (const body of [{ ...sound, outcome: 'perhaps' }, { ...sound, text: '' }, { outcome: 'justified' }, {}])
        expect((await close(id, body)).status, JSON.stringify(body)).to.equal(422);
      expect((await close(id, sound, 'patients')).status).to.equal(403);
      expect((await close(id, sound, 'regulator operator')).status).to.equal(403);
      expect((await close(randomUUID(), sound)).status).to.equal(404);
      for (const as of ['hospital', 'clinic', 'patients'])
        expect((await scene.send(as, 'GET /reviews')).status, as).to.equal(403);
      expect((await scene.send('regulator operator', 'GET /reviews')).status).to.equal(403);
    });

    it('in a list, in pages, by status and practitioner, with how often that was', async () => {
      const [number, doctor] = ['444', 'Practitioner/d4'];
      await licensed(number, doctor);
      const ids: string[] = [];
      for (let count = 0; count < 3; count += 1) {
        const id = await ask({}, `clinic practitioner ${doctor}`);
        await reviewAt(id);
        ids.push(id);
      }
      expect((await close(ids[1]!, { outcome: 'justified', text: 'x' })).status).to.equal(200);
      const list = async (query: string) => (await scene.send('regulator auditor', `GET /reviews${query}`)).body;
      const found: string[] = [];
      for (let path = `?licence=${number}&count=2`; path !== ''; ) {
        const { reviews, next } = await list(path);
        for (const { id, ofPractitioner } of reviews) {
          found.push(id);
          expect(ofPractitioner).to.deep.equal({ open: 2, justified: 1, notJustified: 0 });
        }
        path = next?.slice('/reviews'.length) ?? '';
      }
      expect(found).to.deep.equal(ids);
      const closed = await list(`?licence=${number}&status=justified`);
      expect(closed.reviews.map(({ id }: { id: string }) => id)).to.deep.equal([ids[1]]);
      const open = await list('?status=open&count=500');
      expect(open.reviews.map(({ id }: { id: string }) => id)).to.include.members([ids[0], ids[2]]);
    });
  });
});
