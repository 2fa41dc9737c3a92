/**
 * What a patient records: her custodian sends it, and the provider whose patient she is endorses it and holds it. Both hold it to be hers,
 * in her name or in that of a caretaker whom a delegation in force lets do it, and to follow nothing that the provider recorded.
 */
import { organisationByName } from '@telemed-ledger/consortium/members.ts';
import { checkRecord, checkRecords } from '../ledger/evidence.ts';
import type { Call } from '../ledger/transaction.ts';
import type { CaretakerAct } from '../model/consent-codes.ts';
import { delegationAt } from '../model/delegations.ts';
import { LedgerError } from '../model/errors.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { MAX_OF_PATIENT, patientType } from '../model/patient-records.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import type { OutputOf } from '../model/transactions.ts';
import { PATIENT_RECORD_REFUSALS, patientRecordRefusal } from '../rules/patient-records.ts';
import { book } from './bookings.ts';
import { standingConsent } from './consent-directory.ts';
import { previousOf, type Recording } from './following.ts';
import { type Entry, isPlacedById, laid, putLaid, recordsOn } from './laying.ts';
import { noteAlerts } from './medication-checks.ts';

type Writing = Call<'RecordByPatient'> & Recording;

/** Records what a patient, or whoever acts for her, says. @throws LedgerError FORBIDDEN by the name of the rule; as RecordVersions */
export async function recordByPatient(call: Call<'RecordByPatient'>): Promise<OutputOf<'RecordByPatient'>> {
  const { input, consortium, store, private: hidden } = call;
  if (organisationByName(consortium, input.provider)?.kind !== 'provider')
    throw new LedgerError('INVALID', 'is no provider of the consortium', 'provider');
  const writing: Writing = { ...call, provider: input.provider };
  const patient = await patientOf(writing);
  const who = await writerOf(writing, patient);
  const sheets = await laid(writing, hidden.sheets);
  const entries = recordsOn(sheets);
  if (entries.length > MAX_OF_PATIENT) throw new LedgerError('INVALID', 'too many records', 'private.sheets');
  const beside = await besideOf(writing, entries);
  for (const entry of entries) await checkEntry(writing, entry, { ...who, patient, beside });
  await book(writing, entries);
  await noteAlerts(writing, entries);
  putLaid(writing, sheets);
  return { time: store.time };
}

/** Id of the Patient whose records these are. */
async function patientOf({ provider, store, private: hidden }: Writing): Promise<string> {
  const { anchored } = await checkRecord(store, provider, hidden.patient, 'private.patient');
  if (anchored.resource.resourceType !== 'Patient')
    throw new LedgerError('INVALID', 'is no Patient of this provider', 'private.patient');
  return anchored.id;
}

/** Who records it; of a caretaker what he may do. */
interface Writer {
  author: string;
  acts?: readonly CaretakerAct[];
}

/** @throws LedgerError FORBIDDEN where no delegation of hers that is in force names him */
async function writerOf({ provider, store, private: { caretaker } }: Writing, patient: string): Promise<Writer> {
  if (caretaker === undefined) return { author: `Patient/${patient}` };
  const { user, delegation } = caretaker;
  const at = 'private.caretaker.delegation';
  const consent = await standingConsent(store, provider, delegation);
  const isHers = consent !== undefined && patientIdOf(consent) === patient;
  const given = isHers ? delegationAt(consent, store.time) : undefined;
  if (given?.caretakers.includes(user) !== true)
    throw new LedgerError(
      'FORBIDDEN',
      'not-delegated: no delegation in force lets this person act for the patient',
      at,
    );
  return { author: user, acts: given.acts };
}

/** What the records rest on: what the provider holds, as it stands, and what is recorded along with them. */
async function besideOf(
  { provider, store, private: { beside = [] } }: Writing,
  entries: readonly Entry[],
): Promise<Map<string, Resource>> {
  const shown = await checkRecords(store, provider, beside, 'private.beside');
  const standing = [
    ...shown.map(({ anchored }) => anchored.resource),
    ...entries.filter(isNew).map(({ resource }) => resource),
  ];
  return new Map(standing.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
}

const isNew = ({ draft }: Entry): boolean => draft.version === 1;

interface Standing extends Writer {
  patient: string;
  beside: ReadonlyMap<string, Resource>;
}

async function checkEntry(writing: Writing, entry: Entry, { author, acts, patient, beside }: Standing): Promise<void> {
  const { draft, resource, at } = entry;
  if (isNew(entry) && !isPlacedById(entry)) throw new LedgerError('INVALID', 'a patient chooses no ids', `${at}.id`);
  const act = patientType(resource.resourceType)?.act;
  if (acts !== undefined && act !== undefined && !acts.includes(act))
    throw new LedgerError('FORBIDDEN', `not-delegated: it takes ${act}`, `${at}.resource`);
  const before = await previousOf(writing, entry, shownBefore(writing, draft.id), 'private');
  const previous = before?.deleted === undefined ? before?.resource : undefined;
  const isDeleted = draft.deleted !== undefined;
  const reason = patientRecordRefusal({ resource, isDeleted, patient, author, previous, beside });
  if (reason !== undefined)
    throw new LedgerError('FORBIDDEN', `${reason}: ${PATIENT_RECORD_REFUSALS[reason]}`, `${at}.resource`);
}

/** The version before of a record, wherever it is shown. */
const shownBefore = ({ private: { previous = [], bookings = [] } }: Writing, id: string): RecordEvidence | undefined =>
  bookings.find((one) => one.id === id)?.previous ?? previous.find((one) => one.id === id);
