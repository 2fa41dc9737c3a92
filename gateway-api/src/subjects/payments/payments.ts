/**
 * Payments of claims: the payer instructs its bank, the bank reports the transfer, the payer remits to the provider. Each
 * step gathers what its transaction needs from the read model; the chaincode decides whether it may happen.
 */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Submitted } from '../../ledger/client.ts';
import { newSalt } from '../../ledger/sender.ts';
import { claimState } from '../claims/claims.ts';
import type { Services } from '../services.ts';

type PaymentServices = Pick<Services, 'index' | 'ledger'>;

/** A transfer as its bank reports it: the bank's own reference, and the day as YYYY-MM-DD. */
export interface Transfer {
  reference: string;
  paidOn: string;
}

/** Has a bank pay what was adjudicated as payable. */
export async function instruct(
  { index, ledger }: PaymentServices,
  state: ClaimState,
  bank: string,
  sending: Sending,
): Promise<Submitted<ClaimState>> {
  const collection = collections.claim(state.provider, state.payer);
  const response = await textOf(index, collection, privateKeys.response(state.id));
  const payment = { paymentId: randomUUID(), salt: newSalt(), response };
  return ledger.submit('InstructPayment', { id: state.id, bank }, payment, sending);
}

/** Reports the transfer of a claim's payment. */
export async function settle(
  { index, ledger }: PaymentServices,
  claimId: string,
  transfer: Transfer,
  sending: Sending,
): Promise<Submitted<ClaimState>> {
  const { payer } = await claimState(index, claimId);
  const notice = { noticeId: randomUUID(), salt: newSalt(), ...transfer };
  return ledger.submit('SettlePayment', { id: claimId, payer }, notice, sending);
}

/** Reports to the provider that its claim has been paid. */
export async function remit(
  { index, ledger }: PaymentServices,
  state: ClaimState,
  sending: Sending,
): Promise<Submitted<ClaimState>> {
  const collection = collections.settle(state.payer, state.bank ?? '');
  const settlement = await textOf(index, collection, privateKeys.settlement(state.id));
  const payment = await textOf(index, collection, privateKeys.payment(state.id));
  const remittance = { reconciliationId: randomUUID(), salt: newSalt(), settlement, payment };
  return ledger.submit('RemitPayment', { id: state.id, provider: state.provider }, remittance, sending);
}

/** The claim that a PaymentReconciliation of this bank pays. @throws {LedgerError} NOT_FOUND */
export async function claimOfPayment(index: ReadModel, reconciliation: string): Promise<string> {
  const row = await index.newestRow('PaymentReconciliation', reconciliation);
  const claimId = /^payment\/(.+)$/.exec(row?.key ?? '')?.[1];
  if (claimId === undefined) throw new LedgerError('NOT_FOUND', 'there is no such payment instruction here');
  return claimId;
}

async function textOf(index: ReadModel, collection: string, key: string): Promise<string> {
  const text = await index.anchoredText(collection, key);
  if (text !== undefined) return text;
  throw new LedgerError('NOT_FOUND', `the read model holds no ${key.split('/')[0]} of this claim yet`);
}
