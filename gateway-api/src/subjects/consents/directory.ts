/** Where the consents of a patient are listed, as far as this read model knows. */
import { bucketOf } from '@telemed-ledger/chaincode/model/directories.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/** The newest known generation of the directory that a patient's consents are entered in; 0: none. */
export function knownDirectory(index: ReadModel, provider: string, patientId: string): Promise<number> {
  const series = privateKeys.directory(bucketOf(patientId), 0).slice(0, -1);
  return index.evidence.newest(collections.care(provider), series);
}
