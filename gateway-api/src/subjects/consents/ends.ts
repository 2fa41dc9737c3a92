/** Whether a version of a consent is in force, by the keys that say so: the same that the chaincode asks for. */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ConsentVersion } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';

const isThere = async (index: ReadModel, collection: string, key: string): Promise<boolean> =>
  (await index.evidence.text(collection, key)) !== undefined;

export const isRevoked = (index: ReadModel, id: string): Promise<boolean> =>
  isThere(index, collections.marks, privateKeys.revoked(id));

export const isWithdrawn = (index: ReadModel, { id, version }: ConsentVersion): Promise<boolean> =>
  isThere(index, collections.marks, privateKeys.withdrawn(id, version));

/** Whether a version is revoked, withdrawn or superseded; one that is not known may yet be. */
export async function hasEnded(index: ReadModel, provider: string, consent: ConsentVersion): Promise<boolean> {
  if (await isRevoked(index, consent.id)) return true;
  if (await isWithdrawn(index, consent)) return true;
  return isThere(index, collections.care(provider), privateKeys.consent(consent.id, consent.version + 1));
}
