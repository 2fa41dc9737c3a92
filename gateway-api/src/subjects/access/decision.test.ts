/** What the custodian shows when it has an access decided, from what its read model holds. */
import { randomUUID } from 'node:crypto';
import { bucketOf } from '@telemed-ledger/chaincode/model/directories.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { expect } from 'chai';
import { onEachDatabase } from '../../index/databases.fixture.ts';
import { FixtureIndex, newSalt, recordWrites } from '../../index/index.fixture.ts';
import { accessState, accessWrites, consentWrite, evidenceFrom, requestWrite } from '../../index/values.fixture.ts';
import { type FixtureWrite, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { evidenceAt, shownForDecision } from './decision.ts';

const SYSTEM = 'urn:example:mrn';

onEachDatabase('What is shown for a decision', (kind) => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('patients', kind);
  });
  afterEach(() => fixture.close());

  const by = (creator: string, ...writes: FixtureWrite[][]) => ({ creator, privateWrites: writes.flat() });
  const custodian = (...writes: FixtureWrite[][]) => by('PatientsMSP', ...writes);
  const clinic = (...writes: FixtureWrite[][]) => by('ClinicMSP', ...writes);
  const identifier = (value: string) => ({ identifier: [{ system: SYSTEM, value }] });
  const about = (id: string) => ({ subject: { reference: `Patient/${id}` } });
  const now = () => new Date().toISOString();
  const asked = async (fields: Partial<AccessState> = {}, mrn = 'P-1') => {
    const state = accessState({ requestedAt: now(), ...fields });
    const request = requestWrite(state.id, mrn);
    const steps = accessWrites(state);
    await fixture.block(clinic(steps, [request]));
    return { state, request, step: steps[0]! };
  };
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => error.status,
    );

  it('is the exact texts, the patient, and her records with their paths', async () => {
    const patient = recordWrites('Patient', identifier('P-1'));
    const records = [1, 2].map(() => recordWrites('Observation', about(patient.id)));
    const newer = recordWrites('Observation', { id: records[0]!.id, version: 2, ...about(patient.id) });
    const foreign = recordWrites('Observation', about(randomUUID()));
    for (const writes of [patient, ...records, newer, foreign]) await fixture.block({ privateWrites: writes });
    await fixture.block(custodian([consentWrite({ patient: { reference: `Patient/${patient.id}` } })]));
    const { state, request, step } = await asked();
    const { grounds, candidates } = await shownForDecision(state, fixture.index);
    expect(grounds).to.deep.include({ requestor: 'clinic', request: request.value, state: step.value });
    expect(grounds.patient).to.deep.equal(evidenceFrom(patient, patient.id));
    const shown = await Promise.all(candidates.map((one) => evidenceAt(fixture.index, one)));
    expect(shown[0]).to.deep.equal(evidenceFrom(patient, patient.id));
    expect(shown.slice(1)).to.have.deep.members([
      evidenceFrom(newer, records[0]!.id, 2),
      evidenceFrom(records[1]!, records[1]!.id),
    ]);
    expect([grounds.directory, grounds.consents]).to.deep.equal([0, []]);
  });

  it('names where the patient’s consents are known to stand', async () => {
    const patient = recordWrites('Patient', identifier('P-1'));
    const consents = [consentWrite({}), consentWrite({}), consentWrite({})];
    const [one, other, elsewhere] = consents.map(({ id }) => id);
    const series = (generation: number, ids: object): FixtureWrite => ({
      collection: 'care_hospital',
      key: privateKeys.directory(bucketOf(patient.id), generation),
      value: JSON.stringify({ schema: 1, consents: ids, salt: newSalt() }),
    });
    const directories = [
      series(1, { [patient.id]: [one] }),
      series(2, { [patient.id]: [one, other], [randomUUID()]: [elsewhere] }),
    ];
    await fixture.block({ privateWrites: patient });
    await fixture.block(custodian(consents, directories, [consentWrite({ id: other!, version: 2 })]));
    const { state } = await asked();
    const { directory, consents: known } = (await shownForDecision(state, fixture.index)).grounds;
    expect(directory).to.equal(2);
    expect(known).to.deep.equal([
      { id: one, version: 1 },
      { id: other, version: 2 },
    ]);
  });

  it('has no patient where the holder has none of that identifier, though others have', async () => {
    await fixture.block(clinic(recordWrites('Patient', identifier('P-1'), 'care_clinic')));
    const { state } = await asked();
    const { grounds, candidates } = await shownForDecision(state, fixture.index);
    expect(grounds).not.to.have.property('patient');
    expect(candidates).to.deep.equal([]);
  });

  it('waits for the request, and for its step', async () => {
    const before = await fixture.block(custodian([]));
    const state = accessState({ requestedAt: now() });
    const block = fixtureBlock(1, [clinic(accessWrites(state)), clinic([requestWrite(state.id, 'P-1')])], before);
    for (const lacking of [0, 1]) {
      const other = await FixtureIndex.open('patients', kind);
      try {
        await other.apply(before);
        await other.apply(withheld(block, (transaction) => transaction === lacking));
        expect(await failureOf(shownForDecision(state, other.index))).to.equal(503);
        await other.complete(block);
        expect((await shownForDecision(state, other.index)).grounds).to.include({ requestor: 'clinic' });
      } finally {
        await other.close();
      }
    }
  });

  it('waits for what the holder has and has not arrived here, and not for ever', async () => {
    const patient = recordWrites('Patient', identifier('P-1'));
    const before = await fixture.block({ privateWrites: patient });
    const record = recordWrites('Observation', about(patient.id));
    const block = fixtureBlock(1, [{ privateWrites: record }], before);
    await fixture.apply(withheld(block, () => true));
    fixture.startAfter(block);
    const { state } = await asked();
    expect(await failureOf(shownForDecision(state, fixture.index))).to.equal(503);
    const { state: old } = await asked({ requestedAt: '2026-01-01T00:00:00.000Z' });
    const idsOf = async (one: AccessState) =>
      (await shownForDecision(one, fixture.index)).candidates.map(({ id }) => id);
    expect(await idsOf(old)).to.deep.equal([patient.id]);
    await fixture.complete(block);
    expect(await idsOf(state)).to.deep.equal([patient.id, record.id]);
  });

  it('is not held up by a record that consents point to and that is damaged', async () => {
    const patient = recordWrites('Patient', identifier('P-1'));
    const [damaged, whole] = [1, 2].map(() => recordWrites('Encounter', about(patient.id)));
    const consent = consentWrite({
      patient: { reference: `Patient/${patient.id}` },
      provision: {
        type: 'deny',
        data: [damaged, whole].map((one) => ({ meaning: 'related', reference: { reference: `Encounter/${one!.id}` } })),
      },
    });
    const directory: FixtureWrite = {
      collection: 'care_hospital',
      key: privateKeys.directory(bucketOf(patient.id), 1),
      value: JSON.stringify({ schema: 1, consents: { [patient.id]: [consent.id] }, salt: newSalt() }),
    };
    for (const writes of [patient, damaged!, whole!]) await fixture.block({ privateWrites: writes });
    await fixture.block(custodian([consent, directory]));
    await fixture.stores.writing.updateTable('versions').set({ value: '{}' }).where('id', '=', damaged!.id).execute();
    const { state } = await asked();
    const { grounds } = await shownForDecision(state, fixture.index);
    expect(grounds.context).to.deep.equal([evidenceFrom(whole!, whole!.id)]);
  });
});
