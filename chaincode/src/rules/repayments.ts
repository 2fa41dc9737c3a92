/**
 * What a provider pays back, as a PaymentReconciliation (hl7.org/fhir/R4/paymentreconciliation.html) that it issues: a detail for each
 * debt, by the claim that this came of. What its bank reports of it is written as of any other payment.
 */
import { lastDay } from '../model/days.ts';
import type { Resource } from '../model/fhir.ts';
import { type Amount, toMoney } from '../model/money.ts';
import { type DebtName, debtIdentifier } from '../model/payment-details.ts';
import { concept, organisationReference, paymentIdentifier } from './fhir-terms.ts';

export interface RepaymentFacts {
  paymentId: string;
  payer: string;
  provider: string;
  /** What is paid of each debt, in minor units, at least one. */
  parts: readonly (DebtName & { units: number })[];
  /** The sum of these. */
  amount: Amount;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

export function repaymentOf({ paymentId, payer, provider, parts, amount, now }: RepaymentFacts): Resource {
  const day = lastDay(now);
  return {
    ...{ resourceType: 'PaymentReconciliation', id: paymentId, identifier: [paymentIdentifier(paymentId)] },
    ...{ status: 'active', created: now, paymentIssuer: organisationReference(provider), outcome: 'queued' },
    ...{ paymentDate: day, paymentAmount: toMoney(amount) },
    detail: parts.map((part) => ({
      identifier: debtIdentifier(part),
      type: concept('payment-type', 'payment'),
      request: { reference: `Claim/${part.claimId}` },
      submitter: organisationReference(provider),
      date: day,
      payee: organisationReference(payer),
      amount: toMoney({ units: part.units, currency: amount.currency }),
    })),
  };
}
