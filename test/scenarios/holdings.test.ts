/** Who holds what of a patient: told to a treating practitioner by her consent, with every question in her log. On either network. */
import { randomUUID } from 'node:crypto';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const OBSERVATIONS = 410;

interface State {
  id: string;
  status: string;
  reason?: string;
  counts?: Record<string, number>;
  pending?: string;
  delivered?: number;
}

describe('Who holds what of a patient', function () {
  this.timeout(90_000);
  let scene: Scene;
  let doctor: Party;
  let patient: Party;
  let patientId: string;
  let consent: { id: string };
  let told: string;
  const mrn = randomUUID();

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    doctor = scene.parties.of('clinic', 'practitioner', `Practitioner/${randomUUID()}`);
    const hospital = scene.parties.of('hospital', 'system');
    const body = { resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] };
    patientId = (await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body })).body.id;
    const subject = { reference: `Patient/${patientId}` };
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject };
    const resources = [
      ...Array.from({ length: OBSERVATIONS }, () => observation),
      { resourceType: 'Condition', code: { text: 'example' }, subject },
    ];
    const entry = resources.map((resource) => ({ resource, request: { method: 'POST', url: resource.resourceType } }));
    await hospital.write(
      { method: 'POST', path: '/fhir/R4', body: { resourceType: 'Bundle', type: 'transaction', entry } },
      [200],
    );
    patient = scene.parties.of('patients', 'patient', `Patient/${patientId}`);
    await patient.find({ path: `/fhir/R4/Patient/${patientId}` }, 'the patient');
  });

  const ask = async (value: string, who = doctor): Promise<{ holder: string; id: string }[]> => {
    const body = { patient: { system: MRN, value }, purpose: 'TREAT' };
    return (
      await who.write<{ requests: { holder: string; id: string }[] }>(
        { method: 'POST', path: '/holdings', body },
        [201],
      )
    ).body.requests;
  };
  const decided = async (value: string): Promise<State> => {
    const requests = await ask(value);
    expect(requests.map(({ holder }) => holder)).to.deep.equal(['hospital']);
    return doctor.find<State>(
      { path: `/access-requests/${requests[0]!.id}` },
      'a decision of which nothing is left to do',
      // A refusal is reported to its holder after it is made: until then it says `pending`, and from then on when.
      ({ status, pending }) => status !== 'requested' && pending === undefined,
    );
  };

  it('is refused without a consent exactly as of nobody', async () => {
    const [known, unknown] = [await decided(mrn), await decided(randomUUID())];
    expect(known).to.include({ status: 'refused', reason: 'not-permitted' });
    const same = ({ status, reason, ...rest }: State) => ({ status, reason, keys: Object.keys(rest).sort() });
    expect(same(known)).to.deep.equal(same(unknown));
  });

  it('is told by type where her consent permits it, of the types that it permits, and nothing is delivered', async () => {
    consent = await granted(
      patient,
      permissionOf(patientId, {
        class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
      }),
    );
    const state = await decided(mrn);
    told = state.id;
    expect(state).to.deep.include({ status: 'granted', overview: true, counts: { Observation: OBSERVATIONS } });
    expect(state).to.not.have.any.keys('delivered', 'expiresAt', 'pending');
    const { entry = [] } = await doctor.ask<{ entry?: object[] } & Resource>({
      path: `/fhir/R4/Observation?patient=${patientId}`,
    });
    expect(entry).to.deep.equal([]);
    const event = await patient.ask<Resource>({ path: `/fhir/R4/AuditEvent/${state.id}` });
    expect(event['type']).to.deep.include({ code: '110112' });
    expect(JSON.stringify(event['entity'])).to.include(`{"type":"Observation","valueString":"${OBSERVATIONS}"}`);
  });

  it('is for whom it was told, and for nobody else there', async () => {
    const { id } = await decided(mrn);
    for (const role of ['system', 'practitioner'] as const) {
      const colleague = scene.parties.of('clinic', role, `Practitioner/${randomUUID()}`);
      const state = await colleague.ask<State & Resource>({ path: `/access-requests/${id}` });
      expect(state).to.include({ status: 'granted' }).and.not.have.any.keys('counts');
      type List = { accessRequests: State[] } & Resource;
      const { accessRequests } = await colleague.ask<List>({ path: '/access-requests?count=200' });
      expect(accessRequests.filter(({ counts }) => counts !== undefined)).to.deep.equal([]);
      expect(JSON.stringify(await colleague.ask({ path: `/fhir/R4/AuditEvent/${id}` }))).to.not.include('counts');
    }
  });

  it('is asked in her log, each time', async () => {
    const { entry } = await patient.ask<{ entry: { resource: Resource }[] } & Resource>({
      path: '/fhir/R4/AuditEvent?type=110112,110113',
    });
    expect(entry.map(({ resource }) => (resource['type'] as { code: string }).code)).to.deep.equal([
      '110112',
      '110112',
      '110113',
    ]);
  });

  it('is told no more once the consent that let it be told has ended; her log keeps what was told', async () => {
    const path = `/fhir/R4/Consent/${consent.id}`;
    const { meta: _, ...given } = await patient.ask<Resource>({ path });
    const headers = { 'if-match': 'W/"1"' };
    await patient.write({ method: 'PUT', path, body: { ...given, status: 'inactive' }, headers }, [200, 202]);
    const ended = await doctor.find<State>(
      { path: `/access-requests/${told}` },
      'without counts',
      ({ counts }) => counts === undefined,
    );
    expect(ended.status).to.equal('granted');
    type List = { accessRequests: State[] } & Resource;
    const { accessRequests } = await doctor.ask<List>({ path: '/access-requests?count=200' });
    expect(accessRequests.filter(({ counts }) => counts !== undefined)).to.deep.equal([]);
    const event = await patient.ask<Resource>({ path: `/fhir/R4/AuditEvent/${told}` });
    expect(JSON.stringify(event['entity'])).to.include(`{"type":"Observation","valueString":"${OBSERVATIONS}"}`);
    expect((await decided(mrn)).status).to.equal('refused');
  });

  it('is a question of a practitioner, for a treatment', async () => {
    const body = { patient: { system: MRN, value: mrn }, purpose: 'TREAT' };
    const statusOf = async (who: Party, change: object = {}) =>
      (await who.send({ method: 'POST', path: '/holdings', body: { ...body, ...change } })).status;
    expect(await statusOf(scene.parties.of('clinic', 'system'))).to.equal(403);
    expect(await statusOf(scene.parties.of('payer', 'system'))).to.equal(404);
    expect(await statusOf(doctor, { purpose: 'HPAYMT' })).to.be.within(403, 422);
    expect(await statusOf(doctor, { patient: {} })).to.equal(422);
  });
});
