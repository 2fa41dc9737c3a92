/** Deliveries in several parts: they go on where they stopped, whoever is away or ends in between. */
import { expect } from 'chai';
import { Renewals } from '../../../../chaincode/src/contracts/renewals.ts';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from './access-scene.fixture.ts';

/** One more than a part carries. */
const RECORDS = 401;
const LONG_MS = 55_000;

describe('A delivery in parts', function () {
  this.timeout(120_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let ids: string[];

  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
    patient = await scene.patient();
    const subject = { reference: `Patient/${patient.id}` };
    const resource = { resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject };
    const entry = Array.from({ length: RECORDS }, () => ({
      resource,
      request: { method: 'POST', url: 'Observation' },
    }));
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    const { status, body } = await scene.send('hospital', 'POST /fhir/R4', bundle);
    expect(status).to.equal(200);
    ids = body.entry.map(({ response }: { response: { location: string } }) => response.location.split('/')[1]);
    await scene.consented(patient);
  });
  after(() => scene?.close());

  const withoutFurther = (run: () => Promise<void>): Promise<void> => {
    const refuses = () => async () => Promise.reject(new Error('will not'));
    return scene.whileRuns('hospital', Renewals, ['DeliverFurther'], refuses, run);
  };
  const isComplete = ({ whole }: Shown): boolean => whole?.status === 'complete';

  it('goes on with a gateway that begins after another ended between two parts', async () => {
    let id = '';
    await withoutFurther(async () => {
      id = await scene.ask(patient);
      const first = await scene.becomes('clinic', id, ({ status }) => status === 'granted');
      expect(first).to.deep.include({ pending: 'part', whole: { status: 'under-way', parts: 1, records: 400 } });
      await scene.consortium.shut('patients');
    });
    await scene.consortium.open('patients');
    const { whole, continuedBy } = await scene.becomes('clinic', id, isComplete);
    expect(whole).to.deep.equal({ status: 'complete', parts: 2, records: RECORDS });
    expect(await scene.at('clinic', continuedBy)).to.include({ part: 2, delivered: 1, continues: id });
    expect(await scene.details('patients', continuedBy, 'delivery')).to.deep.include.members([
      { type: 'part', valueString: '2' },
      { type: 'delivered', valueString: '1' },
    ]);
  });

  it('is delivered anew part by part where something changes, and stays whole', async () => {
    const id = await scene.ask(patient);
    await scene.becomes('clinic', id, isComplete);
    for (const changed of [ids[0]!, ids.at(-1)!]) {
      const { body } = await scene.send('hospital', `GET /fhir/R4/Observation/${changed}`);
      await scene.send('hospital', `PUT /fhir/R4/Observation/${changed}`, { ...body, valueString: 'later' });
      await until(async () => {
        const copy = await scene.send('clinic', `GET /fhir/R4/Observation/${changed}`);
        return copy.status === 200 && copy.body.valueString === 'later';
      }, LONG_MS);
    }
    const { whole } = await scene.becomes('clinic', id, isComplete);
    expect(whole).to.deep.equal({ status: 'complete', parts: 2, records: RECORDS });
  });

  it('brings all records there were though others were recorded since, and none of those', async () => {
    let id = '';
    let later = '';
    await withoutFurther(async () => {
      id = await scene.ask(patient);
      await scene.becomes('clinic', id, ({ status }) => status === 'granted');
      later = await scene.observation(patient);
    });
    const { whole } = await scene.becomes('clinic', id, isComplete);
    expect(whole).to.include({ records: RECORDS });
    expect((await scene.send('clinic', `GET /fhir/R4/Observation/${later}`)).status).to.equal(404);
  });
});
