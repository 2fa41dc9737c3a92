/**
 * A prescription is dispensed by two providers together for what it authorises and no more, under many callers at once, only while it
 * stands, and by whoever has been shown it. On either network.
 */
import { randomUUID } from 'node:crypto';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { delivered, permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const DRUG = { coding: [{ system: RXNORM, code: '308182' }] };
const CALLERS = 50;
const tablets = (value: number) => ({ value, system: 'http://unitsofmeasure.org', code: '{tbl}' });

type Answer = Awaited<ReturnType<Party['send']>>;

describe('A prescription', function () {
  this.timeout(120_000);
  let scene: Scene;
  let hospital: Party;
  let clinic: Party;
  let patient: Party;
  let patientId: string;
  let consentId: string;
  let doctor: string;
  const mrn = randomUUID();
  const licence = randomUUID().slice(0, 10);

  const create = async (who: Party, body: Record<string, unknown> & { resourceType: string }): Promise<Resource> =>
    (await who.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;
  const prescribed = (change: object = {}) =>
    create(hospital, {
      ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', medicationCodeableConcept: DRUG },
      ...{ subject: { reference: `Patient/${patientId}` }, requester: { reference: doctor } },
      ...{ authoredOn: new Date().toISOString(), dispenseRequest: { quantity: tablets(20) } },
      ...change,
    });
  const dispenseOf = (prescription: Resource, amount: number, change: object = {}) => ({
    ...{ resourceType: 'MedicationDispense', status: 'completed', medicationCodeableConcept: DRUG },
    ...{ subject: { reference: `Patient/${patientId}` }, quantity: tablets(amount) },
    authorizingPrescription: [{ reference: `MedicationRequest/${prescription.id}` }],
    ...change,
  });
  const handOut = (who: Party, prescription: Resource, amount: number, change: object = {}): Promise<Answer> =>
    who.send({ method: 'POST', path: '/fhir/R4/MedicationDispense', body: dispenseOf(prescription, amount, change) });
  const register = (status: string) =>
    scene.parties.of('regulator', 'system').write({
      ...{ method: 'PUT', path: `/licences/${licence}` },
      body: {
        ...{ status, start: '2020-01-01', end: '2099-01-01' },
        practitioners: [{ organisation: 'hospital', practitioner: doctor }],
      },
    });
  const seenAs = (who: Party, status: string) =>
    who.find<{ status: string }>({ path: `/licences/${licence}` }, 'the licence', (one) => one.status === status);
  const askFor = () => delivered(clinic, { system: MRN, value: mrn }, ['MedicationRequest', 'Patient']);
  const refusedAs = (answer: Answer, reason: RegExp, status = 409): void => {
    expect([answer.status, JSON.stringify(answer.body)].join(' ')).to.match(
      new RegExp(`^${status} .*${reason.source}`),
    );
  };
  const arrived = (prescription: Resource, version = '1') =>
    clinic.find<Resource & { meta: { versionId: string } }>(
      { path: `/fhir/R4/MedicationRequest/${prescription.id}` },
      'the prescription',
      ({ meta }) => meta.versionId === version,
    );

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    clinic = scene.parties.of('clinic', 'system');
    doctor = `Practitioner/${(await create(hospital, { resourceType: 'Practitioner' })).id}`;
    await register('active');
    for (const who of [hospital, clinic]) await seenAs(who, 'active');
    patientId = (await create(hospital, { resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] })).id;
    patient = scene.parties.of('patients', 'patient', `Patient/${patientId}`);
    await patient.find({ path: `/fhir/R4/Patient/${patientId}` }, 'the patient');
    const types = ['MedicationRequest', 'Patient'].map((code) => ({
      system: 'http://hl7.org/fhir/resource-types',
      code,
    }));
    consentId = (await granted(patient, permissionOf(patientId, { class: types }))).id;
  });

  it('is dispensed at its own provider, within what it authorises with its repeats', async () => {
    const one = await prescribed({ dispenseRequest: { quantity: tablets(20), numberOfRepeatsAllowed: 1 } });
    expect((await handOut(hospital, one, 20)).status).to.equal(201);
    refusedAs(await handOut(hospital, one, 20.5), /over-quantity/);
    expect((await handOut(hospital, one, 20)).status).to.equal(201);
    refusedAs(await handOut(hospital, one, 0.1), /over-quantity.*"expression":\["MedicationDispense"\]/);
  });

  it('is dispensed elsewhere only after it was shown there, and counted together', async () => {
    const one = await prescribed();
    refusedAs(await handOut(clinic, one, 5), /./, 422);
    await askFor();
    await arrived(one);
    expect((await handOut(clinic, one, 15)).status).to.equal(201);
    refusedAs(await handOut(hospital, one, 6), /over-quantity/);
    expect((await handOut(hospital, one, 5)).status).to.equal(201);
    refusedAs(await handOut(clinic, one, 1), /over-quantity/);
  });

  it('is handed out for exactly what it authorises by fifty callers at two providers', async () => {
    const one = await prescribed();
    await askFor();
    await arrived(one);
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, (_, index) => handOut(index % 2 === 0 ? clinic : hospital, one, 1)),
    );
    const handed = answers.filter(({ status }) => status === 201).length;
    const left = answers.filter(({ status }) => ![201, 409].includes(status));
    // Who was told to come again later does so.
    let after = handed;
    for (const _ of left) if ((await handOut(clinic, one, 1)).status === 201) after += 1;
    while ((await handOut(hospital, one, 1)).status === 201) after += 1;
    expect(after).to.equal(20);
  });

  it('is not dispensed once it is stopped, at neither, and is again when it goes on', async () => {
    const one = await prescribed();
    await askFor();
    await arrived(one);
    const path = `/fhir/R4/MedicationRequest/${one.id}`;
    const put = async (status: string) =>
      hospital.write({ method: 'PUT', path, body: { ...(await hospital.ask<Resource>({ path })), status } });
    await put('on-hold');
    // Before the clinic has heard of it as well: endorsers know that it is shown what was.
    const early = await handOut(clinic, one, 1);
    expect([404, 409, 422, 503]).to.include(early.status);
    await arrived(one, '2');
    for (const who of [hospital, clinic]) refusedAs(await handOut(who, one, 1), /prescription-not-active/);
    await put('active');
    await arrived(one, '3');
    for (const who of [hospital, clinic]) expect((await handOut(who, one, 1)).status).to.equal(201);
  });

  it('is dispensed to nobody else, with nothing else, not before or after its time', async () => {
    const other = (await create(hospital, { resourceType: 'Patient' })).id;
    const day = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString().slice(0, 10);
    const valid = (validityPeriod: object) =>
      prescribed({ dispenseRequest: { quantity: tablets(20), validityPeriod } });
    const one = await prescribed();
    const refusals: [Resource, object, RegExp][] = [
      [one, { subject: { reference: `Patient/${other}` } }, /other-patient/],
      [one, { medicationCodeableConcept: { coding: [{ system: RXNORM, code: '723' }] } }, /other-medication/],
      [one, { quantity: { value: 1, unit: 'mg' } }, /other-unit/],
      [one, { quantity: undefined }, /quantity-not-stated/],
      [one, { whenHandedOver: day(2) }, /handed-over-at/],
      [await valid({ start: day(1) }), {}, /before-validity/],
      [await valid({ end: day(-1) }), {}, /prescription-expired/],
      [await prescribed({ intent: 'proposal' }), {}, /no-order/],
      [await prescribed({ status: 'cancelled' }), {}, /prescription-not-active/],
      [await prescribed({ requester: undefined }), {}, /prescriber-not-licensed/],
    ];
    for (const [prescription, change, reason] of refusals)
      refusedAs(await handOut(hospital, prescription, 1, change), reason);
  });

  it('is corrected where it was handed out, also after it may be shown there no more', async () => {
    const one = await prescribed();
    await askFor();
    await arrived(one);
    const { id } = (await handOut(clinic, one, 20)).body as Resource;
    const consent = { path: `/fhir/R4/Consent/${consentId}` };
    const body = { ...(await patient.ask<Resource>(consent)), status: 'inactive' };
    await patient.write({ method: 'PUT', ...consent, body });
    const gone = { path: `/fhir/R4/MedicationRequest/${one.id}` };
    for (let tries = 0; (await clinic.send(gone)).status !== 404 && tries < 100; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const path = `/fhir/R4/MedicationDispense/${id}`;
    const put = (body: object) => clinic.send({ method: 'PUT', path, body: { ...body, id } });
    const corrected = await put(dispenseOf(one, 12));
    expect(corrected.status, JSON.stringify(corrected.body)).to.equal(200);
    expect((await put(dispenseOf(one, 13))).status).to.not.equal(200);
    refusedAs(await handOut(hospital, one, 9), /over-quantity/);
    expect((await handOut(hospital, one, 8)).status).to.equal(201);
    expect((await put(dispenseOf(one, 12, { status: 'entered-in-error' }))).status).to.equal(200);
    expect((await handOut(hospital, one, 12)).status).to.equal(201);
  });

  it('is dispensed no more where who prescribed it is suspended, or was on that day', async () => {
    const one = await prescribed();
    await register('suspended');
    await seenAs(hospital, 'suspended');
    refusedAs(await handOut(hospital, one, 1), /prescriber-not-licensed/);
    await register('active');
    await seenAs(hospital, 'active');
    expect((await handOut(hospital, one, 1)).status).to.equal(201);
  });
});
