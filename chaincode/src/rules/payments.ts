/**
 * Payments as FHIR R4: the payer's instruction (PaymentReconciliation, queued), what its bank reports of it (the same, complete or
 * in error, with a PaymentNotice of a transfer) and the remittance to each provider. Amounts come from what claims are owed and
 * from each other, never from a caller.
 */
import { uuidFrom } from '../model/canonical.ts';
import { addDays, lastDay } from '../model/days.ts';
import type { Resource } from '../model/fhir.ts';
import { type Amount, MAX_UNITS, parseMoney, toMoney } from '../model/money.ts';
import { organisationNameOf } from '../model/organisations.ts';
import { claimsOf, detailsOf } from '../model/payment-details.ts';
import type { PaymentState } from '../model/payments.ts';
import type { Owed } from '../model/values.ts';
import {
  concept,
  organisationReference,
  paymentIdentifier,
  paymentReason,
  paymentStatus,
  transferIdentifier,
} from './fhir-terms.ts';

/** A claim that is to be paid. */
export interface Due {
  claimId: string;
  provider: string;
  owed: Owed;
}

export interface Instruction {
  paymentId: string;
  payer: string;
  payee: string;
  /** All in one currency, at least one. */
  due: readonly Due[];
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** What amounts of one currency come to; undefined where they are of several or come to more than one payment may be. */
export function sumOf(amounts: readonly Amount[]): Amount | undefined {
  const currency = amounts[0]?.currency ?? '';
  const units = amounts.reduce((sum, one) => sum + one.units, 0);
  return units <= MAX_UNITS && amounts.every((one) => one.currency === currency) ? { units, currency } : undefined;
}

/** PaymentReconciliation (hl7.org/fhir/R4/paymentreconciliation.html) that tells the bank to pay claims, all to one payee. */
export function instructionOf({ paymentId, payer, payee, due, now }: Instruction): Resource {
  const day = lastDay(now);
  return {
    resourceType: 'PaymentReconciliation',
    id: paymentId,
    identifier: [paymentIdentifier(paymentId)],
    status: 'active',
    created: now,
    paymentIssuer: organisationReference(payer),
    outcome: 'queued',
    paymentDate: day,
    paymentAmount: toMoney(sumOf(due.map(({ owed }) => owed))!),
    detail: due.map(({ claimId, provider, owed }) => ({
      type: concept('payment-type', 'payment'),
      request: { reference: `Claim/${claimId}` },
      submitter: organisationReference(provider),
      response: { reference: `ClaimResponse/${owed.response}` },
      date: day,
      payee: organisationReference(payee),
      amount: toMoney(owed),
    })),
  };
}

/**
 * Whether a bank can report something as of that day: not before the instruction and not after now, give or take a day for the
 * clocks of two places.
 */
export function isPlausibleDay(day: string, instructedAt: string, now: string): boolean {
  return addDays(lastDay(instructedAt), -1) <= day && day <= addDays(lastDay(now), 1);
}

type Reported = Pick<PaymentState, 'status' | 'bank' | 'day' | 'reference' | 'reason'>;

/** The instruction as it stands after the bank has reported on it. */
export function reportedPaymentOf(payment: Resource, { status, bank, day, reference, reason }: Reported): Resource {
  const { disposition: _, extension: __, ...rest } = payment;
  const transfer = reference === undefined ? {} : { paymentIdentifier: transferIdentifier(bank, reference) };
  const extension = [paymentStatus(status), ...(reason === undefined ? [] : [paymentReason(reason)])];
  if (status === 'accepted') return { ...rest, resourceType: payment.resourceType, id: payment.id, extension };
  const outcome =
    status === 'settled' ? { outcome: 'complete' } : { outcome: 'error', disposition: `${status}: ${reason}` };
  return {
    ...rest,
    ...{ resourceType: payment.resourceType, id: payment.id },
    ...(status === 'settled' ? {} : { extension }),
    ...outcome,
    ...{ paymentDate: day, ...transfer },
  };
}

/** Σ detail.amount = paymentAmount, in minor units of one currency. */
export function isBalanced(payment: Resource): boolean {
  const whole = parseMoney(payment['paymentAmount'], 'PaymentReconciliation.paymentAmount');
  const sum = sumOf(detailsOf(payment).map(({ amount }) => parseMoney(amount, 'PaymentReconciliation.detail.amount')));
  return sum !== undefined && sum.units === whole.units && sum.currency === whole.currency;
}

/** A transfer as its bank reports it. */
export interface Transfer {
  bank: string;
  reference: string;
  /** YYYY-MM-DD. */
  day: string;
}

/**
 * PaymentNotice (hl7.org/fhir/R4/paymentnotice.html) by which the bank says that it has paid. It names the payment by
 * identifier, which finds it in the payer's and bank's books and in the provider's remittance alike, and the claim where it is one.
 */
export function noticeOf(
  noticeId: string,
  payment: Resource,
  payer: string,
  transfer: Transfer,
  now: string,
): Resource {
  const [first, ...others] = detailsOf(payment);
  const response = first!.response === undefined ? {} : { response: first!.response };
  const about = others.length > 0 ? {} : { request: first!.request, ...response };
  return {
    resourceType: 'PaymentNotice',
    id: noticeId,
    identifier: [transferIdentifier(transfer.bank, transfer.reference)],
    status: 'active',
    ...about,
    created: now,
    payment: { type: 'PaymentReconciliation', identifier: paymentIdentifier(payment.id) },
    paymentDate: transfer.day,
    payee: first!.payee,
    recipient: organisationReference(payer),
    amount: payment['paymentAmount'],
    paymentStatus: concept('paymentstatus', 'paid'),
  };
}

/** The id of a payment as a provider has it: the same however often it is told of it. */
export const remittanceId = (paymentId: string, provider: string): string =>
  uuidFrom(`remittance/${paymentId}/${provider}`);
const noticeIdFor = (noticeId: string, provider: string): string => uuidFrom(`notice/${noticeId}/${provider}`);

/** A payment as a provider gets it: a resource of its own, with the payment's identifier, of its own claims alone. */
export function remittanceOf(payment: Resource, provider: string, now: string): Resource {
  const detail = detailsOf(payment).filter(({ submitter }) => organisationNameOf(submitter) === provider);
  const amounts = detail.map(({ amount }) => parseMoney(amount, 'PaymentReconciliation.detail.amount'));
  const own = detail.length === detailsOf(payment).length ? {} : { paymentAmount: toMoney(sumOf(amounts)!) };
  return { ...payment, id: remittanceId(payment.id, provider), created: now, ...own, detail };
}

/** The bank's notice as a provider gets it: of what is its own. */
export function noticeFor(notice: Resource, payment: Resource, remittance: Resource, provider: string): Resource {
  if (detailsOf(remittance).length === detailsOf(payment).length) return notice;
  return { ...notice, id: noticeIdFor(notice.id, provider), amount: remittance['paymentAmount'] };
}

/** Whether a payment's details are what its claims are owed, its sum theirs, and the transfer, where there was one, its sum. */
export function paysWhatIsOwed(
  payment: Resource,
  notice: Resource | undefined,
  owed: ReadonlyMap<string, Amount>,
): boolean {
  const paid = claimsOf(payment);
  const whole = parseMoney(payment['paymentAmount'], 'PaymentReconciliation.paymentAmount');
  const noticed = notice === undefined ? whole : parseMoney(notice['amount'], 'PaymentNotice.amount');
  const isSame = (one: Amount, other: Amount | undefined): boolean =>
    one.units === other?.units && one.currency === other.currency;
  const isOwed = [...owed].every(([claim, amount]) => isSame(amount, paid.get(claim)?.amount));
  return isOwed && isBalanced(payment) && isSame(whole, noticed);
}
