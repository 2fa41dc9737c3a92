/**
 * A recall that a regulator publishes: no pharmacy hands out what is recalled, each finds whom it did and tells them, and the regulator
 * sees how many these were and never who. On either network.
 */
import { randomUUID } from 'node:crypto';
import { GTIN_SYSTEM, SCAN_SYSTEM } from '@telemed-ledger/chaincode/model/lots.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

type Answer = Awaited<ReturnType<Party['send']>>;
interface Counts {
  dispenses: number;
  patients: number;
  reached: number;
}
interface Followed {
  status: string;
  holders: { provider: string; differs: boolean; reported?: Counts; counted?: Counts }[];
}

describe('A recall of a medicine', function () {
  this.timeout(120_000);
  let scene: Scene;
  let hospital: Party;
  let clinic: Party;
  let regulator: Party;
  let patients: Record<'hers' | 'his' | 'spared', string>;
  // Of this run: the register goes on with the network.
  const code = gtinOf(randomUUID());
  const product = { system: GTIN_SYSTEM, code };
  const lot = `L${randomUUID().slice(0, 8)}`.toUpperCase();
  const reason = `Glass particles (${randomUUID().slice(0, 6)})`;
  const id = randomUUID();

  const create = async (who: Party, body: object & { resourceType: string }): Promise<Resource> =>
    (await who.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;
  const dispenseOf = (patient: string, medication: object, change: object = {}) => ({
    ...{ resourceType: 'MedicationDispense', status: 'completed', subject: { reference: `Patient/${patient}` } },
    contained: [{ resourceType: 'Medication', id: 'm', ...medication }],
    medicationReference: { reference: '#m' },
    ...change,
  });
  const coded = (lotNumber?: string, expirationDate = '2070-05') => ({
    code: { coding: [product] },
    ...(lotNumber === undefined ? {} : { batch: { lotNumber, expirationDate } }),
  });
  const scanned = (text: string) => ({ identifier: [{ system: SCAN_SYSTEM, value: text }] });
  const handOut = (who: Party, patient: string, medication: object): Promise<Answer> =>
    who.send({ method: 'POST', path: '/fhir/R4/MedicationDispense', body: dispenseOf(patient, medication) });
  const refusedAs = ({ status, body }: Answer, expected: RegExp): void => {
    expect(`${status} ${JSON.stringify(body)}`).to.match(expected);
  };
  const publish = (who: Party, change: object = {}) =>
    who.send({
      ...{ method: 'PUT', path: `/recalls/${id}` },
      body: { product, lots: [lot], reason, status: 'active', ...change },
    });
  const followed = (who: Party, isSo: (one: Followed) => boolean) =>
    who.find<Followed>({ path: `/recalls/${id}` }, 'what came of the recall', isSo);
  const at = ({ holders }: Followed, provider: string) => holders.find((one) => one.provider === provider);
  const messagesTo = async (patient: string): Promise<Resource[]> => {
    const who = scene.parties.of('patients', 'patient', `Patient/${patient}`);
    const path = `/fhir/R4/Communication?subject=Patient/${patient}`;
    return ((await who.ask<{ entry?: { resource: Resource }[] }>({ path })).entry ?? []).map(
      ({ resource }) => resource,
    );
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    clinic = scene.parties.of('clinic', 'system');
    regulator = scene.parties.of('regulator', 'system');
    const make = async (who: Party) => (await create(who, { resourceType: 'Patient' })).id;
    patients = { hers: await make(hospital), his: await make(clinic), spared: await make(hospital) };
  });

  it('concerns what was handed out with its lot, as it was scanned or typed in', async () => {
    const text = `]d201${code}17700500` + `10${lot}`;
    const { status, body } = await handOut(hospital, patients.hers, scanned(text));
    expect(status, JSON.stringify(body)).to.equal(201);
    const [medication] = (body as unknown as { contained: Record<string, unknown>[] }).contained;
    expect([medication!['batch'], medication!['code']]).to.deep.equal([
      { lotNumber: lot, expirationDate: '2070-05-31' },
      { coding: [product] },
    ]);
    // Typed in otherwise, and by a Medication of its own.
    expect((await handOut(hospital, patients.hers, coded(lot.toLowerCase()))).status).to.equal(201);
    const own = await create(clinic, { resourceType: 'Medication', ...coded(lot) } as never);
    const referred = { contained: undefined, medicationReference: { reference: `Medication/${own.id}` } };
    await create(clinic, dispenseOf(patients.his, {}, referred));
    expect((await handOut(hospital, patients.spared, coded(`${lot}X`))).status).to.equal(201);
    const path = `/fhir/R4/MedicationDispense?lot=${lot.toLowerCase()}&product=${encodeURIComponent(`${GTIN_SYSTEM}|${code}`)}`;
    const found = await hospital.ask<{ entry?: object[] }>({ path });
    expect(found.entry).to.have.length.within(2, 3);
  });

  it('refuses a scan that cannot be read or says something else, with its place, and what has expired', async () => {
    const wrong = `01${code.slice(0, -1)}${(Number(code.at(-1)) + 1) % 10}`;
    const cases: [object, RegExp][] = [
      [scanned(wrong), /^422 .*check digit.*MedicationDispense.contained\[0\].identifier\[0\].value/],
      [{ ...scanned(`01${code}10${lot}`), ...coded('OTHER') }, /^422 .*contained\[0\].batch.lotNumber/],
      [scanned(`01${code}17209900`), /^422 .*is no day/],
      [coded(lot, '2020-05'), /^409 .*lot-expired/],
      [scanned(`(01)${code}(17)200101(10)${lot}`), /^409 .*lot-expired/],
    ];
    for (const [medication, expected] of cases) refusedAs(await handOut(hospital, patients.hers, medication), expected);
  });

  it('is published by a regulator alone', async () => {
    for (const who of [hospital, clinic, scene.parties.of('patients', 'system'), scene.parties.of('payer', 'system')])
      refusedAs(await publish(who), /^403/);
    refusedAs(await publish(scene.parties.of('patients', 'patient', `Patient/${patients.hers}`)), /^403/);
    expect((await publish(regulator)).status).to.equal(200);
  });

  it('is found, told once to each, and counted by provider and custodian alike', async () => {
    const isDone = (one: Followed): boolean =>
      ['hospital', 'clinic'].every(
        (name) => at(one, name)?.differs === false && at(one, name)?.reported?.reached === 1,
      );
    const seen = await followed(regulator, isDone);
    expect(countsIn(at(seen, 'hospital'))).to.deep.equal([2, 1, 1]);
    expect(countsIn(at(seen, 'clinic'))).to.deep.equal([1, 1, 1]);
    for (const [patient, dispenses] of [
      [patients.hers, 2],
      [patients.his, 1],
    ] as const) {
      const messages = await messagesTo(patient);
      expect(messages).to.have.length(1);
      expect(JSON.stringify(messages[0]!['payload'])).to.include(reason);
      expect(messages[0]!['about']).to.have.length(dispenses);
    }
    expect(await messagesTo(patients.spared)).to.deep.equal([]);
  });

  it('shows the regulator nobody, and a provider nobody else’s counts', async () => {
    const text = JSON.stringify(await regulator.ask({ path: `/recalls/${id}` }));
    for (const secret of [...Object.values(patients), 'MedicationDispense', 'Communication'])
      expect(text).to.not.include(secret);
    for (const type of ['MedicationDispense', 'Communication'])
      refusedAs(await regulator.send({ path: `/fhir/R4/${type}` }), /^4|"total":0/);
    const own = await hospital.ask<Followed>({ path: `/recalls/${id}` });
    expect(own.holders.map(({ provider }) => provider)).to.deep.equal(['hospital']);
    expect((await scene.parties.of('payer', 'system').ask<Followed>({ path: `/recalls/${id}` })).holders).to.deep.equal(
      [],
    );
  });

  it('keeps what is recalled from being handed out, by everybody, and what of it cannot be told', async () => {
    for (const [who, patient] of [
      [hospital, patients.spared],
      [clinic, patients.his],
    ] as const) {
      refusedAs(await handOut(who, patient, coded(lot)), /^409 .*lot-recalled/);
      refusedAs(await handOut(who, patient, coded()), /^409 .*lot-not-stated/);
      refusedAs(await handOut(who, patient, scanned(`(01)${code}(10)${lot}`)), /^409 .*lot-recalled/);
    }
    expect((await handOut(hospital, patients.spared, coded(`${lot}Y`))).status).to.equal(201);
  });

  it('goes on with what is changed: more lots, and its end', async () => {
    expect((await publish(regulator, { lots: [lot, `${lot}X`] })).status).to.equal(200);
    const isDone = (one: Followed): boolean =>
      at(one, 'hospital')?.differs === false && at(one, 'hospital')?.reported?.reached === 2;
    expect(countsIn(at(await followed(regulator, isDone), 'hospital'))).to.deep.equal([3, 2, 2]);
    expect(await messagesTo(patients.hers)).to.have.length(1);
    expect((await publish(regulator, { status: 'ended' })).status).to.equal(200);
    for (const who of [hospital, clinic])
      await who.find<Followed>({ path: `/recalls/${id}` }, 'its end', ({ status }) => status === 'ended');
    expect((await handOut(hospital, patients.spared, coded(lot))).status).to.equal(201);
  });

  it('is of lots that there are, once these are published', async () => {
    const body = { product, lots: [{ number: lot, expiry: '2070-05-31' }] };
    refusedAs(await clinic.send({ method: 'POST', path: '/lots', body }), /^403/);
    await regulator.write({ method: 'POST', path: '/lots', body });
    const tried = await handOut(clinic, patients.his, coded('NO-SUCH'));
    refusedAs(tried, /^409 .*lot-unknown/);
    refusedAs(await handOut(clinic, patients.his, coded(lot, '2069-01')), /^409 .*other-expiry/);
    expect((await handOut(clinic, patients.his, coded(lot))).status).to.equal(201);
  });
});

const countsIn = (holder: Followed['holders'][number] | undefined) => {
  const { dispenses, patients, reached } = holder!.counted!;
  return [dispenses, patients, reached];
};

/** A GTIN of 14 digits that nobody else uses. */
function gtinOf(text: string): string {
  const digits = `0${String(Number.parseInt(text.slice(0, 8), 16))
    .padStart(12, '0')
    .slice(0, 12)}`;
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 3 : 1), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}
