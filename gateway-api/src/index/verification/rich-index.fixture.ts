/** A read model of the clinic that holds something in every column, and everything that is ever read of it. */
import { randomUUID } from 'node:crypto';
import type { peer } from '@hyperledger/fabric-protos';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { type FixtureWrite, newTransactionId } from '../../ledger/block.fixture.ts';
import type { DatabaseKind } from '../databases.fixture.ts';
import { anchored, FixtureIndex, type RecordFixture, recordWrites, sheetWrites } from '../index.fixture.ts';
import type { OwnPage } from '../read/own-states.ts';
import {
  accessState,
  accessWrites,
  claimState,
  claimStateWrites,
  claimWrites,
  consentWrite,
  copiesWrite,
  erasedMark,
  evidenceFrom,
  LATER,
  purgeWrites,
  requestWrite,
} from '../values.fixture.ts';

const SYSTEM = 'urn:example:mrn';

export type Reads = Record<string, () => Promise<unknown>>;

export interface RichIndex {
  fixture: FixtureIndex;
  /** The blocks as they were delivered. */
  chain: peer.BlockAndPrivateData[];
  /** What somebody is shown, by what is asked. */
  reads: Reads;
  ids: { patient: string; observation: string; condition: string; copied: string; consent: string; claim: string };
}

export async function richIndex(kind: DatabaseKind): Promise<RichIndex> {
  const fixture = await FixtureIndex.open('clinic', kind);
  const own = (type: string, fields: RecordFixture) => recordWrites(type, fields, 'care_clinic');
  const patient = own('Patient', { identifier: [{ system: SYSTEM, value: 'P-1' }] });
  const subject = { reference: `Patient/${patient.id}` };
  const observation = own('Observation', { subject, status: 'preliminary' });
  const { id } = observation;
  const second = own('Observation', { id, version: 2, subject, status: 'final' });
  const third = own('Observation', { id, version: 3, subject, status: 'amended' });
  const { id: consent, ...grant } = consentWrite({ patient: subject }, 'clinic');
  const original = recordWrites('Observation', { id: randomUUID(), status: 'final' });
  const access = randomUUID();
  const decided = { decidedAt: '2026-03-02T10:00:00.000Z', expiresAt: LATER, consent: { id: consent, version: 1 } };
  const granted = accessState({ id: access, status: 'granted', ...decided });
  const copies = copiesWrite([evidenceFrom(original, original.id)], {
    access,
    audience: { role: 'system' },
    purpose: 'TREAT',
  });
  const claim = randomUUID();
  // Three on a sheet: one that stays, one that is erased, and one that is marked and still held.
  const sheet = randomUUID();
  const on = (index: number) =>
    anchored('Condition', { id: recordIdAt({ sheet, index }, 'Condition'), author: 'ClinicMSP', subject });
  const [kept, erased, pending] = [on(0), on(1), on(2)] as const;
  const conditions = sheetWrites([kept, erased, pending], { sheet, collection: 'care_clinic' });
  const marks = [erased, pending].map(({ id: one }) => erasedMark(one, 'clinic'));
  const care = (privateWrites: FixtureWrite[]) => ({
    ...{ creator: 'ClinicMSP', endorsers: ['ClinicMSP', 'PatientsMSP'], privateWrites },
  });
  const custodian = (privateWrites: FixtureWrite[]) => ({ creator: 'PatientsMSP', privateWrites });
  const transactionId = newTransactionId();
  const event = { name: 'RecordsAnchored', payload: '{}' };
  const withdrawn = requestWrite(randomUUID(), 'P-2');
  const chain = [
    await fixture.block({ ...care(patient), transactionId, event }, care(observation), { privateWrites: original }),
    await fixture.block(custodian([grant]), { code: 11 }),
    await fixture.block(
      care(second),
      care([requestWrite(access, 'P-1'), withdrawn]),
      custodian([...accessWrites(granted), copies, { ...copiesWrite([]), delivered: false }]),
    ),
    await fixture.block(
      care(third),
      care([
        ...claimWrites(claim, { patient: subject }, 'clinic'),
        ...claimStateWrites(claimState({ id: claim, provider: 'clinic' }), 'clinic'),
      ]),
    ),
    // Keys that were written twice, and one that was purged.
    await fixture.block(
      care(patient.slice(0, 1)),
      custodian([{ collection: withdrawn.collection, key: withdrawn.key, purge: true }]),
      care([withdrawn]),
    ),
    await fixture.block(care(conditions), custodian([...marks, ...purgeWrites(conditions, [erased.id])])),
  ];
  const ids = { patient: patient.id, observation: id, condition: kept.id, copied: original.id, consent, claim };
  return { fixture, chain, ids, reads: readsOf(fixture, ids, { access, transactionId }) };
}

