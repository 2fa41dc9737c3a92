/**
 * Has one request decided. A permission shows the holder's records, so it waits for the holder; a refusal does not: where
 * the holder has not endorsed at once, the custodian's own peer says what the decision would be.
 */
import type { AccessState, PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { ended, lackingIn, type Try, within } from '../consents/tries.ts';
import { refuse } from './refusals.ts';

/** @throws what the decision lacks: it is to be tried again */
export async function decided(
  state: AccessState,
  shown: PrivateOf<'DecideAccess'>,
  ledger: LedgerClient,
): Promise<void> {
  // Who has just failed to answer is not waited for once more.
  if (ledger.failedLately(state.holder) && (await refused(state, shown, ledger))) return;
  const { id, holder } = state;
  const deciding = ended(ledger.submit('DecideAccess', { id, holder }, shown, AS_SYSTEM));
  const soon = await within(deciding, ledger.hedgeMs);
  if (lacksHolder(soon) && (await refused(state, shown, ledger))) return;
  const end = soon ?? (await deciding);
  if ('error' in end) throw end.error;
}

const lacksHolder = (end: Try | undefined): boolean => end === undefined || lackingIn(end) !== undefined;

/** Refuses it without the holder, where that is what comes of it now; whether it did. */
async function refused(
  state: AccessState,
  { salt: _, ...shown }: PrivateOf<'DecideAccess'>,
  ledger: LedgerClient,
): Promise<boolean> {
  const { id, holder } = state;
  const { outcome, reason, consent } = await ledger.evaluate('EvaluateAccess', { id, holder }, { private: shown });
  if (outcome !== 'deny' || reason === undefined) return false;
  await refuse(state, shown.state, { reason, consent }, ledger);
  return true;
}
