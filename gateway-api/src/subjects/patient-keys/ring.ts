/** A patient's keys at the provider that has her record, as this read model has them. */
import { bucketOf } from '@telemed-ledger/chaincode/model/directories.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { KeyRing } from '@telemed-ledger/chaincode/model/patient-keys.ts';
import { directorySchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { refuse } from '../../fhir/outcomes.ts';
import { notHereYet } from '../../http/failures.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import { knownDirectory } from '../consents/directory.ts';

export interface PatientAt {
  id: string;
  /** Name of the provider that has recorded her. */
  provider: string;
  row: VersionRow;
}

/** @throws {Refusal} 404 where no provider has recorded such a Patient here. @throws {Failure} 410, 503 */
export async function patientAt(index: ReadModel, consortium: Consortium, id: string): Promise<PatientAt> {
  const row = await index.newestRow('Patient', id);
  const providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  const provider = providers.find((name) => collections.care(name) === row?.collection);
  if (row === undefined || provider === undefined) return refuse(404, 'not-found', 'This server has no such Patient.');
  return { id, provider, row };
}

/** Her keys, and the ids of her consents. @throws {Failure} 503 where the newest of it has not arrived here */
export async function enteredOf(
  index: ReadModel,
  { id, provider }: Pick<PatientAt, 'id' | 'provider'>,
): Promise<{ directory: number; ring: KeyRing; consents: readonly string[] }> {
  const directory = await knownDirectory(index, provider, id);
  if (directory === 0) return { directory, ring: [], consents: [] };
  const text = await index.evidence.text(collections.care(provider), privateKeys.directory(bucketOf(id), directory));
  if (text === undefined) throw notHereYet(1);
  const { keys = {}, consents } = directorySchema.parse(JSON.parse(text));
  return { directory, ring: keys[id] ?? [], consents: consents[id] ?? [] };
}
