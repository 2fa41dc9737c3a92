/**
 * Has one request decided. The custodian's own peer says first what comes of it: that stands in no block. Only what is
 * permitted goes to the holder, and waits for it; a refusal waits for nobody and shows nobody why.
 */
import type { AccessState, PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { isWaiting } from '@telemed-ledger/chaincode/model/waiting.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { Services } from '../services.ts';
import { refuse } from './refusals.ts';

/**
 * @returns when it is to be looked at again whatever happens, milliseconds since 1970, where it waits for the patient
 * @throws what the decision lacks: it is to be tried again, also where what was permitted is so no more
 */
export async function decided(
  state: AccessState,
  shown: PrivateOf<'DecideAccess'>,
  services: Pick<Services, 'index' | 'ledger' | 'refusals' | 'refusalsEveryMs'>,
): Promise<number | undefined> {
  const { id, holder, waitUntil } = state;
  const { salt: _, ...evaluated } = shown;
  const foreseen = await services.ledger.evaluate('EvaluateAccess', { id, holder }, { private: evaluated });
  const { outcome, reason = 'consent-absent', consent, again = waitUntil } = foreseen;
  if (outcome === 'permit') await services.ledger.submit('DecideAccess', { id, holder }, shown, AS_SYSTEM);
  else if (again !== undefined && isWaiting(state, new Date().toISOString())) return Date.parse(again);
  else await refuse(state, { reason, consent }, services);
  return undefined;
}
