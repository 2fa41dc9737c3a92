/**
 * What records refer to and is about no patient goes with them: it is read at the receiver for whom it is, and at her own gateway
 * by the patient, follows corrections, goes when they go, and widens nothing. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const NPI = { system: 'http://hl7.org/fhir/sid/us-npi', value: randomUUID() };
const RESTRICTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };

type Shown = AccessState & { whole?: { status: string }; account?: { withheld: Record<string, number> } };

describe('What records refer to', function () {
  this.timeout(90_000);
  let scene: Scene;
  let hospital: Party;
  let clinic: Party;
  let patient: Party;
  let patientId: string;
  let consentId: string;
  let observation: string;
  /** `Type/id` by what it is. */
  const is: Record<string, string> = {};
  const mrn = randomUUID();
  const referTo = (name: string) => ({ reference: is[name] });

  const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
    (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
  const named = async (name: string, body: Record<string, unknown> & { resourceType: string }): Promise<void> => {
    is[name] = `${body.resourceType}/${await create(body)}`;
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    clinic = scene.parties.of('clinic', 'system');
    await named('house', { resourceType: 'Organization', name: 'House' });
    await named('maker', { resourceType: 'Organization', name: 'Maker' });
    await named('stranger', { resourceType: 'Practitioner', name: [{ family: 'Stranger' }] });
    await named('doctor', { resourceType: 'Practitioner', name: [{ family: 'First' }], birthDate: '1970-01-01' });
    await named('nurse', { resourceType: 'Practitioner', identifier: [NPI], name: [{ family: 'Nurse' }] });
    await named('hidden', { resourceType: 'Practitioner', meta: { security: [RESTRICTED] } });
    await named('ward', { resourceType: 'Location', name: 'Ward', managingOrganization: referTo('house') });
    await named('role', {
      ...{ resourceType: 'PractitionerRole', practitioner: referTo('doctor'), organization: referTo('house') },
      location: [referTo('ward')],
    });
    await named('drug', { resourceType: 'Medication', code: { text: 'a drug' }, manufacturer: referTo('maker') });
    await named('cuff', {
      resourceType: 'Device',
      deviceName: [{ name: 'cuff', type: 'other' }],
      owner: referTo('house'),
    });
    patientId = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] });
    const subject = { reference: `Patient/${patientId}` };
    observation = await create({
      ...{ resourceType: 'Observation', status: 'final', subject, code: { text: 'pressure' }, device: referTo('cuff') },
      performer: [referTo('role'), { type: 'Practitioner', identifier: NPI }, referTo('hidden')],
    });
    await create({
      ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject },
      ...{ medicationReference: referTo('drug'), requester: referTo('role') },
    });
    patient = scene.parties.of('patients', 'patient', `Patient/${patientId}`);
    await patient.find({ path: `/fhir/R4/Patient/${patientId}` }, 'the patient');
    const { id } = await granted(
      patient,
      permissionOf(patientId, {
        class: ['Observation', 'MedicationRequest'].map((code) => ({
          ...{ system: 'http://hl7.org/fhir/resource-types', code },
        })),
      }),
    );
    consentId = id;
  });

  const ask = async (types: string[], who = clinic): Promise<string> => {
    const body = { holder: 'hospital', patient: { system: MRN, value: mrn }, types, purpose: 'TREAT' };
    return (await who.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201])).body.id;
  };
  const complete = (id: string): Promise<Shown> =>
    clinic.find<Shown>({ path: `/access-requests/${id}` }, 'it', ({ whole }) => whole?.status === 'complete');
  const statusAt = async (who: Party, name: string): Promise<number> =>
    (await who.send({ path: `/fhir/R4/${is[name]}` })).status;
  const WITH_OBSERVATION = ['role', 'doctor', 'house', 'ward', 'cuff', 'nurse'];

  it('arrives with them, all that leads on from it too, and is counted', async () => {
    const state = await complete(await ask(['Observation']));
    expect(state).to.include({ delivered: 1, companions: WITH_OBSERVATION.length });
    expect(state).to.not.have.property('account');
    for (const name of WITH_OBSERVATION) await clinic.find({ path: `/fhir/R4/${is[name]}` }, name);
    for (const name of ['hidden', 'stranger', 'drug', 'maker'])
      expect(await statusAt(clinic, name), name).to.equal(404);
    const both = await complete(await ask(['MedicationRequest']));
    expect(both).to.include({ delivered: 1, companions: 6 });
    for (const name of ['drug', 'maker']) await clinic.find({ path: `/fhir/R4/${is[name]}` }, name);
    const path = `/access-requests/${state.id}`;
    const own = await patient.find<Shown>({ path }, 'the account', ({ account }) => account !== undefined);
    expect(own.account?.withheld).to.deep.equal({ 'companion-restricted': 1 });
    const event = await patient.ask<Resource>({ path: `/fhir/R4/AuditEvent/${state.id}` });
    expect(JSON.stringify(event['entity'])).to.include('{"type":"companions","valueString":"6"}');
  });

  it('is for whom it was delivered, and nobody else there', async () => {
    const other = scene.parties.of('clinic', 'practitioner', `Practitioner/${randomUUID()}`);
    for (const name of WITH_OBSERVATION) expect(await statusAt(other, name), name).to.equal(404);
    const { entry = [] } = await other.ask<{ entry?: { resource: Resource }[] }>({ path: '/fhir/R4/Location' });
    const found = entry.map(({ resource }) => `Location/${resource.id}`);
    expect(found).to.not.include(is['ward']).and.not.include(is['house']);
  });

  it('is read by the patient at her own gateway, whole, and by nobody whose records do not refer to it', async () => {
    for (const name of [...WITH_OBSERVATION, 'drug', 'maker', 'hidden'])
      await patient.ask({ path: `/fhir/R4/${is[name]}` });
    const { birthDate } = await patient.ask<Resource>({ path: `/fhir/R4/${is['doctor']}` });
    expect(birthDate).to.equal('1970-01-01');
    expect(await patient.ask<Resource>({ path: `/fhir/R4/${is['stranger']}` }), 'the directory').to.not.have.property(
      'birthDate',
    );
    const listed = async (who: Party, type: string): Promise<string[]> => {
      const { entry = [] } = await who.ask<{ entry?: { resource: Resource }[] }>({ path: `/fhir/R4/${type}` });
      return entry.map(({ resource }) => `${type}/${resource.id}`);
    };
    expect(await listed(patient, 'Medication')).to.deep.equal([is['drug']]);
    expect(await listed(patient, 'Device')).to.deep.equal([is['cuff']]);
    const otherId = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: randomUUID() }] });
    const other = scene.parties.of('patients', 'patient', `Patient/${otherId}`);
    await other.find({ path: `/fhir/R4/Patient/${otherId}` }, 'the other patient');
    for (const name of ['house', 'ward', 'drug', 'cuff', 'maker'])
      expect(await statusAt(other, name), name).to.equal(404);
    expect(await listed(other, 'Medication')).to.deep.equal([]);
    expect(await other.ask<Resource>({ path: `/fhir/R4/${is['doctor']}` }), 'the directory').to.not.have.property(
      'birthDate',
    );
  });

  it('follows corrections, and goes with the last record that refers to it', async () => {
    const body = await hospital.ask<Resource>({ path: `/fhir/R4/${is['doctor']}` });
    await hospital.write({
      method: 'PUT',
      path: `/fhir/R4/${is['doctor']}`,
      body: { ...body, name: [{ family: 'Second' }] },
    });
    const isCorrected = ({ name }: Resource): boolean => JSON.stringify(name).includes('Second');
    await clinic.find<Resource>({ path: `/fhir/R4/${is['doctor']}` }, 'the correction', isCorrected);
    const gone = async (name: string): Promise<void> => {
      const at = Date.now();
      while ((await statusAt(clinic, name)) !== 404 && Date.now() < at + 30_000) await new Promise(setImmediate);
      expect(await statusAt(clinic, name), name).to.equal(404);
    };
    // The medication's request still refers to the role; nothing else does to the cuff.
    const current = await hospital.ask<Resource>({ path: `/fhir/R4/Observation/${observation}` });
    const { device: _, performer: __, ...without } = current;
    await hospital.write({ method: 'PUT', path: `/fhir/R4/Observation/${observation}`, body: without });
    await gone('cuff');
    await clinic.find({ path: `/fhir/R4/${is['role']}` }, 'the role');
    expect(await statusAt(patient, 'cuff'), 'at her own gateway').to.equal(404);
    const consent = await patient.ask<Resource>({ path: `/fhir/R4/Consent/${consentId}` });
    const { meta: ___, ...ended } = consent;
    await patient.write({
      method: 'PUT',
      path: `/fhir/R4/Consent/${consentId}`,
      body: { ...ended, status: 'inactive' },
    });
    for (const name of ['role', 'doctor', 'drug', 'maker']) await gone(name);
  });
});
