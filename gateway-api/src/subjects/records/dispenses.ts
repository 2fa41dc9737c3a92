/**
 * Prescriptions and dispenses on their way to the ledger: what a prescription's dispenses are counted by, and what a dispense shows to its
 * endorsers (chaincode/contracts/dispensing.ts), from the read model.
 */
import {
  type DispenseShown,
  dispensedName,
  isCounted,
  prescriptionIdOf,
} from '@telemed-ledger/chaincode/model/dispensing.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Reference, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import { newSalt } from '../../ledger/sender.ts';
import { licenceNaming } from '../registers/licence-shown.ts';
import type { Services } from '../services.ts';
import type { RecordItem } from './sheets.ts';

const [PRESCRIPTION, DISPENSE] = ['MedicationRequest', 'MedicationDispense'];
const PLACE = `${DISPENSE}.authorizingPrescription`;

/** Whether a record counts something, or is counted. */
export const isOfMedication = ({ type }: RecordItem): boolean => type === PRESCRIPTION || type === DISPENSE;

type DispensingServices = Pick<Services, 'index' | 'organisation'>;

/**
 * The records with the handles of their prescriptions and what their dispenses show.
 * @throws {LedgerError} INVALID, NOT_FOUND where a dispense names no prescription that is here, CONFLICT where that cannot be counted
 */
export async function withDispensing(
  services: DispensingServices,
  items: readonly RecordItem[],
): Promise<RecordItem[]> {
  const prescribed = await Promise.all(items.map((item) => withHandle(services, item)));
  return Promise.all(prescribed.map((item) => withShown(services, item, prescribed)));
}

/** A prescription with its handle: of a new one a new one. */
async function withHandle({ index }: DispensingServices, item: RecordItem): Promise<RecordItem> {
  if (item.type !== PRESCRIPTION) return item;
  const before = item.version === 1 ? undefined : await index.evidence.rowOf(item.type, item.id, item.version - 1);
  return { ...item, handle: (before && anchoredIn(before).handle) ?? newSalt() };
}

const anchoredIn = ({ value }: VersionRow): Anchored => parseExact(value) as Anchored;

async function withShown(
  services: DispensingServices,
  item: RecordItem,
  items: readonly RecordItem[],
): Promise<RecordItem> {
  if (item.type !== DISPENSE) return item;
  const { index, organisation } = services;
  const resource = parseExact(item.resource) as Resource;
  const row = item.version === 1 ? undefined : await index.evidence.rowOf(DISPENSE, item.id, item.version - 1);
  const known = row && anchoredIn(row).handle;
  const isTaking = item.deleted === undefined && isCounted(resource);
  if (row === undefined && !isTaking) return item;
  const taken = isTaking ? await prescriptionFor(services, { resource, known }, items) : {};
  const handle = known ?? taken.handle;
  const previous = row === undefined ? {} : { previous: await index.evidence.ofRecord(ownRow(row, organisation)) };
  const shown = { ...taken.shown, ...previous, known: await marksOf(index, handle), salt: newSalt() };
  return { ...item, shown, ...(handle === undefined ? {} : { handle }) };
}

/** @throws {LedgerError} CONFLICT where it is a copy of another's */
export function ownRow(row: VersionRow, { name }: Pick<Services['organisation'], 'name'>): VersionRow {
  if (row.collection === collections.care(name)) return row;
  throw new LedgerError('CONFLICT', 'another organisation has a record of this id');
}

const marksOf = (index: ReadModel, handle: string | undefined): Promise<number> =>
  handle === undefined
    ? Promise.resolve(0)
    : index.evidence.newest(collections.marks, privateKeys.dispensed(dispensedName(handle), 0).slice(0, -1));

interface Taken {
  handle?: string;
  shown?: Pick<DispenseShown, 'prescription' | 'patients' | 'licence'>;
}

/** The prescription that a dispense names, as it is shown. @param known the handle that it was counted by before */
async function prescriptionFor(
  services: DispensingServices,
  { resource, known }: { resource: Resource; known: string | undefined },
  items: readonly RecordItem[],
): Promise<Taken> {
  const { index, organisation } = services;
  const id = prescriptionIdOf(resource, PLACE);
  const along = items.find((item) => item.type === PRESCRIPTION && item.id === id);
  if (along !== undefined) {
    const prescription = parseExact(along.resource) as Resource;
    const licence = await licenceFor(services, organisation.name, prescription);
    return { ...(along.handle === undefined ? {} : { handle: along.handle }), shown: licence };
  }
  const row = await index.newestRow(PRESCRIPTION, id);
  if (row === undefined) {
    // What was handed out is corrected after its prescription is shown no more.
    if (known !== undefined) return {};
    throw new LedgerError('NOT_FOUND', 'the prescription is not here: it has to be asked for', PLACE);
  }
  const anchored = anchoredIn(row);
  if (anchored.handle === undefined)
    throw new LedgerError(
      'CONFLICT',
      'was recorded before dispenses were counted: its provider has to record it anew',
      PLACE,
    );
  const provider = row.source ?? organisation.name;
  const prescription = { provider, record: await index.evidence.ofRecord(row) };
  const both = await patientsOfBoth(index, patientIdOf(resource), patientIdOf(anchored.resource));
  const patients = both && { patients: { prescribed: both.theirs, dispensed: both.ours } };
  const licence = await licenceFor(services, provider, anchored.resource);
  return { handle: anchored.handle, shown: { prescription, ...patients, ...licence } };
}

async function licenceFor({ index }: DispensingServices, organisation: string, prescription: Resource) {
  const { reference } = (prescription['requester'] ?? {}) as Reference;
  return reference === undefined ? {} : licenceNaming(index, { organisation, practitioner: reference });
}

/** Both Patients, where a record and what it follows are of two; undefined where one of them is not here. */
export async function patientsOfBoth(
  index: ReadModel,
  own: string | undefined,
  wanted: string | undefined,
): Promise<{ ours: RecordEvidence; theirs: RecordEvidence } | undefined> {
  if (own === undefined || wanted === undefined || own === wanted) return undefined;
  const rows = await Promise.all([own, wanted].map((id) => index.newestRow('Patient', id)));
  const [ours, theirs] = await Promise.all(rows.map((row) => row && index.evidence.ofRecord(row)));
  return ours === undefined || theirs === undefined ? undefined : { ours, theirs };
}
