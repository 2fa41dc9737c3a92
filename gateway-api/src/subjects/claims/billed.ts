/** The text of a claim, wherever it lies by now. */
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/** A claim as it is billed by now, or what remains of it once its evidence is purged; undefined where it is not here. */
export async function billedText(
  { evidence }: Pick<ReadModel, 'evidence'>,
  collection: string,
  state: ClaimState,
): Promise<string | undefined> {
  const { claim, remains } = keysOfClaim(state);
  return (await evidence.text(collection, claim)) ?? evidence.text(collection, remains);
}
