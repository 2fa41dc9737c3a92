/** The holder's records that a decision about access is taken on: current, and of the patient asked for. */

import { checkRecord, checkRecords, type ShownRecord } from '../ledger/evidence.ts';
import { isRestricted } from '../ledger/marks.ts';
import type { Store } from '../ledger/store.ts';
import { LedgerError } from '../model/errors.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { isAskedFor, type Narrowing } from '../model/narrowing.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import type { AccessRequest } from '../model/values.ts';

/**
 * The holder's Patient record that was asked for: what a request is decided on carries the identifier, and what goes on from
 * a decision is about the Patient of that decision, whatever identifiers it has by then.
 * @param decidedOn id of that Patient; absent before a decision, and after one of earlier chaincode
 * @throws LedgerError NOT_FOUND, CONFLICT (not the current version), INVALID (another patient, or no patient)
 */
export async function checkPatient(
  store: Store,
  holder: string,
  evidence: RecordEvidence,
  { patient }: AccessRequest,
  decidedOn?: string,
): Promise<ShownRecord> {
  const record = await checkRecord(store, holder, evidence, 'private.patient');
  const { id, resource } = record.anchored;
  const identifiers = [resource['identifier'] ?? []].flat() as { system?: unknown; value?: unknown }[];
  const carries = identifiers.some(({ system, value }) => system === patient.system && value === patient.value);
  const isMeant = decidedOn === undefined ? carries : id === decidedOn;
  if (resource.resourceType !== 'Patient' || !isMeant)
    throw new LedgerError('INVALID', 'is not the Patient asked for', 'private.patient');
  return record;
}

/**
 * The patient's records that are asked for.
 * @param isShownRestricted what she has restricted is shown all the same
 * @throws LedgerError NOT_FOUND, CONFLICT, INVALID (of another patient, not asked for, restricted, or named twice)
 */
export async function checkHeldRecords(
  store: Store,
  holder: string,
  patientId: string,
  evidence: readonly RecordEvidence[],
  asked: Narrowing,
  isShownRestricted = false,
): Promise<ShownRecord[]> {
  const records = await checkRecords(store, holder, evidence, 'private.records');
  const restricted = isShownRestricted ? [] : await restrictedAmong(store, holder, records);
  for (const [index, { anchored }] of records.entries()) {
    const place = `private.records[${index}]`;
    if (patientIdOf(anchored.resource) !== patientId)
      throw new LedgerError('INVALID', 'belongs to another patient', place);
    if (restricted[index]) throw new LedgerError('INVALID', 'is restricted by its patient', place);
    if (!isAskedFor(anchored.resource, asked)) throw new LedgerError('INVALID', 'was not asked for', place);
  }
  return records;
}

/** Of each, whether its patient has it restricted now. */
export const restrictedAmong = (store: Store, holder: string, records: readonly ShownRecord[]): Promise<boolean[]> =>
  Promise.all(records.map(({ anchored }) => isRestricted(store, holder, anchored.id)));

/** What is shown of the holder to go with these records; what of it does is a rule. @throws LedgerError NOT_FOUND, CONFLICT, INVALID */
export const checkCompanions = (
  store: Store,
  holder: string,
  evidence: readonly RecordEvidence[] = [],
): Promise<ShownRecord[]> => checkRecords(store, holder, evidence, 'private.companions');

/**
 * Further records of the patient, to whose references consents point.
 * @throws LedgerError NOT_FOUND, CONFLICT, INVALID (of another patient, or named twice)
 */
export async function checkContext(
  store: Store,
  holder: string,
  patientId: string,
  evidence: readonly RecordEvidence[],
): Promise<Resource[]> {
  const shown = await checkRecords(store, holder, evidence, 'private.context');
  return shown.map(({ anchored: { resource } }, index) => {
    if (patientIdOf(resource) === patientId) return resource;
    throw new LedgerError('INVALID', 'belongs to another patient', `private.context[${index}]`);
  });
}
