/** That an access stays with the patient whom it was decided on, whatever becomes of the identifiers that it was asked by. */
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from './access-scene.fixture.ts';

const LONG_MS = 20_000;
const isGranted = ({ status }: Shown): boolean => status === 'granted';
const isRefused = ({ status }: Shown): boolean => status === 'refused';

describe('A patient whose identifier is given to another', function () {
  this.timeout(120_000);
  let scene: AccessScene;
  let hers: ExamplePatient;
  let other: ExamplePatient;
  let observation: string;

  before(async function () {
    this.timeout(150_000);
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
  });
  after(() => scene?.close());
  beforeEach(async () => {
    [hers, other] = [await scene.patient(), await scene.patient()];
    observation = await scene.observation(hers);
    await scene.observation(other);
  });

  const wears = async ({ id }: ExamplePatient, ...values: string[]): Promise<void> => {
    const identifier = values.map((value) => ({ system: 'urn:example:mrn', value }));
    const body = { resourceType: 'Patient', id, identifier };
    const place = `/fhir/R4/Patient/${id}`;
    const { headers } = await scene.send('hospital', `GET ${place}`);
    const answer = await scene.send('hospital', `PUT ${place}`, body, { 'if-match': headers.get('etag')! });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    const version = answer.body.meta.versionId;
    await until(async () => (await scene.send('patients', `GET ${place}`)).body.meta?.versionId === version, LONG_MS);
  };
  const exchange = async (): Promise<void> => {
    await wears(hers, `${hers.value}-new`);
    await wears(other, other.value, hers.value);
  };
  const logOf = async ({ id }: ExamplePatient, as = `patients patient Patient/${id}`): Promise<string[]> => {
    const { body } = await scene.send(as, `GET /fhir/R4/AuditEvent?patient=${id}&type=110106,110113`);
    return (body.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id);
  };

  /** Page by page, one on each. */
  const requestsOf = async ({ id }: ExamplePatient, as: string): Promise<string[]> => {
    const found: string[] = [];
    let path: string | undefined = `/access-requests?patient=Patient/${id}&count=1`;
    while (path !== undefined) {
      const { body } = await scene.send(as, `GET ${path}`);
      found.push(...body.accessRequests.map((one: { id: string }) => one.id));
      path = body.next;
    }
    return found;
  };

  it('keeps her log, and the holder finds it by her; the other sees nothing of it', async () => {
    await scene.consented(hers);
    const [granted, refused] = [await scene.ask(hers), await scene.ask(hers, { types: ['Immunization'] })];
    await scene.becomes('clinic', granted, isGranted);
    await scene.becomes('hospital', refused, isRefused);
    await exchange();
    expect(await logOf(hers)).to.include.members([granted, refused]);
    expect(await logOf(hers, 'hospital')).to.include.members([granted, refused]);
    expect(await logOf(other)).to.deep.equal([]);
    expect(await logOf(other, 'hospital')).to.deep.equal([]);
    for (const as of ['patients', 'hospital']) {
      const listed = await requestsOf(hers, as);
      expect(listed, as).to.have.members([granted, refused]);
      expect(await requestsOf(other, as), as).to.deep.equal([]);
    }
    const asOther = `patients patient Patient/${other.id}`;
    expect((await scene.send(asOther, `GET /access-requests/${granted}`)).status).to.equal(404);
    expect(await scene.at('clinic', refused)).to.not.have.any.keys('patient', 'because');
  });

  it('is shown the request that waits for her, which the other can neither see nor answer, and whose records it does not get', async () => {
    const waitUntil = new Date(Date.now() + 3_600_000).toISOString();
    const waiting = await scene.ask(hers, { waitUntil });
    await scene.becomes('patients', waiting, ({ pending }) => pending === 'patient');
    await exchange();
    await scene.consented(other);
    const later = await scene.ask(other);
    await scene.becomes('clinic', later, isGranted);
    expect((await scene.at('clinic', waiting)).status).to.equal('requested');
    const asOther = `patients patient Patient/${other.id}`;
    expect((await scene.send(asOther, `POST /access-requests/${waiting}/refusal`)).status).to.equal(404);
    const asHerself = `patients patient Patient/${hers.id}`;
    expect((await scene.send(asHerself, `POST /access-requests/${waiting}/refusal`)).status).to.equal(202);
    expect(await logOf(hers)).to.deep.equal([waiting]);
    expect(await logOf(other)).to.deep.equal([later]);
  });

  it('has corrections of her records delivered still, and nothing of the other’s', async () => {
    await scene.consented(hers);
    await scene.consented(other);
    const access = await scene.ask(hers);
    await scene.becomes('clinic', access, isGranted);
    await exchange();
    const place = `/fhir/R4/Observation/${observation}`;
    const { body } = await scene.send('hospital', `GET ${place}`);
    const corrected = { ...body, status: 'amended' };
    expect((await scene.send('hospital', `PUT ${place}`, corrected, { 'if-match': 'W/"1"' })).status).to.equal(200);
    await until(async () => (await scene.send('clinic', `GET ${place}`)).body.status === 'amended', LONG_MS);
    const { body: found } = await scene.send('clinic', 'GET /fhir/R4/Observation?_count=100');
    const subjects = (found.entry ?? []).map(
      ({ resource }: { resource: { subject: { reference: string } } }) => resource.subject.reference,
    );
    expect(subjects).to.include(`Patient/${hers.id}`);
    const { renewedBy } = await scene.at('clinic', access);
    expect(await scene.at('clinic', renewedBy)).to.include({ patient: hers.id, status: 'granted' });
    expect(await logOf(hers)).to.include(renewedBy);
    expect(await logOf(other)).to.deep.equal([]);
  });
});
