/** Later changes reach what was delivered: it is withdrawn, corrected, and what may be shown still stays with its reader. */
import { expect } from 'chai';
import { Renewals } from '../../../../chaincode/src/contracts/renewals.ts';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from './access-scene.fixture.ts';

const RESTRICTED = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }];
const LONG_MS = 20_000;

describe('What was delivered', function () {
  this.timeout(90_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let first: string;
  let second: string;

  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
  });
  after(() => scene?.close());
  beforeEach(async () => {
    patient = await scene.patient();
    [first, second] = [await scene.observation(patient), await scene.observation(patient)];
  });

  const pathOf = (id: string): string => `/fhir/R4/Observation/${id}`;
  const instance = (...ids: string[]) =>
    ids.map((id) => ({ meaning: 'instance', reference: { reference: `Observation/${id}` } }));
  /** Gives the consent, asks, and answers the id of the access once both records are at the clinic. */
  async function delivered(provision?: object): Promise<string> {
    await scene.consented(patient, provision);
    const id = await scene.ask(patient);
    await scene.becomes('clinic', id, ({ status }) => status === 'granted');
    expect(await shown()).to.deep.equal([1, 1]);
    return id;
  }
  /** The versions of both that the clinic is shown; 0: none. */
  const shown = (): Promise<number[]> =>
    Promise.all(
      [first, second].map(async (id) => {
        const { status, body } = await scene.send('clinic', `GET /fhir/R4/Observation/${id}`);
        return status === 200 ? Number(body.meta.versionId) : 0;
      }),
    );
  const becomes = async (versions: number[]): Promise<void> => {
    await until(async () => JSON.stringify(await shown()) === JSON.stringify(versions), LONG_MS);
  };
  async function change(id: string, content: object): Promise<void> {
    const { body } = await scene.send('hospital', `GET /fhir/R4/Observation/${id}`);
    const { status } = await scene.send('hospital', `PUT /fhir/R4/Observation/${id}`, { ...body, ...content });
    expect(status).to.equal(200);
  }
  const revoke = async (consent: string): Promise<void> => {
    const as = `patients patient Patient/${patient.id}`;
    const { body } = await scene.send(as, `GET /fhir/R4/Consent/${consent}`);
    const { status } = await scene.send(as, `PUT /fhir/R4/Consent/${consent}`, { ...body, status: 'inactive' });
    expect(status).to.be.oneOf([200, 202]);
  };
  const renewed = async (id: string): Promise<Shown> => {
    const { renewedBy } = await scene.becomes('patients', id, (state) => state.renewedBy !== undefined);
    return scene.becomes('clinic', renewedBy, ({ status }) => status !== undefined);
  };

  it('is withdrawn where it is denied later, and what is not denied stays', async () => {
    const id = await delivered();
    await scene.consented(patient, { type: 'deny', data: instance(first) });
    await becomes([0, 1]);
    const state = await renewed(id);
    expect(state).to.include({ status: 'granted', renews: id, root: id });
    expect(await scene.at('clinic', id)).to.include({ status: 'purged', reason: 'no-longer-permitted' });
    const before = await scene.at('clinic', id);
    expect(state.expiresAt).to.equal(before.expiresAt);
    expect(state.lastsUntil).to.equal(before.expiresAt);
  });

  it('is withdrawn whole where all of it is denied, and nothing is delivered anew', async () => {
    const id = await delivered();
    await scene.consented(patient, { type: 'deny' });
    await becomes([0, 0]);
    const state = await scene.becomes('clinic', id, ({ pending }) => pending === undefined);
    expect(state).to.include({ status: 'purged', reason: 'no-longer-permitted' });
    expect(state).to.not.have.any.keys('goesOn', 'renewedBy');
  });

  it('stays where somebody else is denied it', async () => {
    const id = await delivered();
    const payer = {
      reference: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'payer' } },
    };
    await scene.consented(patient, { type: 'deny', actor: [{ role: { text: 'recipient' }, ...payer }] });
    await change(second, { valueString: 'later' });
    await becomes([1, 2]);
    expect(await scene.at('clinic', id)).to.include({ reason: 'record-changed' });
  });

  it('goes at the very moment at which a denial begins', async () => {
    await delivered();
    const start = new Date(Date.now() + 4_000).toISOString();
    await scene.consented(patient, { type: 'deny', period: { start }, data: instance(first) });
    await until(() => new Date().toISOString() >= start, LONG_MS);
    expect((await shown())[0]).to.equal(0);
    await becomes([0, 1]);
  });

  it('goes by the label that a record is given later', async () => {
    const id = await delivered({ type: 'permit', provision: [{ type: 'deny', securityLabel: RESTRICTED }] });
    await change(first, { meta: { security: RESTRICTED } });
    await becomes([0, 1]);
    expect(await scene.at('clinic', id)).to.include({ status: 'purged', reason: 'no-longer-permitted' });
  });

  const corrections: [string, object][] = [
    ['corrected', { code: { text: 'something else' } }],
    ['cancelled', { status: 'cancelled' }],
    ['entered in error', { status: 'entered-in-error' }],
  ];
  for (const [what, content] of corrections)
    it(`is replaced by what it is ${what}`, async () => {
      await delivered();
      await change(first, content);
      await becomes([2, 1]);
      const { body } = await scene.send('clinic', `GET /fhir/R4/Observation/${first}`);
      expect(body).to.deep.include(content);
    });

  it('loses what turns out to be another patient’s', async () => {
    const id = await delivered();
    const other = await scene.patient();
    await change(first, { subject: { reference: `Patient/${other.id}` } });
    await becomes([0, 1]);
    expect(await scene.at('clinic', id)).to.include({ status: 'purged', reason: 'record-changed' });
  });

  it('loses with a consent only what rested on that one', async () => {
    const consent = await scene.consented(patient, { type: 'permit', data: instance(first) });
    const id = await delivered({ type: 'permit', data: instance(second) });
    await revoke(consent);
    await becomes([0, 1]);
    expect(await scene.at('clinic', id)).to.include({ status: 'purged', reason: 'consent-revoked' });
    expect(await renewed(id)).to.include({ status: 'granted', renews: id });
  });

  it('is withdrawn at once while the holder is away, and the rest is delivered when it is back', async () => {
    const consent = await scene.consented(patient, { type: 'permit', data: instance(first) });
    const id = await delivered({ type: 'permit', data: instance(second) });
    await scene.whileFails('hospital', 'drop', async () => {
      await revoke(consent);
      await becomes([0, 0]);
      expect(await scene.at('patients', id)).to.include({ status: 'purged', goesOn: true, pending: 'renewal' });
    });
    await becomes([0, 1]);
  });

  it('is withdrawn where the holder will not have it delivered anew, and everybody sees what is lacking', async () => {
    const id = await delivered();
    const refuses = () => async () => Promise.reject(new Error('will not'));
    await scene.whileRuns('hospital', Renewals, ['DeliverAgain'], refuses, async () => {
      await scene.consented(patient, { type: 'deny', data: instance(first) });
      await becomes([0, 0]);
      expect(await scene.at('patients', id)).to.include({ status: 'purged', goesOn: true, pending: 'renewal' });
      expect(await scene.at('clinic', id)).to.include({ status: 'purged', goesOn: true, pending: 'renewal' });
    });
    await becomes([0, 1]);
  });

  it('loses with an erasure only what is erased', async () => {
    const id = await delivered();
    const { status } = await scene.send(`patients patient Patient/${patient.id}`, `POST ${pathOf(first)}/$erase`);
    expect(status).to.be.oneOf([200, 202]);
    await until(async () => (await scene.send('clinic', `GET ${pathOf(first)}`)).status === 410, LONG_MS);
    expect(await renewed(id)).to.include({ status: 'granted', renews: id });
    await until(async () => (await shown())[1] === 1, LONG_MS);
    expect(await scene.at('clinic', id)).to.include({ status: 'purged', reason: 'record-erased' });
  });

  it('loses with a deletion only what is deleted, and has it with the next delivery after it is there again', async () => {
    const id = await delivered();
    expect((await scene.send('hospital', `DELETE ${pathOf(first)}`)).status).to.equal(204);
    await becomes([0, 1]);
    expect(await renewed(id)).to.include({ status: 'granted', renews: id });
    expect(await scene.at('clinic', id)).to.include({ status: 'purged', reason: 'record-changed' });
    const { body } = await scene.send('hospital', `GET ${pathOf(first)}/_history/1`);
    expect((await scene.send('hospital', `PUT ${pathOf(first)}`, body)).status).to.equal(201);
    await change(second, { valueString: 'later' });
    await becomes([3, 2]);
  });

  it('is reviewed again where something changes while it is being reviewed', async () => {
    await delivered();
    for (let version = 2; version < 8; version += 1)
      await change(version % 2 === 0 ? first : second, { valueString: String(version) });
    await becomes([4, 4]);
  });

  it('is looked through by a gateway that starts later', async () => {
    await delivered();
    await scene.consortium.shut('patients');
    await change(first, { status: 'cancelled' });
    await scene.consortium.open('patients');
    await becomes([2, 1]);
  });

  it('is in the patient’s log as often as it is delivered, in pages', async () => {
    const id = await delivered();
    for (const version of [2, 3]) {
      await change(first, { valueString: `${version}` });
      await becomes([version, 1]);
    }
    const as = `patients patient Patient/${patient.id}`;
    const listed: string[] = [];
    let url: string | undefined = 'AuditEvent?_count=1&type=110106,110113';
    while (url !== undefined && listed.length < 9) {
      const { body } = await scene.send(as, `GET /fhir/R4/${url}`);
      listed.push(...(body.entry ?? []).map(({ resource }: Shown) => resource.id));
      const next = body.link.find(({ relation }: Shown) => relation === 'next')?.url;
      url = next?.slice(next.indexOf('AuditEvent'));
    }
    const { renewedBy } = await scene.at('patients', id);
    const { renewedBy: last } = await scene.at('patients', renewedBy);
    expect(listed).to.deep.equal([last, renewedBy, id]);
    expect(await scene.details('patients', renewedBy, 'renewal')).to.deep.equal([
      { type: 'renews', valueString: id },
      { type: 'renewed-by', valueString: last },
    ]);
  });
});
