/**
 * A refusal says the same to whoever asked, whatever it rests on, and comes at the same times: how long it took to be decided
 * would tell whether there was anything to decide about. What it rests on is kept until the holder can be told.
 */
import type { AccessState, ConsentVersion } from '@telemed-ledger/chaincode/model/transactions.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import { newSalt } from '../../ledger/sender.ts';
import { nextMoment } from '../even-time.ts';
import type { Services } from '../services.ts';
import { stepOf } from './decision.ts';
import { askedBy, patientMeant } from './patient.ts';

/** What a refusal rests on. */
export interface Grounds {
  reason: string;
  consent?: ConsentVersion | undefined;
}

/** Notes a refusal, which is sent at the next moment at which refusals are. */
export async function refuse(
  state: AccessState,
  { reason, consent }: Grounds,
  { index, refusals, refusalsEveryMs }: Pick<Services, 'index' | 'refusals' | 'refusalsEveryMs'>,
): Promise<void> {
  const { id, requestedAt, waitUntil = requestedAt } = state;
  const patient = (await patientMeant(state, await askedBy(state, index), index)) ?? null;
  const due_at = new Date(nextMoment(Date.parse(waitUntil), Date.now(), refusalsEveryMs)).toISOString();
  const named = { consent: consent?.id ?? null, consent_version: consent?.version ?? null };
  await refusals.add({ access: id, reason, patient, ...named, salt: newSalt(), due_at });
}

/** Sends a refusal that was noted: of no particular second organisation's, and without what it rests on. Its transaction's id. */
export async function sendRefusal(
  state: AccessState,
  { index, ledger, refusals }: Pick<Services, 'index' | 'ledger' | 'refusals'>,
): Promise<string> {
  const { id, requestor, holder } = state;
  const shown = { state: await stepOf(state, 1, index), salt: newSalt() };
  const { transactionId } = await ledger.submit('RefuseAccess', { id, requestor, holder }, shown, AS_SYSTEM);
  await refusals.sent(id);
  return transactionId;
}
