/**
 * What is written at the custodian: a Consent, or what a patient or her caretaker records at one of her providers. The custodian sends it,
 * for a certificate of hers would name her in every block; chaincode/contracts/patient-records.ts holds it to be hers.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { patientType } from '@telemed-ledger/chaincode/model/patient-records.ts';
import { referencesIn } from '@telemed-ledger/chaincode/model/record-facts.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf, compartmentsOf } from '../../auth/entitlement.ts';
import { Turns } from '../../idempotency/turns.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import type { Renamed } from '../../ledger/outcomes.ts';
import { SYSTEM } from '../../ledger/sender.ts';
import { writeConsent } from '../consents/consents.ts';
import { delegationFor } from '../consents/delegations.ts';
import type { Asked } from '../reads/read-log.ts';
import { upToDate } from '../up-to-date.ts';
import { isAppointment, withBookings } from './bookings.ts';
import { ownRow } from './dispenses.ts';
import { targetsOf } from './groups.ts';
import { atResource, recordItems } from './items.ts';
import type { Write } from './records.ts';
import { type RecordItem, sheetsOf } from './sheets.ts';

type Beside = Pick<PrivateOf<'RecordByPatient'>, 'patient' | 'caretaker' | 'previous' | 'beside'>;

/** A Consent, which stands alone, or records of a patient's. @throws as `writeConsent` and `recordByPatient` */
export const writeAtCustodian: Write = (services, drafts, ...rest) =>
  drafts.some(({ resource }) => resource.resourceType === 'Consent')
    ? writeConsent(services, drafts, ...rest)
    : recordByPatient(services, drafts, ...rest);

/** What takes of one time waits for its turn: the ledger takes one after the other. */
const turns = new Turns();

/**
 * Records all of them or none at the provider of the patient whom they are about.
 * @throws {LedgerError} FORBIDDEN for another's, and for what a caretaker may not do; as the chaincode refuses it
 */
const recordByPatient: Write = async (
  { index, ledger, consortium, readLog },
  drafts,
  { beforeSubmit, client },
  caller,
) => {
  const patient = patientOf(
    drafts.map(({ resource }) => resource as Resource),
    caller,
  );
  const row = await index.newestRow('Patient', patient);
  const provider = organisationsOfKind(consortium, 'provider').find(
    ({ name }) => row?.collection === collections.care(name),
  )?.name;
  if (row === undefined || provider === undefined)
    throw new LedgerError('INVALID', 'no provider has recorded the Patient whom this is about');
  const plain = await recordItems(index, provider, drafts);
  const organisation = { name: provider };
  const send = async () => {
    const items = await withBookings({ index, organisation }, plain);
    return turns.hold(items.flatMap(targetsOf), async () => {
      const { laid, renamed } = sheetsOf(items);
      const shown = { ...laid, ...(await besideOf(index, { row, items, provider, caller })) };
      // Who does it: the ledger has it from the custodian alone. What endorsers refuse is nobody's act.
      const stored = async (id: string, signed: Uint8Array): Promise<void> => {
        for (const one of recordedAs(patient, items, renamed)) await readLog.note(caller, one);
        await beforeSubmit?.(id, signed, renamed);
      };
      const options = { as: SYSTEM, ...(client === undefined ? {} : { client }), beforeSubmit: stored };
      return { ...(await ledger.submit('RecordByPatient', { provider }, shown, options)), renamed };
    });
  };
  return upToDate(send).catch((error: unknown) => {
    throw atResource(error, plain);
  });
};

/** What is recorded, by type, as her log has it. */
function recordedAs(patient: string, items: readonly RecordItem[], renamed: Renamed): Asked[] {
  const byType = Map.groupBy(items, ({ type }) => type);
  return [...byType].map(([type, some]) => {
    const records = some.map(({ id }) => renamed.get(id) ?? id);
    return { interaction: 'record', type, about: [{ outcome: 'shown', patient, access: null, records }] };
  });
}

/** The one patient whom all of it is about. @throws {LedgerError} FORBIDDEN */
function patientOf(resources: readonly Resource[], caller: Caller): string {
  const { role, actsFor } = caller;
  if (role !== 'patient' && role !== 'caretaker')
    throw new LedgerError('FORBIDDEN', 'a patient or a caretaker of hers records this, and nobody else here');
  for (const { resourceType } of resources) {
    const act = patientType(resourceType)?.act;
    compartmentOf(caller, ...(act === undefined ? [] : [act]));
  }
  const own = actsFor === undefined ? compartmentsOf(caller) : [actsFor.patient];
  const [patient, ...others] = new Set(resources.map(patientIdOf));
  const type = resources[0]?.resourceType ?? '';
  if (patient === undefined || others.length > 0 || own?.includes(patient) !== true)
    throw new LedgerError('FORBIDDEN', 'other-patient: what a patient records is about her alone', type);
  return patient;
}

interface Standing {
  /** The Patient's newest version. */
  row: VersionRow;
  items: readonly RecordItem[];
  provider: string;
  caller: Caller;
}

/** What the records show to their endorsers beside themselves. */
async function besideOf(index: ReadModel, { row, items, provider, caller }: Standing): Promise<Beside> {
  const followed = items.filter(({ version }) => version > 1).filter((item) => !isAppointment(item));
  const previous: RecordEvidence[] = [];
  for (const { type, id, version } of followed) {
    const before = await index.evidence.rowOf(type, id, version - 1);
    if (before !== undefined) previous.push(await index.evidence.ofRecord(ownRow(before, { name: provider })));
  }
  const beside = await restedOn(index, items, collections.care(provider));
  return {
    patient: await index.evidence.ofRecord(row),
    ...(await delegated(index, items, caller)),
    ...(previous.length === 0 ? {} : { previous }),
    ...(beside.length === 0 ? {} : { beside }),
  };
}

async function delegated(
  index: ReadModel,
  items: readonly RecordItem[],
  caller: Caller,
): Promise<Pick<Beside, 'caretaker'>> {
  const { role, fhirUser: user } = caller;
  if (role !== 'caretaker' || user === undefined) return {};
  const acts = new Set(items.flatMap(({ type }) => patientType(type)?.act ?? []));
  return { caretaker: { user, delegation: await delegationFor(caller, index, [...acts]) } };
}

/** By the type of what refers, what it rests on. */
const RESTS_ON: Readonly<Record<string, RegExp>> = {
  Observation: /^Device\/(.+)$/,
  Appointment: /^Slot\/(.+)$/,
  Slot: /^Schedule\/(.+)$/,
};

/** The records of the provider that these rest on, and what those rest on in turn. */
async function restedOn(index: ReadModel, items: readonly RecordItem[], collection: string): Promise<RecordEvidence[]> {
  const rows = new Map<string, VersionRow>();
  let open = items.map(({ resource }) => parseExact(resource) as Resource);
  while (open.length > 0) {
    const targets = new Set(open.flatMap((one) => targetsOfRest(one)).filter((target) => !rows.has(target)));
    open = [];
    for (const target of targets) {
      const [type = '', id = ''] = target.split('/');
      const row = await index.newestRow(type, id);
      if (row?.collection !== collection) continue;
      rows.set(target, row);
      open.push((parseExact(row.value) as Anchored).resource);
    }
  }
  return Promise.all([...rows.values()].map((row) => index.evidence.ofRecord(row)));
}

const targetsOfRest = (resource: Resource): string[] => {
  const wanted = RESTS_ON[resource.resourceType];
  return wanted === undefined ? [] : referencesIn(resource).filter((reference) => wanted.test(reference));
};