const readAll = ({ rows }: OwnPage) => rows.map((row) => row.read());

function readsOf(
  { index }: FixtureIndex,
  { patient, observation, condition, copied, consent, claim }: RichIndex['ids'],
  { access, transactionId }: { access: string; transactionId: string },
): Reads {
  const reads: Reads = {};
  const resources = {
    Patient: patient,
    Observation: observation,
    Condition: condition,
    Consent: consent,
    Claim: claim,
  };
  for (const [type, id] of [...Object.entries(resources), ['Observation', copied] as const]) {
    const name = id === copied ? 'Copy' : type;
    reads[`read ${name}`] = () => index.newest(type, id);
    reads[`history ${name}`] = async () => (await index.versions(type, id)).versions;
    reads[`vread ${name}`] = () => index.version(type, id, 1);
    reads[`row ${name}`] = () => index.newestRow(type, id);
    reads[`search ${name}`] = () => index.search({ type, count: 10 });
    reads[`search ${name} by id`] = () => index.search({ type, count: 10, ids: [id] });
    reads[`reference to ${name}`] = () => index.missing([`${type}/${id}`]);
    if (name !== 'Patient' && name !== 'Observation') continue;
    reads[`origin of ${name}`] = () => index.evidence.originOf('care_clinic', id);
    reads[`evidence of ${name}`] = async () => {
      const row = await index.newestRow(type, id);
      return row && index.evidence.ofRecord(row);
    };
  }
  const values = [{ parameter: 'identifier', anyOf: [{ system: SYSTEM, value: 'P-1' }] }];
  const lastUpdated = [{ prefix: 'ge' as const, value: '2026-01-01' }];
  const identifier = { system: SYSTEM, value: 'P-1' };
  return {
    ...reads,
    'search by identifier': () => index.search({ type: 'Patient', count: 10, values }),
    'search by patient': () => index.search({ type: 'Observation', count: 10, patients: [patient] }),
    'search by time': () => index.search({ type: 'Observation', count: 10, lastUpdated }),
    'search in a compartment': () => index.search({ type: 'Observation', count: 10 }, { compartment: patient }),
    'match by identifier': () => index.findByIdentifier([{ type: 'Patient', ...identifier }]),
    'patient by identifier': () => index.evidence.bearerAt('care_clinic', identifier, Number.MAX_SAFE_INTEGER),
    'records of a patient': () => index.patientRecords.newest('care_clinic', patient, [], 10),
    'copies of an access': () => index.deliveries.recordsOf(access),
    'signatures of the tree': () => index.cosignatures.over(0),
    'leaf of the tree': () => index.tree.leaf(0, 0),
    'root of the tree': () => index.tree.root(5),
    request: () => index.privateValue('inbox_clinic', `request/${access}`),
    'text of a claim': () => index.anchoredText('billing_clinic', `claim/${claim}`),
    'claim by key': () => index.rowAt('billing_clinic', `claim/${claim}`, 'Claim'),
    'state of a consent': () => index.state('consent', consent),
    'state of a claim': () => index.state('claim', claim),
    'own states': async () => readAll(await index.own.page('access', { count: 10 })),
    'own states by status': async () => readAll(await index.own.page('access', { count: 10, status: 'granted' })),
    'own states by time': async () => readAll(await index.own.updated('access', lastUpdated, { count: 10 })),
    'newest version of a consent': async () =>
      Array.from({ length: await index.evidence.newest('care_clinic', `consent/${consent}/`) }, (_, at) => at + 1),
    erasures: async () => (await index.erasures.page({ count: 10 })).erasures,
    'erasures of a patient': async () => (await index.erasures.page({ count: 10, patients: [patient] })).erasures,
    receipt: () => index.transaction(transactionId),
  };
}
