/**
 * An emergency in several parts: what is critical comes first and waits for nobody; the rest comes once, whatever is killed in
 * between, the custodian's gateway by SIGKILL and the holder's peer.
 */
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import { GatewayProcess } from '../../gateway-process.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from './access-scene.fixture.ts';

/** Three parts of 400 at most, with what is critical. */
const OBSERVATIONS = 805;
const CRITICAL = ['AllergyIntolerance', 'Condition', 'MedicationStatement'];
const DOCTOR = 'clinic practitioner Practitioner/d1';
const LONG_MS = 60_000;

describe('An emergency in several parts', function () {
  this.timeout(180_000);
  let scene: AccessScene;
  let custodian: GatewayProcess;
  let patient: ExamplePatient;

  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'regulator');
    custodian = await GatewayProcess.prepare(scene.consortium, 'patients');
    await start();
    const practitioners = [{ organisation: 'clinic', practitioner: 'Practitioner/d1' }];
    const licence = { status: 'active', start: '2020-01-01', end: '2099-01-01', practitioners };
    expect((await scene.send('regulator', 'PUT /licences/4711', licence)).status).to.equal(200);
    patient = await scene.patient();
    const subject = { reference: `Patient/${patient.id}` };
    const concept = { text: 'example' };
    const active = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
    };
    const critical: object[] = [
      { resourceType: 'AllergyIntolerance', clinicalStatus: active, patient: subject, code: concept },
      { resourceType: 'Condition', subject, code: concept },
      { resourceType: 'MedicationStatement', status: 'active', subject, medicationCodeableConcept: concept },
    ];
    // What is critical was recorded first, so that only the order of deliveries brings it to the front.
    await bundle(critical);
    const observation = { resourceType: 'Observation', status: 'final', code: concept, subject };
    await bundle(Array.from({ length: OBSERVATIONS }, () => observation));
  });
  after(async () => {
    await custodian?.remove();
    await scene?.close();
  });

  async function bundle(resources: object[]): Promise<void> {
    const entry = resources.map((resource) => ({
      ...{ resource, request: { method: 'POST', url: (resource as { resourceType: string }).resourceType } },
    }));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    const answer = await scene.send('hospital', 'POST /fhir/R4', body);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
  }

  async function start(): Promise<void> {
    const { url, operations } = await custodian.listen();
    scene.consortium.urls.set('patients', url);
    await until(async () => (await fetch(`${operations}/readyz`)).ok, LONG_MS);
  }
  const restart = async (): Promise<void> => {
    await custodian.kill();
    await start();
  };
  const held = async (type: string): Promise<number> => {
    const { body } = await scene.send(DOCTOR, `GET /fhir/R4/${type}?patient=${patient.id}&_summary=count`);
    return body.total;
  };
  const partOf = async (id: string): Promise<Shown> => scene.at('clinic', id);

  it('begins with what is critical, and goes on exactly once whatever is killed between its parts', async () => {
    let id = '';
    await scene.whileFails('hospital', 'drop', async () => {
      id = await scene.ask(patient, { types: [], purpose: 'BTG', reason: 'Unconscious.' }, DOCTOR);
      const first = await scene.becomes('clinic', id, ({ status }) => status === 'granted');
      expect(first).to.deep.include({ pending: 'part', whole: { status: 'under-way', parts: 1, records: 401 } });
      for (const type of [...CRITICAL, 'Patient']) {
        const { status, body } = await scene.send(DOCTOR, `GET /fhir/R4/${type}`);
        expect([status, body.entry?.length], type).to.deep.equal([200, 1]);
      }
      await restart();
      await scene.becomes('patients', id, ({ pending }) => pending === 'report' || pending === 'part');
      expect((await partOf(id)).continuedBy, 'the rest waits for the holder').to.equal(undefined);
    });
    // Killed again as soon as the next part is there.
    const { continuedBy: second } = await scene.becomes('clinic', id, ({ continuedBy }) => continuedBy !== undefined);
    await restart();
    const whole = await scene.becomes('clinic', id, (state) => state.whole?.status === 'complete');
    expect(whole.whole).to.deep.equal({ status: 'complete', parts: 3, records: OBSERVATIONS + CRITICAL.length + 1 });
    expect(await held('Observation')).to.equal(OBSERVATIONS);
    const { continuedBy: third } = await partOf(second);
    for (const [part, one, delivered] of [
      [2, second, 400],
      [3, third, OBSERVATIONS + CRITICAL.length - 800],
    ] as const)
      expect(await partOf(one)).to.deep.include({ part, delivered, root: id, purpose: 'BTG' });
    expect((await partOf(third)).continuedBy).to.equal(undefined);
  });

  it('is in the log part by part, under one review, and lasts no longer than its first part', async () => {
    const { body: log } = await scene.send(
      `patients patient Patient/${patient.id}`,
      `GET /fhir/R4/AuditEvent?patient=${patient.id}&type=110106`,
    );
    const ids = log.entry.map(({ resource }: { resource: { id: string } }) => resource.id).reverse();
    expect(ids).to.have.length(3);
    const parts = await Promise.all(ids.map((id: string) => partOf(id)));
    const [first] = parts;
    const latest = Date.parse(first.decidedAt) + 24 * 3_600_000;
    for (const { expiresAt } of parts) expect(Date.parse(expiresAt)).to.be.at.most(latest);
    const { body: reviews } = await scene.send('regulator auditor', 'GET /reviews');
    expect(reviews.reviews.map(({ id }: { id: string }) => id)).to.deep.equal([first.id]);
  });
});
