/**
 * A patient is referred to another provider: that sees the referral as far as she permits, answers it while it stands, and its answer
 * comes back to who referred her as far as she permits that. On either network.
 */
import { randomUUID } from 'node:crypto';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const organisation = (value: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value } });
const typesOf = (...codes: string[]) => codes.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code }));

describe('A referral', function () {
  this.timeout(120_000);
  let scene: Scene;
  let hospital: Party;
  let clinic: Party;
  let hers: { reference: string };
  let atClinic: { reference: string };
  let consentId: string;
  const mrn = randomUUID();
  const identifier = [{ system: MRN, value: mrn }];

  const create = async (who: Party, body: Record<string, unknown> & { resourceType: string }): Promise<Resource> =>
    (await who.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;
  const refer = (change: object = {}) =>
    create(hospital, {
      ...{ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: hers },
      ...{ code: { text: 'an opinion' }, performer: [organisation('clinic')], ...change },
    });
  const answerTo = ({ id }: Resource, change: object = {}) => ({
    ...{ resourceType: 'DiagnosticReport', status: 'final', code: { text: 'opinion' }, subject: atClinic },
    ...{ basedOn: [{ reference: `ServiceRequest/${id}` }], ...change },
  });
  const answer = (referral: Resource, change: object = {}) =>
    clinic.send({ method: 'POST', path: '/fhir/R4/DiagnosticReport', body: answerTo(referral, change) });
  const refusedAs = ({ status, body }: { status: number; body: unknown }, reason: RegExp): void => {
    expect(`${status} ${JSON.stringify(body)}`).to.match(reason);
  };
  /** Asks the other for treatment, and waits until all that she permits is there. */
  async function askFor(who: Party, holder: string, types: readonly string[]): Promise<void> {
    const body = { holder, patient: identifier[0], types, purpose: 'TREAT' };
    const { id } = (await who.write({ method: 'POST', path: '/access-requests', body }, [201])).body;
    await who.find<{ whole?: { status: string } }>(
      { path: `/access-requests/${id}` },
      'it',
      ({ whole }) => whole?.status === 'complete',
    );
  }
  const seen = (who: Party, { resourceType, id }: Resource, is: (one: Resource) => boolean = () => true) =>
    who.find<Resource>({ path: `/fhir/R4/${resourceType}/${id}` }, `the ${resourceType}`, is);

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    clinic = scene.parties.of('clinic', 'system');
    const patientOf = async (who: Party) => ({
      reference: `Patient/${(await create(who, { resourceType: 'Patient', identifier })).id}`,
    });
    hers = await patientOf(hospital);
    atClinic = await patientOf(clinic);
    for (const { reference } of [hers, atClinic])
      await scene.parties.of('patients', 'patient', reference).find({ path: `/fhir/R4/${reference}` }, 'her record');
  });

  it('is nobody’s to answer before the patient lets it be seen', async () => {
    const referral = await refer();
    expect((await clinic.send({ path: `/fhir/R4/ServiceRequest/${referral.id}` })).status).to.equal(404);
    refusedAs(await answer(referral), /^422 /);
  });

  it('is seen by whom it refers to under her consent, answered, and the answer comes back under another', async () => {
    const referral = await refer();
    const patient = scene.parties.of('patients', 'patient', hers.reference);
    await seen(patient, referral);
    const provision = { class: typesOf('ServiceRequest', 'Patient') };
    consentId = (await granted(patient, permissionOf(hers.reference.slice('Patient/'.length), provision))).id;
    await askFor(clinic, 'hospital', ['ServiceRequest', 'Patient']);
    await seen(clinic, referral);
    const answered = await answer(referral);
    expect(answered.status, JSON.stringify(answered.body)).to.equal(201);
    const report = answered.body as Resource;
    expect((await hospital.send({ path: `/fhir/R4/DiagnosticReport/${report.id}` })).status).to.equal(404);

    const atTheClinic = scene.parties.of('patients', 'patient', atClinic.reference);
    await seen(atTheClinic, report);
    const permission = permissionOf(atClinic.reference.slice('Patient/'.length));
    await granted(atTheClinic, {
      ...permission,
      organization: [organisation('clinic')],
      provision: {
        ...{ type: 'permit', class: typesOf('DiagnosticReport') },
        actor: [{ role: { text: 'recipient' }, reference: organisation('hospital') }],
      },
    });
    await askFor(hospital, 'clinic', ['DiagnosticReport']);
    const back = await seen(hospital, report);
    expect(back['basedOn']).to.deep.equal([{ reference: `ServiceRequest/${referral.id}` }]);
  });

  it('is answered by nobody whom it does not name, for nobody else, and not after its time', async () => {
    const other = await create(clinic, { resourceType: 'Patient' });
    const [unnamed, expired, open] = [
      await refer({ performer: [organisation('hospital')] }),
      await refer({ occurrencePeriod: { end: '2020-01-01' } }),
      await refer(),
    ];
    await askFor(clinic, 'hospital', ['ServiceRequest', 'Patient']);
    for (const one of [unnamed, expired, open]) await seen(clinic, one);
    refusedAs(await answer(unnamed), /^409 .*not-referred/);
    refusedAs(await answer(expired), /^409 .*referral-expired/);
    refusedAs(await answer(open, { subject: { reference: `Patient/${other.id}` } }), /^409 .*other-patient/);
    const all = [unnamed, expired, open].map(({ id }) => ({ reference: `ServiceRequest/${id}` }));
    refusedAs(await answer(open, { basedOn: all }), /^409 .*(not-referred|referral-expired)/);
  });

  it('is answered no more once it is withdrawn, or her consent is; an answer is corrected still', async () => {
    const [first, second] = [await refer(), await refer()];
    await askFor(clinic, 'hospital', ['ServiceRequest', 'Patient']);
    for (const one of [first, second]) await seen(clinic, one);
    const { id } = (await answer(first)).body as Resource;
    await hospital.write({
      ...{ method: 'PUT', path: `/fhir/R4/ServiceRequest/${first.id}`, body: { ...first, status: 'revoked' } },
    });
    await seen(clinic, first, ({ status }) => status === 'revoked');
    refusedAs(await answer(first), /^409 .*referral-not-active/);
    const patient = scene.parties.of('patients', 'patient', hers.reference);
    const consent = await patient.ask<Resource>({ path: `/fhir/R4/Consent/${consentId}` });
    await patient.write({
      ...{ method: 'PUT', path: `/fhir/R4/Consent/${consentId}`, body: { ...consent, status: 'inactive' } },
    });
    for (const one of [first, second])
      for (let status = 200; status === 200; )
        ({ status } = await clinic.send({ path: `/fhir/R4/ServiceRequest/${one.id}` }));
    refusedAs(await answer(second), /^422 /);
    const corrected = await clinic.send({
      ...{ method: 'PUT', path: `/fhir/R4/DiagnosticReport/${id}` },
      body: { ...answerTo(first, { status: 'amended' }), id },
    });
    expect(corrected.status, JSON.stringify(corrected.body)).to.equal(200);
  });
});
