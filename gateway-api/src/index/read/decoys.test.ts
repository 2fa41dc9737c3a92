/** Whoever sees which keys a transaction reads does not see which of its neighbours it is about. */
import { type Decoy, MAX_DECOYS, MAX_DECOYS_TOGETHER } from '@telemed-ledger/chaincode/model/decoys.ts';
import { erasureHandle } from '@telemed-ledger/chaincode/model/erasures.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, newSalt, recordWrites, sheetWrites } from '../index.fixture.ts';
import { plansOf } from '../query-plans.fixture.ts';
import { consentWrite, evidenceFrom } from '../values.fixture.ts';
import { Decoys } from './decoys.ts';

const CARE = 'care_hospital';
const PATIENTS = 40;

onEachDatabase('Decoys', (kind) => {
  let fixture: FixtureIndex;
  let decoys: Decoys;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    decoys = new Decoys(fixture.stores.reading);
  });
  afterEach(() => fixture.close());

  const namesOf = (found: readonly Decoy[]): string[] =>
    found.map(({ collection, key }) => `${collection} ${key}`).sort();

  /** Patients, each on a sheet of its own. */
  async function patients(count = PATIENTS): Promise<RecordEvidence[]> {
    const made: RecordEvidence[] = [];
    for (let index = 0; index < count; index += 1) {
      const writes = recordWrites('Patient', {});
      await fixture.block({ privateWrites: writes });
      made.push(evidenceFrom(writes, writes.id));
    }
    return made;
  }
  const forDecision = async (patient: RecordEvidence, more: object = {}): Promise<string[]> =>
    namesOf(await decoys.of('DecideAccess', { holder: 'hospital' }, { patient, records: [], consents: [], ...more }));

  it('are the same for all who are neighbours, and hold what each of them rests on', async () => {
    const all = await patients();
    const read = await Promise.all(all.map((one) => forDecision(one)));
    const groups = Map.groupBy(all.keys(), (index) => read[index]!.join());
    expect(groups.size).to.be.within(2, PATIENTS / 4);
    for (const group of groups.values())
      for (const index of group) {
        const { id, sheet } = all[index]!;
        const held = [
          `${CARE} ${privateKeys.sheet(sheet)}`,
          `${CARE} ${privateKeys.version(id, 2)}`,
          `marks ${privateKeys.erased(erasureHandle('hospital', id))}`,
        ];
        for (const other of group) expect(read[other]).to.include.members(held);
      }
  });

  it('hold where a later version stands', async () => {
    const first = recordWrites('Patient', {});
    await fixture.block({ privateWrites: first });
    const second = recordWrites('Patient', { id: first.id, version: 2 });
    await fixture.block({ privateWrites: second });
    const read = await forDecision(evidenceFrom(second, first.id, 2));
    expect(read).to.include.members([
      `${CARE} ${privateKeys.version(first.id, 2)}`,
      `${CARE} ${privateKeys.version(first.id, 3)}`,
    ]);
  });

  it('are those of a consent too, and of the consents beside it', async () => {
    const consents = [consentWrite({}), consentWrite({})];
    await fixture.block({ creator: 'PatientsMSP', privateWrites: consents });
    const read = await forDecision((await patients(1))[0]!, { consents: [{ id: consents[0]!.id, version: 1 }] });
    for (const { id } of consents)
      expect(read).to.include.members([
        `${CARE} ${privateKeys.consent(id, 1)}`,
        `${CARE} ${privateKeys.consent(id, 2)}`,
        `marks ${privateKeys.revoked(id)}`,
        `marks ${privateKeys.withdrawn(id, 1)}`,
      ]);
  });

  it('are directories of several buckets, as far as each has come', async () => {
    const [patient] = await patients(1);
    const read = async () =>
      (await forDecision(patient!, { directory: 0 })).filter((name) => name.includes('directory/'));
    const before = await read();
    expect(before).to.have.length(8);
    for (const name of before) expect(name).to.match(/^care_hospital directory\/[0-9a-f]{2}\/1$/);
    const key = before[3]!.split(' ')[1]!;
    await fixture.block({
      privateWrites: [{ collection: CARE, key, value: JSON.stringify({ schema: 1, consents: {}, salt: newSalt() }) }],
    });
    expect(await read()).to.have.members([...before, `${CARE} ${key.replace(/1$/, '2')}`]);
  });

  it('are fewer for each where there would be too many', async () => {
    const records = Array.from({ length: 400 }, () => anchored('Observation', {}));
    const writes = sheetWrites(records);
    await fixture.block({ privateWrites: writes });
    for (const count of [1, 50, 200]) {
      const evidence = records.slice(0, count).map(({ id }) => evidenceFrom(writes, id));
      const read = await decoys.of('SubmitClaim', { payer: 'payer' }, { evidence });
      expect(read.length).to.be.within(count, MAX_DECOYS);
    }
  });

  it('are none where each would hide among fewer than two', async () => {
    const records = Array.from({ length: 900 }, () => anchored('Observation', {}));
    const writes = sheetWrites(records);
    await fixture.block({ privateWrites: writes });
    const read = async (count: number) => {
      const evidence = records.slice(0, count).map(({ id }) => evidenceFrom(writes, id));
      return (await decoys.of('SubmitClaim', { payer: 'payer' }, { evidence })).length;
    };
    expect(await read(50)).to.be.greaterThan(2 * 50);
    expect(await read(300)).to.equal(0);
  });

  if (kind.name === 'SQLite')
    it('are looked for by their ids alone, however many there are of the type', async () => {
      const [patient] = await patients(1);
      const plans = await plansOf(fixture, () => forDecision(patient!));
      const ranged = plans.filter(({ text }) => /"id" >= \?/.test(text));
      expect(ranged).to.have.length(1);
      for (const { steps } of ranged) expect(steps.join()).to.match(/versions_by_id \(id>\? AND id<\?\)/);
    });

  it('of several decisions are those of each, once; no fewer for each than it has alone', async () => {
    const all = await patients();
    const shown = all.map((patient) => ({ id: patient.id, patient, directory: 0, records: [], consents: [] }));
    const alone = await Promise.all(shown.map((one) => forDecision(one.patient, { directory: 0 })));
    for (const count of [2, 12, PATIENTS]) {
      const decisions = shown.slice(0, count);
      const read = namesOf(await decoys.of('DecideAccesses', { holder: 'hospital' }, { decisions }));
      expect(new Set(read).size).to.equal(read.length);
      expect(read).to.have.members([...new Set(alone.slice(0, count).flat())]);
    }
  });

  it('of several decisions are more than those of one may be, and not without end', async () => {
    const records = Array.from({ length: 800 }, () => anchored('Observation', {}));
    const writes = sheetWrites(records);
    await fixture.block({ privateWrites: writes });
    const decisions = records.map(({ id }) => ({ id, records: [evidenceFrom(writes, id)], consents: [] }));
    const read = async (count: number) =>
      (await decoys.of('DecideAccesses', { holder: 'hospital' }, { decisions: decisions.slice(0, count) })).length;
    const size = await read(300);
    expect(size).to.be.within(MAX_DECOYS, MAX_DECOYS_TOGETHER);
  });

  it('are none for new records, and for what is not here', async () => {
    const [patient] = await patients(1);
    expect(await decoys.of('RecordVersions', {}, { sheets: [patient] })).to.deep.equal([]);
    const elsewhere = recordWrites('Patient', {});
    expect(await forDecision(evidenceFrom(elsewhere, elsewhere.id))).to.deep.equal([]);
    expect(await decoys.of('RefuseAccess', { id: 'x' }, undefined)).to.deep.equal([]);
  });
});
