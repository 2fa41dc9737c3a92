/**
 * Payments as FHIR R4: the payer's instruction (PaymentReconciliation, queued), the bank's settlement (the same,
 * complete, with a PaymentNotice) and the remittance to the provider. Amounts come from the ClaimResponse and from
 * each other, never from a caller.
 */
import { addDays, lastDay } from '../model/days.ts';
import type { Resource } from '../model/fhir.ts';
import { type Amount, parseMoney, toMoney } from '../model/money.ts';
import { concept, organisationReference, paymentIdentifier, transferIdentifier } from './fhir-terms.ts';

export interface Instruction {
  paymentId: string;
  claimId: string;
  response: Resource;
  provider: string;
  payer: string;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** What a ClaimResponse says is to be paid. @throws LedgerError INVALID where it says nothing */
export const payableOf = (response: Resource): Amount =>
  parseMoney((response['payment'] as { amount?: unknown } | undefined)?.amount, 'ClaimResponse.payment.amount');

/** PaymentReconciliation (hl7.org/fhir/R4/paymentreconciliation.html) that tells the bank to pay one claim. */
export function instructionOf({ paymentId, claimId, response, provider, payer, now }: Instruction): Resource {
  const amount = toMoney(payableOf(response));
  return {
    resourceType: 'PaymentReconciliation',
    id: paymentId,
    identifier: [paymentIdentifier(paymentId)],
    status: 'active',
    created: now,
    paymentIssuer: organisationReference(payer),
    outcome: 'queued',
    paymentDate: lastDay(now),
    paymentAmount: amount,
    detail: [
      {
        type: concept('payment-type', 'payment'),
        request: { reference: `Claim/${claimId}` },
        submitter: organisationReference(provider),
        response: { reference: `ClaimResponse/${response.id}` },
        date: lastDay(now),
        payee: organisationReference(provider),
        amount,
      },
    ],
  };
}

export interface Transfer {
  bank: string;
  /** The bank's own reference. */
  reference: string;
  /** Day of the transfer, YYYY-MM-DD. */
  paidOn: string;
}

/**
 * Whether a transfer can have been made on the day it states: not before the instruction and not after now, give or
 * take a day for the clocks of two places.
 */
export function isPlausibleDay(paidOn: string, payment: Resource, now: string): boolean {
  const instructed = lastDay(String(payment['created']));
  return addDays(instructed, -1) <= paidOn && paidOn <= addDays(lastDay(now), 1);
}

/** The instruction after the bank has carried it out. */
export const settledPaymentOf = (payment: Resource, { bank, reference, paidOn }: Transfer): Resource => ({
  ...payment,
  outcome: 'complete',
  paymentDate: paidOn,
  paymentIdentifier: transferIdentifier(bank, reference),
});

interface Detail {
  request: unknown;
  response: unknown;
  payee: unknown;
  amount: unknown;
}

/** The one detail of our payments. */
const detailOf = (payment: Resource): Detail => (payment['detail'] as [Detail])[0];

/** Σ detail.amount = paymentAmount, in minor units of one currency. */
export function isBalanced(payment: Resource): boolean {
  const whole = parseMoney(payment['paymentAmount'], 'PaymentReconciliation.paymentAmount');
  const parts = (payment['detail'] as Detail[]).map((detail) =>
    parseMoney(detail.amount, 'PaymentReconciliation.detail.amount'),
  );
  const sum = parts.reduce((units, part) => units + part.units, 0);
  return sum === whole.units && parts.every((part) => part.currency === whole.currency);
}

/**
 * PaymentNotice (hl7.org/fhir/R4/paymentnotice.html) by which the bank says that it has paid. It names the payment by
 * identifier, which finds it in the payer's and bank's books and in the provider's remittance alike.
 */
export function noticeOf(
  noticeId: string,
  payment: Resource,
  payer: string,
  transfer: Transfer,
  now: string,
): Resource {
  const { request, response, payee } = detailOf(payment);
  return {
    resourceType: 'PaymentNotice',
    id: noticeId,
    identifier: [transferIdentifier(transfer.bank, transfer.reference)],
    status: 'active',
    request,
    response,
    created: now,
    payment: { type: 'PaymentReconciliation', identifier: paymentIdentifier(payment.id) },
    paymentDate: transfer.paidOn,
    payee,
    recipient: organisationReference(payer),
    amount: payment['paymentAmount'],
    paymentStatus: concept('paymentstatus', 'paid'),
  };
}

/** The settled payment as the provider gets it: a resource of its own, with the payment's identifier. */
export const remittanceOf = (reconciliationId: string, payment: Resource, now: string): Resource => ({
  ...payment,
  id: reconciliationId,
  created: now,
});

const sameAmount = (a: Amount, b: Amount): boolean => a.units === b.units && a.currency === b.currency;

/** Whether what was settled is what the ClaimResponse promised. */
export function paysResponse(payment: Resource, notice: Resource, response: Resource): boolean {
  const promised = payableOf(response);
  const paid = parseMoney(payment['paymentAmount'], 'PaymentReconciliation.paymentAmount');
  const noticed = parseMoney(notice['amount'], 'PaymentNotice.amount');
  return (
    payment['outcome'] === 'complete' && isBalanced(payment) && sameAmount(promised, paid) && sameAmount(paid, noticed)
  );
}
