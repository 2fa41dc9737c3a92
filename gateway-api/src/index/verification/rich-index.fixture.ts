/** A read model of the clinic that holds something in every column, and everything that is ever read of it. */
import { randomUUID } from 'node:crypto';
import type { peer } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { type FixtureWrite, newTransactionId } from '../../ledger/block.fixture.ts';
import { accessState, requestText, stateWrite } from '../../subjects/access/accesses.fixture.ts';
import type { DatabaseKind } from '../databases.fixture.ts';
import { anchored, FixtureIndex, recordWrite } from '../index.fixture.ts';
import type { OwnPage } from '../read/own-states.ts';

const LATER = '2126-01-01T00:00:00.000Z';
const SYSTEM = 'urn:example:mrn';

export type Reads = Record<string, () => Promise<unknown>>;

export interface RichIndex {
  fixture: FixtureIndex;
  /** The blocks as they were delivered. */
  chain: peer.BlockAndPrivateData[];
  /** What somebody is shown, by what is asked. */
  reads: Reads;
  ids: { patient: string; observation: string; copied: string; consent: string; claim: string };
}

export async function richIndex(kind: DatabaseKind): Promise<RichIndex> {
  const fixture = await FixtureIndex.open('clinic', kind);
  const patient = recordWrite('Patient', { identifier: [{ system: SYSTEM, value: 'P-1' }] }, 'care_clinic');
  const subject = { reference: `Patient/${patient.id}` };
  const observation = recordWrite('Observation', { subject, status: 'preliminary' }, 'care_clinic');
  const second = recordWrite(
    'Observation',
    { id: observation.id, version: 2, subject, status: 'final' },
    'care_clinic',
  );
  const third = recordWrite(
    'Observation',
    { id: observation.id, version: 3, subject, status: 'amended' },
    'care_clinic',
  );
  const consent = anchored('Consent', { author: 'PatientsMSP', status: 'active', patient: subject });
  const consentState = { id: consent.id, status: 'active', version: 1, updatedAt: '2026-03-01T10:00:00.000Z' };
  const original = anchored('Observation', { status: 'final' });
  const access = randomUUID();
  const delivery = { accessId: access, holder: 'hospital', deliveredAt: LATER, expiresAt: LATER, salt: '0' };
  const granted = accessState({
    ...{ id: access, status: 'granted', decidedAt: '2026-03-02T10:00:00.000Z', expiresAt: LATER },
    consent: { id: consent.id, version: 1 },
  });
  const claim = randomUUID();
  const care = (write: FixtureWrite) => ({
    creator: 'ClinicMSP',
    endorsers: ['ClinicMSP', 'PatientsMSP'],
    privateWrites: [write],
  });
  const transactionId = newTransactionId();
  const chain = [
    await fixture.block(
      { ...care(patient), transactionId, event: { name: 'RecordsAnchored', payload: '{}' } },
      care(observation),
    ),
    await fixture.block(
      {
        privateWrites: [{ collection: 'consent_clinic', key: `consent/${consent.id}/1`, value: consent.text }],
        publicWrites: [{ key: `consent/${consent.id}`, value: JSON.stringify(consentState) }],
      },
      { code: 11 },
    ),
    await fixture.block(care(second), {
      privateWrites: [
        { collection: 'inbox_clinic', key: `request/${access}`, value: requestText(access, 'P-1') },
        {
          collection: 'inbox_clinic',
          key: `copy/${access}/${original.id}`,
          value: canonicalJson({ ...delivery, record: original.text }),
        },
        { collection: 'inbox_clinic', key: `copy/${access}/${randomUUID()}`, value: '{}', delivered: false },
      ],
      publicWrites: [stateWrite('access', { ...granted })],
    }),
    await fixture.block(care(third), {
      creator: 'PayerMSP',
      privateWrites: [
        {
          ...{ collection: 'claim_clinic_payer', key: `claim/${claim}` },
          value: canonicalJson({ resource: { resourceType: 'Claim', id: claim, patient: subject }, salt: '0' }),
        },
      ],
      publicWrites: [{ key: `claim/${claim}`, value: JSON.stringify({ id: claim, status: 'submitted' }) }],
    }),
  ];
  const ids = { patient: patient.id, observation: observation.id, copied: original.id, consent: consent.id, claim };
  return { fixture, chain, ids, reads: readsOf(fixture, ids, { access, transactionId }) };
}

const readAll = ({ rows }: OwnPage) => rows.map((row) => row.read());

function readsOf(
  { index }: FixtureIndex,
  { patient, observation, copied, consent, claim }: RichIndex['ids'],
  { access, transactionId }: { access: string; transactionId: string },
): Reads {
  const reads: Reads = {};
  const resources = { Patient: patient, Observation: observation, Consent: consent, Claim: claim };
  for (const [type, id] of [...Object.entries(resources), ['Observation', copied] as const]) {
    const name = id === copied ? 'Copy' : type;
    reads[`read ${name}`] = () => index.newest(type, id);
    reads[`history ${name}`] = async () => (await index.versions(type, id)).versions;
    reads[`vread ${name}`] = () => index.version(type, id, 1);
    reads[`row ${name}`] = () => index.newestRow(type, id);
    reads[`search ${name}`] = () => index.search({ type, count: 10 });
    reads[`search ${name} by id`] = () => index.search({ type, count: 10, ids: [id] });
    reads[`reference to ${name}`] = () => index.missing([`${type}/${id}`]);
  }
  const values = [{ parameter: 'identifier', anyOf: [{ system: SYSTEM, value: 'P-1' }] }];
  const lastUpdated = [{ prefix: 'ge' as const, value: '2026-01-01' }];
  const identifier = { system: SYSTEM, value: 'P-1' };
  return {
    ...reads,
    'search by identifier': () => index.search({ type: 'Patient', count: 10, values }),
    'search by patient': () => index.search({ type: 'Observation', count: 10, patients: [patient] }),
    'search by time': () => index.search({ type: 'Observation', count: 10, lastUpdated }),
    'search in a compartment': () => index.search({ type: 'Observation', count: 10 }, patient),
    'match by identifier': () => index.findByIdentifier([{ type: 'Patient', ...identifier }]),
    'patient by identifier': () => index.patientByIdentifier('care_clinic', identifier),
    'records of a patient': () => index.recordsOfPatient('care_clinic', patient, [], 10),
    'copies of an access': () => index.copiesOf(access),
    request: () => index.privateValue('inbox_clinic', `request/${access}`),
    'text of a claim': () => index.anchoredText('claim_clinic_payer', `claim/${claim}`),
    'claim by key': () => index.rowAt('claim_clinic_payer', `claim/${claim}`, 'Claim'),
    'state of a consent': () => index.state('consent', consent),
    'state of a claim': () => index.state('claim', claim),
    'own states': async () => readAll(await index.own.page('access', { count: 10 })),
    'own states by status': async () => readAll(await index.own.page('access', { count: 10, status: 'granted' })),
    'own states by time': async () => readAll(await index.own.updated('access', lastUpdated, { count: 10 })),
    receipt: () => index.transaction(transactionId),
  };
}
