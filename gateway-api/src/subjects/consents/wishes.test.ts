/** What patients want of their consents, on the embedded network, while those who must endorse it are away or unwilling. The
 * journal itself is tried on each database in idempotency/wishes.test.ts. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { Consents } from '../../../../chaincode/src/contracts/consents.ts';
import { type RunningServer, serve } from '../../../../chaincode/src/server.ts';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';
import { outcomeUnknown } from '../../http/failures.ts';
import { WishJournal } from '../../idempotency/wishes.ts';
import { LedgerClient } from '../../ledger/client.ts';

const SYSTEM = 'urn:example:mrn';
const PRIVACY = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
};
const BUDGET_MS = 4_000;
const LIMITS = { inFlightWrites: 100, clientWrites: 100, budgetMs: BUDGET_MS, feedWaitMs: 2_000, hedgeMs: 500 };
const READY_MS = 30_000;

const classes = (...codes: string[]) => codes.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code }));
const actor = (name: string) => ({
  role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'PRCP' }] },
  reference: { identifier: { system: 'https://telemed-ledger.example/organisations', value: name } },
});

describe('A patient’s wish', function () {
  this.timeout(90_000);
  let consortium: FixtureConsortium;

  before(async function () {
    this.timeout(60_000);
    consortium = await FixtureConsortium.start([]);
    for (const name of ['hospital', 'clinic', 'patients']) await open(name);
  });
  after(() => consortium?.close());

  const open = (name: string) => consortium.open(name, { limits: LIMITS, dutyIntervalMs: 200 });
  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);

  /** A patient of the hospital's, and what she does. */
  async function newPatient() {
    const value = randomUUID();
    const body = { resourceType: 'Patient', identifier: [{ system: SYSTEM, value }] };
    const { body: patient } = await send('hospital', 'POST /fhir/R4/Patient', body);
    const reference = `Patient/${patient.id}`;
    const observed = { resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, subject: { reference } };
    const { body: observation } = await send('hospital', 'POST /fhir/R4/Observation', observed);
    const as = `patients patient ${reference}`;
    await until(async () => (await send('patients', `GET /fhir/R4/${reference}`)).status === 200);
    const consent = (provision: object, more: object = {}) => ({
      resourceType: 'Consent',
      status: 'active',
      scope: PRIVACY,
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference },
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
      provision: { type: 'permit', actor: [actor('clinic'), actor('payer')], ...provision },
      ...more,
    });
    return {
      as,
      identifier: { system: SYSTEM, value },
      observation: `/fhir/R4/Observation/${observation.id}`,
      consent,
      grant: (provision: object = {}, headers: Record<string, string> = {}) =>
        send(as, 'POST /fhir/R4/Consent', consent(provision), headers),
      put: (id: string, provision: object, more: object = {}, headers: Record<string, string> = {}) =>
        send(as, `PUT /fhir/R4/Consent/${id}`, consent(provision, { id, ...more }), headers),
    };
  }
  type Patient = Awaited<ReturnType<typeof newPatient>>;

  /** What the clinic asks for, once it is decided. */
  async function access({ identifier }: Patient): Promise<{ id: string; status: string; reason?: string }> {
    const asked = { holder: 'hospital', patient: identifier, types: ['Observation'], purpose: 'TREAT' };
    const { body, status } = await send('clinic', 'POST /access-requests', asked);
    expect(status, JSON.stringify(body)).to.equal(201);
    let decided: Answer | undefined;
    await until(async () => {
      decided = await send('clinic', `GET /access-requests/${body.id}`);
      return decided.body.status !== 'requested';
    }, READY_MS);
    return decided!.body;
  }

  const whileIs = async (fault: 'pause' | 'drop', organisation: string, run: () => Promise<void>): Promise<void> => {
    consortium.network[fault](organisation, true);
    try {
      await run();
    } finally {
      consortium.network[fault](organisation, false);
      await until(async () => (await consortium.gateway('patients').readiness()).ready, READY_MS);
    }
  };
  const statusOf = async ({ as }: Patient, answer: Answer) =>
    (await send(as, `GET ${answer.headers.get('location')}`)).body;
  const untilDone = (patient: Patient, answer: Answer) =>
    until(async () => (await statusOf(patient, answer)).status === 'done', READY_MS);
  const wordsOf = ({ body }: Answer): string => body.issue?.[0]?.diagnostics ?? '';
  function expectKept(answer: Answer, words: RegExp): void {
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
    expect(answer.body.issue[0]).to.include({ severity: 'information', code: 'informational' });
    expect(wordsOf(answer)).to.match(words);
    expect(answer.headers.get('location')).to.match(/^\/wishes\/[0-9a-f-]{36}$/);
  }

  for (const fault of ['drop', 'pause'] as const)
    it(`to grant is kept while the provider ${fault === 'drop' ? 'is away' : 'hangs'}, and done when it can be`, async () => {
      const patient = await newPatient();
      let answer!: Answer;
      await whileIs(fault, 'hospital', async () => {
        answer = await patient.grant();
        expectKept(answer, /takes effect when hospital has endorsed it; until then it permits nothing/);
        const status = await statusOf(patient, answer);
        expect(status).to.include({ change: 'grant', status: 'pending' });
        expect(status.waitsFor).to.deep.equal(['hospital']);
        expect(status).not.to.have.property('versionInForce');
      });
      await untilDone(patient, answer);
      const { consent, version, versionInForce } = await statusOf(patient, answer);
      expect([version, versionInForce]).to.deep.equal([1, 1]);
      expect((await send(patient.as, `GET /fhir/R4/${consent}`)).body.status).to.equal('active');
      expect(await access(patient)).to.include({ status: 'granted' });
    });

  it('is kept once under its Idempotency-Key, and answered as written when it is', async () => {
    const patient = await newPatient();
    const key = { 'idempotency-key': randomUUID() };
    let answer!: Answer;
    await whileIs('drop', 'hospital', async () => {
      answer = await patient.grant({}, key);
      expectKept(answer, /Kept/);
      const again = await patient.grant({}, key);
      expectKept(again, /Kept/);
      expect(again.headers.get('location')).to.equal(answer.headers.get('location'));
      const other = await patient.grant({ class: classes('Observation') }, key);
      expect(other.status).to.equal(422);
    });
    await untilDone(patient, answer);
    const { transactionId, consent } = await statusOf(patient, answer);
    const written = await patient.grant({}, key);
    expect(written.status, JSON.stringify(written.body)).to.equal(201);
    expect(`Consent/${written.body.id}`).to.equal(consent);
    expect(written.headers.get('x-transaction-id')).to.equal(transactionId);
    expect((await send(patient.as, 'GET /fhir/R4/Consent')).body.entry).to.have.length(1);
  });

  for (const fault of ['drop', 'pause'] as const)
    it(`that only takes away ends what was in force at once while the provider ${fault === 'drop' ? 'is away' : 'hangs'}`, async () => {
      const patient = await newPatient();
      const { body: consent } = await patient.grant();
      const granted = await access(patient);
      expect(granted.status).to.equal('granted');
      expect((await send('clinic', `GET ${patient.observation}`)).status).to.equal(200);
      let answer!: Answer;
      await whileIs(fault, 'hospital', async () => {
        answer = await patient.put(consent.id, { actor: [actor('payer')] });
        expectKept(answer, /earlier version is withdrawn; this one takes effect when hospital has endorsed it/);
        expect(answer.headers.get('x-transaction-id')).to.match(/^[0-9a-f]{64}$/);
        expect(await statusOf(patient, answer)).not.to.have.property('versionInForce');
        const { body: shown } = await send(patient.as, `GET /fhir/R4/Consent/${consent.id}`);
        expect([shown.status, shown.meta.versionId]).to.deep.equal(['inactive', '1']);
        expect((await send(patient.as, 'GET /fhir/R4/Consent')).body.entry[0].resource.status).to.equal('inactive');
        await until(async () => (await send('clinic', `GET ${patient.observation}`)).status === 404, READY_MS);
        const state = await send('clinic', `GET /access-requests/${granted.id}`);
        expect(state.body).to.include({ status: 'purged', reason: 'consent-amended' });
      });
      await untilDone(patient, answer);
      expect(await statusOf(patient, answer)).to.include({ version: 2, versionInForce: 2 });
      const { body: shown } = await send(patient.as, `GET /fhir/R4/Consent/${consent.id}`);
      expect([shown.status, shown.meta.versionId]).to.deep.equal(['active', '2']);
      expect(await access(patient)).to.include({ status: 'refused', reason: 'not-permitted' });
      await until(
        async () => (await send('hospital', `GET /access-requests/${granted.id}`)).body.status === 'purged',
        READY_MS,
      );
    });

  it('that only takes away does not wait behind one that hangs', async () => {
    const patient = await newPatient();
    const { body: consent } = await patient.grant();
    const answers: Promise<Answer>[] = [];
    await whileIs('pause', 'hospital', async () => {
      answers.push(patient.grant({ class: classes('Condition') }));
      await until(async () => (await send(patient.as, 'GET /wishes')).body.wishes.length === 1);
      answers.push(patient.put(consent.id, { actor: [actor('payer')] }));
      const path = `GET /fhir/R4/Consent/${consent.id}`;
      await until(async () => (await send(patient.as, path)).body.status === 'inactive', READY_MS);
      for (const answer of await Promise.all(answers)) expectKept(answer, /Kept/);
    });
    for (const answer of await Promise.all(answers)) await untilDone(patient, answer);
  });

  it('is kept as a part of a batch', async () => {
    const patient = await newPatient();
    const resource = patient.consent({});
    const entry = [{ resource, request: { method: 'POST', url: 'Consent' } }];
    await whileIs('drop', 'hospital', async () => {
      const batch = await send(patient.as, 'POST /fhir/R4', { resourceType: 'Bundle', type: 'batch', entry });
      const { response } = batch.body.entry[0];
      expect(response).to.include({ status: '202 Accepted' });
      expect(response.location).to.match(/^\/wishes\//);
      expect(response.outcome.issue[0]).to.include({ severity: 'information', code: 'informational' });
    });
  });

  it('that does more than take away leaves in force what was, until the provider is back', async () => {
    const patient = await newPatient();
    const { body: consent } = await patient.grant({ class: classes('Condition') });
    expect(await access(patient)).to.include({ status: 'refused' });
    let answer!: Answer;
    await whileIs('drop', 'hospital', async () => {
      answer = await patient.put(consent.id, { class: classes('Observation') });
      expectKept(answer, /Version 1 stays in force until hospital has endorsed this one/);
      expect(await statusOf(patient, answer)).to.include({ versionInForce: 1 });
    });
    await untilDone(patient, answer);
    expect(await access(patient)).to.include({ status: 'granted' });
  });

  it('is one transaction where the provider agrees, whatever it takes away', async () => {
    const patient = await newPatient();
    const { body: consent } = await patient.grant();
    const answer = await patient.put(consent.id, { class: classes('Observation') });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    expect(answer.body.meta.versionId).to.equal('2');
    expect((await send(patient.as, 'GET /wishes')).body.wishes).to.deep.equal([]);
  });

  it('to revoke waits for nobody, and ends what is pending about the consent', async () => {
    const patient = await newPatient();
    const { body: consent } = await patient.grant({ class: classes('Condition') });
    let pending!: Answer;
    await whileIs('drop', 'hospital', async () => {
      pending = await patient.put(consent.id, { class: classes('Observation') });
      expectKept(pending, /Version 1 stays in force/);
      const started = performance.now();
      const revoked = await patient.put(consent.id, {}, { status: 'inactive' });
      expect(revoked.status, JSON.stringify(revoked.body)).to.equal(200);
      expect(revoked.body.status).to.equal('inactive');
      expect(performance.now() - started).to.be.lessThan(BUDGET_MS);
      expect(await statusOf(patient, pending)).to.include({ status: 'superseded' });
    });
    expect((await send(patient.as, `GET /fhir/R4/Consent/${consent.id}`)).body.status).to.equal('inactive');
  });

  it('is sent in the order in which it was said, and of one consent the last word counts', async () => {
    const patient = await newPatient();
    const { body: first } = await patient.grant({ class: classes('Condition') });
    const kept: Answer[] = [];
    await whileIs('drop', 'hospital', async () => {
      kept.push(await patient.put(first.id, { class: classes('Procedure') }));
      kept.push(await patient.grant({ type: 'deny' }));
      kept.push(await patient.put(first.id, { class: classes('Observation') }));
      for (const answer of kept) expectKept(answer, /Kept/);
      expect(await statusOf(patient, kept[0]!)).to.include({ status: 'superseded' });
      // What waits survives the process.
      await consortium.shut('patients');
      const reopened = open('patients');
      await until(() => consortium.urls.has('patients'));
      consortium.network.drop('hospital', false);
      await reopened;
    });
    await untilDone(patient, kept[2]!);
    const statuses = await Promise.all(kept.map((answer) => statusOf(patient, answer)));
    expect(statuses.map(({ status, version }) => [status, version])).to.deep.equal([
      ['superseded', undefined],
      ['done', 1],
      ['done', 2],
    ]);
    const blocks = await Promise.all(
      statuses.slice(1).map(async ({ transactionId }) => {
        const receipt = await send('patients', `GET /receipts/${transactionId}`);
        return [receipt.body.block, receipt.body.position] as [number, number];
      }),
    );
    expect(blocks[0]![0]).to.be.lessThan(blocks[1]![0]);
    const { body } = await send(patient.as, `GET /fhir/R4/Consent/${first.id}`);
    expect(body.provision.class[0].code).to.equal('Observation');
    const listed = await send(patient.as, 'GET /wishes');
    expect(listed.body.wishes.map(({ id }: { id: string }) => id)).to.deep.equal(statuses.map(({ id }) => id));
  });

  it('to revoke is kept while there is nobody else at all, and done when one is back', async () => {
    const patient = await newPatient();
    const { body: consent } = await patient.grant();
    const { id } = await access(patient);
    const others = ['hospital', 'clinic', 'payer', 'bank', 'regulator'];
    let answer!: Answer;
    try {
      for (const name of others) consortium.network.drop(name, true);
      answer = await patient.put(consent.id, {}, { status: 'inactive' });
      expectKept(answer, /Version 1 stays in force until another organisation has endorsed its end/);
      const amended = await patient.put(consent.id, { class: classes('Observation') });
      expect(amended.status, JSON.stringify(amended.body)).to.equal(409);
    } finally {
      for (const name of others) consortium.network.drop(name, false);
    }
    await untilDone(patient, answer);
    expect(await statusOf(patient, answer)).to.include({ change: 'revoke', version: 2 });
    expect((await send(patient.as, `GET /fhir/R4/Consent/${consent.id}`)).body.status).to.equal('inactive');
    // And with it all that follows: the copies go, and the holder knows.
    const states = () =>
      Promise.all(['patients', 'clinic', 'hospital'].map((name) => send(name, `GET /access-requests/${id}`)));
    await until(async () => (await states()).every(({ body }) => body.status === 'purged'), READY_MS);
    for (const { body } of await states()) {
      expect(body).to.include({ reason: 'consent-revoked' });
      expect(body).not.to.have.any.keys('salt', 'schema', 'pending');
    }
  });

  describe('that its provider alone refuses', () => {
    let changed: RunningServer;
    const { GrantConsent, AmendConsent } = Consents.prototype;

    before(async () => {
      // The other organisations' chaincode runs in threads of its own and stays as it is.
      const refuse = async (): Promise<string> => {
        throw new LedgerError('FORBIDDEN', 'the hospital does not want it');
      };
      Object.assign(Consents.prototype, { GrantConsent: refuse, AmendConsent: refuse });
      const ccid = `telemed:${'0'.repeat(64)}`;
      changed = await serve({ consortium: consortium.members, ccid, address: '127.0.0.1:0' });
    });
    after(() => {
      changed?.close();
      Object.assign(Consents.prototype, { GrantConsent, AmendConsent });
    });
    const whileItRefuses = async (run: () => Promise<void>): Promise<void> => {
      await consortium.useChaincode('hospital', changed.address);
      try {
        await run();
      } finally {
        await consortium.useChaincode('hospital');
      }
    };

    it('is kept as if it were away', async () => {
      const patient = await newPatient();
      let answer!: Answer;
      await whileItRefuses(async () => {
        answer = await patient.grant();
        expectKept(answer, /takes effect when hospital has endorsed it/);
        expect((await statusOf(patient, answer)).waitsFor).to.deep.equal(['hospital']);
      });
      await untilDone(patient, answer);
    });

    it('takes away what it takes away', async () => {
      const patient = await newPatient();
      const { body: consent } = await patient.grant();
      let answer!: Answer;
      await whileItRefuses(async () => {
        answer = await patient.put(consent.id, { actor: [actor('payer')] });
        expectKept(answer, /earlier version is withdrawn/);
        const { body: second } = await patient.grant({ class: classes('Condition') });
        expect(second.issue[0].code).to.equal('informational');
        const revoked = await patient.put(consent.id, {}, { status: 'inactive' });
        expect(revoked.status, JSON.stringify(revoked.body)).to.equal(200);
      });
      expect(await statusOf(patient, answer)).to.include({ status: 'superseded' });
    });
  });

  describe('that is committed', () => {
    const { submit } = LedgerClient.prototype;
    const { forget } = WishJournal.prototype;
    afterEach(() => {
      LedgerClient.prototype.submit = submit;
      WishJournal.prototype.forget = forget;
    });
    const versionsOf = async (patient: Patient, id: string) =>
      (await send(patient.as, `GET /fhir/R4/Consent/${id}/_history`)).body.total;

    it('is a success though the journal fails then, and is not sent twice', async () => {
      const patient = await newPatient();
      WishJournal.prototype.forget = async () => {
        throw new Error('the journal is away');
      };
      const { status, body, headers } = await patient.grant();
      expect(status, JSON.stringify(body)).to.equal(201);
      WishJournal.prototype.forget = forget;
      const listed = async () => (await send(patient.as, 'GET /wishes')).body.wishes[0];
      await until(async () => (await listed()).status === 'done', READY_MS);
      const transactionId = headers.get('x-transaction-id');
      expect(await listed()).to.include({ consent: `Consent/${body.id}`, version: 1, transactionId });
      expect(await versionsOf(patient, body.id)).to.equal(1);
    });

    it('and not known to be is kept, found, and answered again under its key', async () => {
      const patient = await newPatient();
      const { body: consent } = await patient.grant();
      LedgerClient.prototype.submit = async function (this: LedgerClient, ...call: Parameters<typeof submit>) {
        const { transactionId } = await submit.apply(this, call);
        throw outcomeUnknown(transactionId);
      } as unknown as typeof submit;
      const headers = { 'idempotency-key': randomUUID(), 'if-match': 'W/"1"' };
      const answer = await patient.put(consent.id, { actor: [actor('clinic')] }, {}, headers);
      LedgerClient.prototype.submit = submit;
      expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
      await untilDone(patient, answer);
      const { transactionId } = await statusOf(patient, answer);
      expect(await versionsOf(patient, consent.id)).to.equal(2);
      const again = await patient.put(consent.id, { actor: [actor('clinic')] }, {}, headers);
      expect(again.status, JSON.stringify(again.body)).to.equal(200);
      expect(again.headers.get('x-transaction-id')).to.equal(transactionId);
    });
  });

  it('that everybody refuses is answered so, kept by nobody, and leaves all as it was', async () => {
    const patient = await newPatient();
    const { body: consent } = await patient.grant();
    const tooLarge = { class: Array.from({ length: 1_000 }, (_, index) => classes(`x${index}`)[0]!) };
    for (const isAway of [false, true]) {
      const run = async () => {
        const answer = await patient.put(consent.id, { ...tooLarge, actor: [actor('payer')] });
        expect(answer.status, JSON.stringify(answer.body)).to.equal(422);
      };
      await (isAway ? whileIs('drop', 'hospital', run) : run());
      expect((await send(patient.as, 'GET /wishes')).body.wishes).to.deep.equal([]);
      const { body } = await send(patient.as, `GET /fhir/R4/Consent/${consent.id}`);
      expect([body.status, body.meta.versionId]).to.deep.equal(['active', '1']);
    }
  });

  it('is nobody else’s to see or to change', async () => {
    const [patient, other] = [await newPatient(), await newPatient()];
    const { body: consent } = await patient.grant();
    let answer!: Answer;
    await whileIs('drop', 'hospital', async () => {
      answer = await patient.put(consent.id, { class: classes('Observation') });
      expect((await send(other.as, `GET ${answer.headers.get('location')}`)).status).to.equal(404);
      expect((await send(other.as, 'GET /wishes')).body.wishes).to.deep.equal([]);
      expect((await send('patients operator', 'GET /wishes')).status).to.equal(403);
    });
    await untilDone(patient, answer);
    const theirs = other.consent({}, { id: consent.id });
    const hers = patient.consent({}, { id: consent.id });
    for (const status of ['active', 'inactive']) {
      for (const body of [theirs, hers]) {
        const tried = await send(other.as, `PUT /fhir/R4/Consent/${consent.id}`, { ...body, status });
        expect(tried.status, JSON.stringify(tried.body)).to.be.within(400, 499);
      }
      // Nor does the organisation's own system mistake one for the other.
      const mistaken = await send('patients', `PUT /fhir/R4/Consent/${consent.id}`, { ...theirs, status });
      expect(mistaken.status).to.equal(422);
    }
    expect((await send(other.as, 'POST /fhir/R4/Consent', patient.consent({}))).status).to.equal(403);
    expect((await send('patients caretaker', 'POST /fhir/R4/Consent', patient.consent({}))).status).to.equal(403);
    const { body } = await send(patient.as, `GET /fhir/R4/Consent/${consent.id}`);
    expect(body).to.deep.include({ status: 'active' });
    expect(body.meta.versionId).to.equal('2');
  });
});
