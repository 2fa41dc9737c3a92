/**
 * A prescription of a controlled substance is handed out once who prescribed it and another licensed practitioner have signed it, each by
 * his own certificate, and the regulator sees that it was and not for whom. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const SYSTEM = 'urn:example:substances';
type Answer = Awaited<ReturnType<Party['send']>>;
interface Listed {
  prescriptions: { id: string; provider: string; prescriber: string; second: string; substances: object[] }[];
}

describe('A prescription of a controlled substance', function () {
  this.timeout(120_000);
  let scene: Scene;
  let hospital: Party;
  let regulator: Party;
  let patient: string;
  const people = {} as Record<'prescriber' | 'second' | 'alias' | 'unlicensed' | 'suspended', string>;
  const licences = { prescriber: `P${randomUUID().slice(0, 8)}`, second: `S${randomUUID().slice(0, 8)}` };
  const substance = { system: SYSTEM, code: randomUUID() };

  const create = async (body: object & { resourceType: string }): Promise<Resource> =>
    (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;
  const practitioner = async () => `Practitioner/${(await create({ resourceType: 'Practitioner' })).id}`;
  const licensed = (number: string, named: string[], status = 'active') =>
    regulator.write({
      ...{ method: 'PUT', path: `/licences/${number}` },
      body: {
        ...{ status, start: '2020-01-01', end: '2099-01-01' },
        practitioners: named.map((one) => ({ organisation: 'hospital', practitioner: one })),
      },
    });
  const prescribed = (change: object = {}) =>
    create({
      ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject: { reference: patient } },
      ...{ medicationCodeableConcept: { coding: [substance] }, requester: { reference: people.prescriber } },
      ...{ dispenseRequest: { quantity: { value: 20, unit: 'TAB' } }, ...change },
    });
  const handOut = (prescription: Resource, change: object = {}): Promise<Answer> =>
    hospital.send({
      ...{ method: 'POST', path: '/fhir/R4/MedicationDispense' },
      body: {
        ...{ resourceType: 'MedicationDispense', status: 'completed', subject: { reference: patient } },
        ...{ medicationCodeableConcept: { coding: [substance] }, quantity: { value: 1, unit: 'TAB' } },
        authorizingPrescription: [{ reference: `MedicationRequest/${prescription.id}` }],
        ...change,
      },
    });
  const signedBy = (who: Party, { id }: Resource): Promise<Answer> =>
    who.send({ method: 'POST', path: `/fhir/R4/MedicationRequest/${id}/$sign` });
  const as = (who: keyof typeof people): Party => scene.parties.of('hospital', 'practitioner', people[who]);
  const refusedAs = ({ status, body }: Answer, expected: RegExp): void => {
    expect(`${status} ${JSON.stringify(body)}`).to.match(expected);
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    regulator = scene.parties.of('regulator', 'system');
    for (const name of ['prescriber', 'second', 'alias', 'unlicensed', 'suspended'] as const)
      people[name] = await practitioner();
    await licensed(licences.prescriber, [people.prescriber, people.alias]);
    await licensed(licences.second, [people.second]);
    await licensed(`X${randomUUID().slice(0, 8)}`, [people.suspended], 'suspended');
    patient = `Patient/${(await create({ resourceType: 'Patient' })).id}`;
    const path = '/controlled-substances';
    const before = await regulator.ask<{ substances: object[] }>({ path });
    const body = { substances: [...before.substances, substance] };
    refusedAs(await hospital.send({ method: 'PUT', path, body }), /^403/);
    await regulator.write({ method: 'PUT', path, body });
    await hospital.find<{ substances: { code: string }[] }>({ path }, 'the list', ({ substances }) =>
      substances.some(({ code }) => code === substance.code),
    );
  });

  it('is handed out once both have signed, and shows by a random id alone', async () => {
    const one = await prescribed();
    refusedAs(await handOut(one), /^409 .*prescriber-signature-missing/);
    refusedAs(await signedBy(as('second'), one), /^403 .*prescriber-first/);
    expect((await signedBy(as('prescriber'), one)).status).to.equal(200);
    refusedAs(await handOut(one), /^409 .*second-signature-missing/);
    expect((await signedBy(as('second'), one)).status).to.equal(200);
    expect((await handOut(one)).status).to.equal(201);
    const isOf = (listed: Listed) =>
      listed.prescriptions.filter(({ substances }) => JSON.stringify(substances).includes(substance.code));
    const path = '/controlled-prescriptions';
    const seen = await regulator.find<Listed>({ path }, 'the prescription', (listed) => isOf(listed).length === 1);
    const [shown] = isOf(seen);
    expect([shown!.provider, shown!.prescriber, shown!.second]).to.deep.equal([
      'hospital',
      licences.prescriber,
      licences.second,
    ]);
    for (const secret of [one.id, patient.split('/')[1]!]) expect(JSON.stringify(seen)).to.not.include(secret);
    refusedAs(await hospital.send({ path }), /^403/);
  });

  it('is signed second by nobody who is the same human, has no licence, or is no practitioner', async () => {
    const one = await prescribed();
    expect((await signedBy(as('prescriber'), one)).status).to.equal(200);
    refusedAs(await signedBy(as('prescriber'), one), /^409/);
    refusedAs(await signedBy(as('alias'), one), /^403 .*same-person/);
    refusedAs(await signedBy(as('unlicensed'), one), /^403 .*licence-absent/);
    refusedAs(await signedBy(as('suspended'), one), /^403 .*licence-suspended/);
    refusedAs(await signedBy(hospital, one), /^403/);
    refusedAs(await signedBy(scene.parties.of('clinic', 'practitioner', people.second), one), /^40[34]/);
    refusedAs(await handOut(one), /^409 .*second-signature-missing/);
  });

  it('is signed anew where it is changed, and not where it is put on hold for a while', async () => {
    const one = await prescribed();
    for (const who of ['prescriber', 'second'] as const) expect((await signedBy(as(who), one)).status).to.equal(200);
    const path = `/fhir/R4/MedicationRequest/${one.id}`;
    const put = async (change: object) =>
      hospital.write({ method: 'PUT', path, body: { ...(await hospital.ask<Resource>({ path })), ...change } });
    await put({ status: 'on-hold' });
    await put({ status: 'active' });
    expect((await handOut(one)).status).to.equal(201);
    await put({ dispenseRequest: { quantity: { value: 200, unit: 'TAB' } } });
    refusedAs(await handOut(one), /^409 .*signature-missing/);
  });

  it('is not got around: without it, by a Medication that is referred to, or by what is recorded together', async () => {
    const one = await prescribed();
    refusedAs(await handOut(one, { authorizingPrescription: undefined }), /^409 .*controlled-without-prescription/);
    const medication = await create({ resourceType: 'Medication', code: { coding: [substance] } } as never);
    const named = {
      medicationCodeableConcept: undefined,
      medicationReference: { reference: `Medication/${medication.id}` },
    };
    const two = await prescribed(named);
    refusedAs(await handOut(two, named), /^409 .*signature-missing/);
    for (const who of ['prescriber', 'second'] as const) expect((await signedBy(as(who), two)).status).to.equal(200);
    expect((await handOut(two, named)).status).to.equal(201);
    const together = (status: string, whenHandedOver: string) => {
      const request = `urn:uuid:${randomUUID()}`;
      const [prescription, dispense] = [
        {
          ...{ resourceType: 'MedicationRequest', status, intent: 'order', subject: { reference: patient } },
          ...{ medicationCodeableConcept: { coding: [substance] }, requester: { reference: people.prescriber } },
        },
        {
          ...{ resourceType: 'MedicationDispense', status: 'completed', subject: { reference: patient } },
          ...{ medicationCodeableConcept: { coding: [substance] }, authorizingPrescription: [{ reference: request }] },
          whenHandedOver,
        },
      ];
      const entry = [
        { fullUrl: request, resource: prescription, request: { method: 'POST', url: 'MedicationRequest' } },
        { resource: dispense, request: { method: 'POST', url: 'MedicationDispense' } },
      ];
      return hospital.send({
        ...{ method: 'POST', path: '/fhir/R4' },
        body: { resourceType: 'Bundle', type: 'transaction', entry },
      });
    };
    refusedAs(await together('active', '2024-01-01'), /^409 .*signature-missing/);
    refusedAs(await together('completed', new Date().toISOString()), /^409 .*signature-missing/);
    // What was over elsewhere long ago goes on nowhere.
    expect((await together('completed', '2024-01-01')).status).to.equal(200);
  });

  it('is of what is controlled alone', async () => {
    const other = { medicationCodeableConcept: { coding: [{ system: SYSTEM, code: randomUUID() }] } };
    const one = await prescribed(other);
    refusedAs(await signedBy(as('prescriber'), one), /^403 .*not-controlled/);
    expect((await handOut(one, other)).status).to.equal(201);
  });
});
