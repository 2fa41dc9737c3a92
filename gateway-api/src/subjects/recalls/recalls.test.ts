import { randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { GTIN_SYSTEM, type Recall } from '@telemed-ledger/chaincode/model/lots.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { expect } from 'chai';
import { anchored, FixtureIndex, newSalt, recordWrites, sheetWrites } from '../../index/index.fixture.ts';
import { affectedBy, byPatient, countsOf, messageId, recallsNow, reportsOf, stateOf } from './recalls.ts';

const CODE = '09506000134352';
const AT = '2026-03-01T10:00:00.000Z';
const product = { system: GTIN_SYSTEM, code: CODE };
const recallOf = (change: Partial<Recall> = {}): Recall => ({
  ...{ schema: 1, id: randomUUID(), product, lots: ['AB12'], reason: 'Glass.', status: 'active', version: 1 },
  ...{ by: 'regulator', publishedAt: AT, changedAt: AT, salt: newSalt() },
  ...change,
});
const medication = (lotNumber: string, code = CODE) => ({
  ...{ resourceType: 'Medication', id: 'm', code: { coding: [{ system: GTIN_SYSTEM, code }] } },
  batch: { lotNumber },
});
const dispenseOf = (patient: string, contained: object, change: object = {}) => ({
  ...{ status: 'completed', subject: { reference: `Patient/${patient}` }, contained: [contained] },
  ...{ medicationReference: { reference: '#m' }, ...change },
});

describe('What a recall concerns', () => {
  let index: FixtureIndex;
  beforeEach(async () => {
    index = await FixtureIndex.open();
  });
  afterEach(() => index.close());

  const dispense = async (...fields: Parameters<typeof dispenseOf>): Promise<string> => {
    const privateWrites = recordWrites('MedicationDispense', dispenseOf(...fields));
    await index.block({ privateWrites });
    return privateWrites.id;
  };
  const found = async (change: Partial<Recall> = {}) =>
    (await affectedBy(index.index, recallOf(change))).map(({ id }) => id).sort();

  it('is what was handed out of its lots, however they were typed in, and of no other product', async () => {
    const [one, two] = [await dispense('p1', medication('AB12')), await dispense('p2', medication(' ab12'))];
    await dispense('p1', medication('AB13'));
    await dispense('p1', medication('AB12', '00614141007349'));
    const before = await stateOf(index.index, recallOf());
    await dispense('p1', medication('AB12'), { status: 'cancelled' });
    expect(await found()).to.deep.equal([one, two].sort());
    expect(await found({ lots: [] })).to.have.length(3);
    expect(await stateOf(index.index, recallOf())).to.not.equal(before);
  });

  it('is what refers to a Medication of its lots, and has fewer digits of a GTIN', async () => {
    const own = recordWrites('Medication', medication('AB12', '9506000134352'));
    await index.block({ privateWrites: own });
    const referred = { contained: undefined, medicationReference: { reference: `Medication/${own.id}` } };
    const one = await dispense('p1', {}, referred);
    const inline = { contained: undefined, medicationReference: undefined };
    const two = await dispense('p1', {}, { ...inline, medicationCodeableConcept: medication('', CODE.slice(1)).code });
    expect(await found()).to.deep.equal([one]);
    expect(await found({ lots: [] })).to.deep.equal([one, two].sort());
  });

  it('is found among a thousand', async function () {
    this.timeout(120_000);
    const lots = ['AB12', ...Array.from({ length: 99 }, (_, number) => `X${number}`)];
    for (let block = 0; block < 2; block += 1) {
      const records = Array.from({ length: 500 }, (_, number) =>
        anchored('MedicationDispense', dispenseOf(`p${number}`, medication(lots[number % lots.length]!))),
      );
      await index.block({ privateWrites: sheetWrites(records) });
    }
    const affected = await affectedBy(index.index, recallOf());
    expect(affected).to.have.length(10);
    expect(byPatient(affected).size).to.equal(5);
    expect(await found({ lots: [] })).to.have.length(1_000);
  });

  it('is counted with whom it reached', async () => {
    await dispense('p1', medication('AB12'));
    await dispense('p1', medication('AB12'));
    await dispense('p2', medication('AB12'));
    const recall = recallOf();
    const id = messageId(recall.id, 'p1');
    await index.block({ privateWrites: recordWrites('Communication', { id, status: 'completed' }) });
    expect(await countsOf(index.index, recall, await affectedBy(index.index, recall))).to.deep.equal({
      ...{ dispenses: 3, patients: 2, reached: 1 },
    });
  });

  it('is believed where who publishes or reports it has signed it', async () => {
    const recall = recallOf();
    const published = (by: Recall, creator: string) => ({
      creator,
      privateWrites: [
        { collection: collections.registers, key: privateKeys.recall(by.id, by.version), value: canonicalJson(by) },
      ],
    });
    await index.block(published(recall, 'RegulatorMSP'), published(recallOf(), 'ClinicMSP'));
    await index.block(published({ ...recall, version: 2, status: 'ended' }, 'HospitalMSP'));
    expect((await recallsNow(index.index)).map(({ id, version }) => [id, version])).to.deep.equal([[recall.id, 1]]);
    const reported = (n: number, creator: string) => {
      const place = { id: recall.id, provider: 'hospital', reporter: 'hospital' };
      const value = { schema: 1, ...place, dispenses: n, patients: n, reached: n, at: AT, salt: newSalt() };
      const key = privateKeys.recallReport(place, n);
      return {
        creator,
        privateWrites: [{ collection: collections.care('hospital'), key, value: canonicalJson(value) }],
      };
    };
    await index.block(reported(1, 'HospitalMSP'), reported(2, 'PatientsMSP'));
    const reports = await reportsOf(index.index, collections.care('hospital'), recall.id);
    expect([...reports].map(([name, { n }]) => [name, n])).to.deep.equal([['hospital/hospital', 1]]);
  });
});
