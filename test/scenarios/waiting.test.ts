/**
 * A request that waits for the patient, from the question to her answer: she is told who asks, and a consent, her no or the end
 * of its time decides it. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const DAY_MS = 86_400_000;
const ahead = (ms: number): string => new Date(Date.now() + ms).toISOString();

type Shown = AccessState & { pending?: string; because?: { reason: string }; types?: string[] };

describe('A request that waits', function () {
  this.timeout(120_000);
  let scene: Scene;
  let clinic: Party;
  let patient: Party;
  let patientId: string;
  let mrn: string;
  let result: string;
  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    clinic = scene.parties.of('clinic', 'system');
  });
  beforeEach(async () => {
    mrn = randomUUID();
    const hospital = scene.parties.of('hospital', 'system');
    const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
      (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
    patientId = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] });
    const subject = { reference: `Patient/${patientId}` };
    result = await create({ resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject });
    patient = scene.parties.of('patients', 'patient', `Patient/${patientId}`);
    await patient.find({ path: `/fhir/R4/Patient/${patientId}` }, 'the patient');
  });

  const ask = async (waitUntil: string): Promise<string> => {
    const asked = {
      holder: 'hospital',
      patient: { system: MRN, value: mrn },
      types: ['Observation'],
      purpose: 'TREAT',
    };
    const body = { ...asked, waitUntil };
    return (await clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201])).body.id;
  };
  const becomes = (who: Party, id: string, status: AccessState['status']): Promise<Shown> =>
    who.find<Shown>({ path: `/access-requests/${id}` }, `it to be ${status}`, (one) => one.status === status);
  const waitsFor = async (id: string): Promise<Shown> => {
    const path = '/access-requests?status=requested';
    const has = ({ accessRequests }: { accessRequests: Shown[] }) => accessRequests.some((one) => one.id === id);
    const list = await patient.find<{ accessRequests: Shown[] }>({ path }, 'the request among what waits', has);
    return list.accessRequests.find((one) => one.id === id)!;
  };

  it('is shown to the patient and delivered when she permits it', async () => {
    const id = await ask(ahead(DAY_MS));
    const shown = await waitsFor(id);
    expect(shown).to.deep.include({
      requestor: 'clinic',
      purpose: 'TREAT',
      types: ['Observation'],
      pending: 'patient',
    });
    expect((await becomes(clinic, id, 'requested')).pending).to.equal('patient');
    await granted(patient, permissionOf(patientId));
    await becomes(clinic, id, 'granted');
    await clinic.find({ path: `/fhir/R4/Observation/${result}` }, 'the delivered copy');
  });

  it('is refused when she says so, and she alone reads why', async () => {
    const id = await ask(ahead(DAY_MS));
    await waitsFor(id);
    const answer = await patient.send({ method: 'POST', path: `/access-requests/${id}/refusal`, body: {} });
    expect(answer.status).to.equal(202);
    expect((await becomes(patient, id, 'refused')).because).to.deep.equal({ reason: 'patient-refused' });
    const shown = await becomes(clinic, id, 'refused');
    expect(shown).to.include({ reason: 'not-permitted' }).and.not.have.property('because');
  });

  it('is refused when its time is over', async () => {
    const until = ahead(3_000);
    const id = await ask(until);
    const { decidedAt = '' } = await becomes(clinic, id, 'refused');
    expect(decidedAt >= until).to.equal(true);
    expect((await becomes(patient, id, 'refused')).because).to.deep.equal({ reason: 'wait-over' });
  });
});
