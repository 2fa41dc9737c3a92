/** What a refusal rests on, as those are told it who may know. */
import { type AccessState, type Because, NOT_PERMITTED } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Refusal } from '../../idempotency/refusals.ts';

/** What a refusal that was noted rests on, as the holder is told it. */
export const becauseOf = ({ reason, consent, consent_version: version, patient, salt }: Refusal): Because => ({
  ...{ reason, salt },
  ...(patient === null ? {} : { patient }),
  ...(consent === null || version === null ? {} : { consent: { id: consent, version } }),
});

/** Whether what a step rests on is told to the holder apart from it. */
export const isToldApart = ({ status, reason }: AccessState): boolean =>
  status === 'refused' && reason === NOT_PERMITTED;
