/** A caretaker by a delegation on the ledger: what he may do begins and ends with it. On either network. */
import { randomUUID } from 'node:crypto';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import { delegationTo, toAct } from '@telemed-ledger/scripts/demo/caretakers.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const ahead = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe('A caretaker', function () {
  this.timeout(120_000);
  let scene: Scene;
  let patient: Party;
  let caretaker: Party;
  let patientId: string;
  let mrn: string;
  let result: string;
  let name: string;
  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    mrn = randomUUID();
    const hospital = scene.parties.of('hospital', 'system');
    const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
      (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
    patientId = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] });
    const subject = { reference: `Patient/${patientId}` };
    result = await create({ resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject });
    name = `RelatedPerson/${await create({ resourceType: 'RelatedPerson', patient: subject, relationship: toAct('read', 'answer', 'revoke') })}`;
    patient = scene.parties.of('patients', 'patient', `Patient/${patientId}`);
    caretaker = scene.parties.of('patients', 'caretaker', name);
    await patient.find({ path: `/fhir/R4/${name}` }, 'the caretaker’s record');
  });

  it('answers in the place of the patient with a consent that bears his name, until she ends it', async () => {
    const reading = { path: `/fhir/R4/Observation/${result}` };
    expect((await caretaker.send(reading)).status).to.equal(403);
    const delegation = delegationTo(name, patientId, ['read', 'answer', 'revoke'], ahead(86_400_000));
    const { id } = await granted(patient, delegation);
    await caretaker.find(reading, 'the result', ({ id: found }) => found === result);
    const asked = {
      holder: 'hospital',
      patient: { system: MRN, value: mrn },
      types: ['Observation'],
      purpose: 'TREAT',
    };
    const clinic = scene.parties.of('clinic', 'system');
    const body = { ...asked, waitUntil: ahead(86_400_000) };
    const path = '/access-requests';
    const { id: request } = (await clinic.write<AccessState>({ method: 'POST', path, body }, [201])).body;
    const permission = {
      ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }] },
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      ...{ patient: { reference: `Patient/${patientId}` }, performer: [{ reference: name }] },
      policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
      provision: {
        type: 'permit',
        actor: [
          { role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATION_SYSTEM, value: 'clinic' } } },
        ],
      },
    };
    await granted(caretaker, permission);
    const isGranted = ({ status }: AccessState): boolean => status === 'granted';
    await clinic.find<AccessState>({ path: `/access-requests/${request}` }, 'the request to be granted', isGranted);
    await clinic.find(reading, 'the delivered copy');
    const ended = { ...delegation, id, status: 'inactive' };
    const answer = await patient.send({ method: 'PUT', path: `/fhir/R4/Consent/${id}`, body: ended });
    expect(answer.status).to.be.oneOf([200, 202]);
    for (const sending of [reading, { path: '/access-requests' }])
      expect((await caretaker.send(sending)).status).to.equal(403);
    const refused = await caretaker.send({ method: 'POST', path: '/fhir/R4/Consent', body: permission });
    expect(refused.status).to.equal(403);
  });
});
