/**
 * Deliveries of whatever size: all that may be shown arrives, what is critical first, in as many transactions as it takes, whoever
 * stops in between; and a request may ask for less. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const OBSERVATIONS = 520;
const LOINC = 'http://loinc.org';

type Shown = AccessState & {
  continuedBy?: string;
  pending?: string;
  whole?: { status: string; parts: number; records: number };
  account?: { delivered: number; withheld: Record<string, number> };
};

describe('A delivery', function () {
  this.timeout(120_000);
  let scene: Scene;
  let clinic: Party;
  let patient: Party;
  let patientId: string;
  let allergy: string;
  let visit: string;
  /** The one of all that has the code asked for. */
  let pressure: string;
  const mrn = randomUUID();

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    clinic = scene.parties.of('clinic', 'system');
    const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
      (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
    const hospital = scene.parties.of('hospital', 'system');
    patientId = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] });
    const subject = { reference: `Patient/${patientId}` };
    const encounter = { resourceType: 'Encounter', status: 'finished', subject };
    visit = await create({ ...encounter, class: { code: 'AMB' }, period: { start: '2026-03-05', end: '2026-03-05' } });
    const active = [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }];
    allergy = await create({
      ...{ resourceType: 'AllergyIntolerance', clinicalStatus: { coding: active }, patient: subject },
      code: { text: 'penicillin' },
    });
    const observation = { resourceType: 'Observation', status: 'final', subject };
    pressure = await create({
      ...{ ...observation, code: { coding: [{ system: LOINC, code: '85354-9' }] } },
      ...{ effectiveDateTime: '2026-03-05T08:00:00Z', encounter: { reference: `Encounter/${visit}` } },
    });
    const entry = Array.from({ length: OBSERVATIONS - 1 }, () => ({
      resource: { ...observation, code: { text: 'example' } },
      request: { method: 'POST', url: 'Observation' },
    }));
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    await hospital.write({ method: 'POST', path: '/fhir/R4', body: bundle }, [200]);
    patient = scene.parties.of('patients', 'patient', `Patient/${patientId}`);
    await patient.find({ path: `/fhir/R4/Patient/${patientId}` }, 'the patient');
    await granted(
      patient,
      permissionOf(patientId, {
        provision: [{ type: 'deny', data: [{ meaning: 'instance', reference: { reference: `Encounter/${visit}` } }] }],
      }),
    );
  });

  const ask = async (change: object): Promise<string> => {
    const body = { holder: 'hospital', patient: { system: MRN, value: mrn }, types: [], purpose: 'TREAT', ...change };
    return (await clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201])).body.id;
  };
  const becomes = (who: Party, id: string, what: string, isIt: (state: Shown) => boolean): Promise<Shown> =>
    who.find<Shown>({ path: `/access-requests/${id}` }, what, isIt);
  const complete = (id: string): Promise<Shown> =>
    becomes(clinic, id, 'all parts', ({ whole }) => whole?.status === 'complete');
  /** `Type/id` of what a part brought. */
  const inPart = async (id: string, type: string): Promise<number> => {
    const { body } = await clinic.send({ path: `/fhir/R4/${type}?patient=${patientId}&_count=1000` });
    const { entry = [] } = body as { entry?: { resource: { meta: { source: string } } }[] };
    expect(id).to.be.a('string');
    return entry.length;
  };

  it('brings 520 observations, an allergy and the Patient, what is critical first, and says that it is whole', async () => {
    const id = await ask({});
    const first = await becomes(clinic, id, 'the first part', ({ status }) => status === 'granted');
    // They come with the first part, before most of the rest.
    await clinic.find({ path: `/fhir/R4/AllergyIntolerance/${allergy}` }, 'the allergy');
    await clinic.find({ path: `/fhir/R4/Patient/${patientId}` }, 'the Patient');
    expect(first.delivered).to.be.lessThan(OBSERVATIONS);
    const { whole, continuedBy } = await complete(id);
    expect(whole).to.deep.equal({ status: 'complete', parts: 2, records: OBSERVATIONS + 2 });
    expect(await inPart(id, 'Observation')).to.equal(OBSERVATIONS);
    const second = await becomes(clinic, continuedBy ?? '', 'it', ({ status }) => status === 'granted');
    expect(second).to.include({ part: 2, continues: id, root: id });
    // How much was withheld is the patient's to know, and not whose who asked.
    expect([first, second].some((one) => 'account' in one)).to.equal(false);
    const own = await becomes(patient, second.id, 'the account', ({ account }) => account !== undefined);
    expect(own.account?.withheld).to.deep.equal({ 'consent-denied': 1 });
    const path = `/fhir/R4/AuditEvent?patient=${patientId}&type=110106,110113`;
    const { entry } = await patient.ask<{ entry: { resource: { id: string } }[] }>({ path });
    expect(entry.map(({ resource }) => resource.id)).to.deep.equal([second.id, id]);
  });

  const NARROWED: [what: string, asked: () => object, records: number][] = [
    ['a code', () => ({ codes: [{ system: LOINC, code: '85354-9' }] }), 1],
    ['a time', () => ({ period: { start: '2026-03-05', end: '2026-03-06' } }), 1],
    ['an encounter', () => ({ encounters: [visit] }), 1],
    ['single records', () => ({ records: [`AllergyIntolerance/${allergy}`, `Observation/${pressure}`] }), 2],
    ['a type', () => ({ types: ['AllergyIntolerance'] }), 1],
  ];
  for (const [what, asked, records] of NARROWED)
    it(`is narrowed to ${what}`, async () => {
      const id = await ask(asked());
      expect((await complete(id)).whole).to.deep.equal({ status: 'complete', parts: 1, records });
      expect(await becomes(clinic, id, 'it', () => true)).to.deep.include(asked());
    });

  it('comes in parts in an emergency too, under one review, for whoever broke the glass', async () => {
    const fhirUser = `Practitioner/${randomUUID()}`;
    const physician = scene.parties.of('clinic', 'practitioner', fhirUser);
    const practitioners = [{ organisation: 'clinic', practitioner: fhirUser }];
    const licence = { status: 'active', start: '2020-01-01', end: '2099-01-01', practitioners };
    const number = randomUUID().slice(0, 8);
    const regulator = scene.parties.of('regulator', 'system');
    await regulator.write({ method: 'PUT', path: `/licences/${number}`, body: licence });
    const asked = { holder: 'hospital', patient: { system: MRN, value: mrn }, purpose: 'BTG', reason: 'Unconscious.' };
    const { body } = await physician.write<Shown>({ method: 'POST', path: '/access-requests', body: asked }, [201]);
    const { whole } = await complete(body.id);
    // The visit is denied to the clinic, but not to whoever breaks the glass.
    expect(whole).to.deep.equal({ status: 'complete', parts: 2, records: OBSERVATIONS + 3 });
    await physician.ask({ path: `/fhir/R4/Encounter/${visit}` });
    const auditor = scene.parties.of('regulator', 'auditor');
    const { reviews } = await auditor.ask<{ reviews: { id: string }[] }>({ path: `/reviews?licence=${number}` });
    expect(reviews.map(({ id }) => id)).to.deep.equal([body.id]);
  });

  it('is refused where what it is narrowed to is nothing at all', async () => {
    const body = { holder: 'hospital', patient: { system: MRN, value: mrn }, purpose: 'TREAT', codes: [] };
    expect((await clinic.send({ method: 'POST', path: '/access-requests', body })).status).to.equal(422);
  });
});
