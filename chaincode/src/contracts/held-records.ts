/** The holder's records that a decision about access is taken on: current, and of the patient asked for. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { LedgerError } from '../model/errors.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { type AccessRequest, anchoredSchema } from '../model/transactions.ts';

/** A record version as it is anchored, and the resource in it. */
export interface HeldRecord {
  id: string;
  text: string;
  resource: Resource;
}

interface RecordVersion {
  id: string;
  version: number;
}

/**
 * The holder's Patient record that carries the identifier asked for.
 * @throws LedgerError NOT_FOUND, CONFLICT (not the current version), INVALID (another patient, or no patient)
 */
export async function loadPatient(
  store: Store,
  holder: string,
  version: RecordVersion,
  { patient }: AccessRequest,
): Promise<HeldRecord> {
  const record = await loadCurrent(store, holder, version, 'private.patient');
  const identifiers = [record.resource['identifier'] ?? []].flat() as { system?: unknown; value?: unknown }[];
  const carries = identifiers.some(({ system, value }) => system === patient.system && value === patient.value);
  if (record.resource.resourceType !== 'Patient' || !carries)
    throw new LedgerError('INVALID', 'is not the Patient asked for', 'private.patient');
  return record;
}

/**
 * The patient's records of the types asked for.
 * @throws LedgerError NOT_FOUND, CONFLICT, INVALID (of another patient, of another type, or named twice)
 */
export function loadRecords(
  store: Store,
  holder: string,
  patientId: string,
  versions: readonly RecordVersion[],
  { types }: AccessRequest,
): Promise<HeldRecord[]> {
  const ids = new Set(versions.map(({ id }) => id));
  if (ids.size < versions.length) throw new LedgerError('INVALID', 'the same record twice', 'private.records');
  return Promise.all(
    versions.map(async (version, index) => {
      const place = `private.records[${index}]`;
      const record = await loadCurrent(store, holder, version, place);
      if (patientIdOf(record.resource) !== patientId)
        throw new LedgerError('INVALID', 'belongs to another patient', place);
      if (types.length > 0 && !types.includes(record.resource.resourceType))
        throw new LedgerError('INVALID', 'is of a type that was not asked for', place);
      return record;
    }),
  );
}

/** A superseded version is refused: what was corrected must not be handed on. */
async function loadCurrent(store: Store, holder: string, version: RecordVersion, place: string): Promise<HeldRecord> {
  const collection = collections.care(holder);
  const text = await store.getPrivateText(collection, privateKeys.record(version.id, version.version));
  if (text === undefined) throw new LedgerError('NOT_FOUND', 'the holder has no such record', place);
  if ((await store.anchor(collection, privateKeys.record(version.id, version.version + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'is not the current version', place);
  return { id: version.id, text, resource: parseText(anchoredSchema, text, place).resource };
}
