/**
 * Payments of claims: the payer instructs its bank, the bank reports the transfer, the payer remits to the provider. Each
 * step gathers what its transaction needs from the read model; the chaincode decides whether it may happen.
 */
import { randomUUID } from 'node:crypto';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { claimState, textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';

type PaymentServices = Pick<Services, 'index' | 'ledger' | 'organisation'>;

/** A transfer as its bank reports it: the bank's own reference, and the day as YYYY-MM-DD. */
export interface Transfer {
  reference: string;
  paidOn: string;
}

/** Has a bank pay what was adjudicated as payable. */
export async function instruct(
  { index, ledger, organisation }: PaymentServices,
  claim: ClaimState,
  bank: string,
  sending: Sending,
): Promise<Outcome> {
  const own = collections.billing(organisation.name);
  const { id, step } = claim;
  const response = await textOf(index, own, keysOfClaim(claim).response);
  const state = await textOf(index, own, privateKeys.claimState(id, step));
  const payment = { paymentId: randomUUID(), salt: newSalt(), state, response };
  return ledger.submit('InstructPayment', { id, bank }, payment, sending);
}

/** Reports the transfer of a claim's payment. */
export async function settle(
  { index, ledger, organisation }: PaymentServices,
  claimId: string,
  transfer: Transfer,
  sending: Sending,
): Promise<Outcome> {
  const own = collections.billing(organisation.name);
  const claim = await claimState(index, claimId);
  const { payer, step } = claim;
  const shown = {
    state: await textOf(index, own, privateKeys.claimState(claimId, step)),
    payment: await textOf(index, own, keysOfClaim(claim).instructed),
  };
  const notice = { noticeId: randomUUID(), salt: newSalt(), ...shown, ...transfer };
  return ledger.submit('SettlePayment', { id: claimId, payer }, notice, sending);
}

/** Reports to the provider that its claim has been paid. */
export async function remit(
  { index, ledger, organisation }: PaymentServices,
  claim: ClaimState,
  sending: Sending,
): Promise<Outcome> {
  const own = collections.billing(organisation.name);
  const { id, provider, step } = claim;
  const keys = keysOfClaim(claim);
  const shown = {
    state: await textOf(index, own, privateKeys.claimState(id, step)),
    response: await textOf(index, own, keys.response),
    settlement: await textOf(index, own, keys.settlement),
    payment: await textOf(index, own, keys.settled),
  };
  const remittance = { reconciliationId: randomUUID(), salt: newSalt(), ...shown };
  return ledger.submit('RemitPayment', { id, provider }, remittance, sending);
}

/** The claim that a PaymentReconciliation of this bank pays. @throws {LedgerError} NOT_FOUND */
export async function claimOfPayment(index: ReadModel, reconciliation: string): Promise<string> {
  const row = await index.newestRow('PaymentReconciliation', reconciliation);
  const claimId = /^payment\/([^/]+)\/\d+$/.exec(row?.key ?? '')?.[1];
  if (claimId === undefined) throw new LedgerError('NOT_FOUND', 'there is no such payment instruction here');
  return claimId;
}
