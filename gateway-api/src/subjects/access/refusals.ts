/** A refusal that waits for no particular second organisation. */
import type { AccessState, ConsentVersion } from '@telemed-ledger/chaincode/model/transactions.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { newSalt } from '../../ledger/sender.ts';

/** @param state the anchored text of the request's first step */
export async function refuse(
  { id, requestor, holder }: AccessState,
  state: string,
  { reason, consent }: { reason: string; consent?: ConsentVersion | undefined },
  ledger: LedgerClient,
): Promise<void> {
  const refusal = { state, salt: newSalt(), reason, ...(consent === undefined ? {} : { consent }) };
  await ledger.submit('RefuseAccess', { id, requestor, holder }, refusal, AS_SYSTEM);
}
