/** What a decision says is to be paid, and what a payment says of each of its claims: read from their FHIR resources. */
import type { Resource } from './fhir.ts';
import { type Amount, parseMoney } from './money.ts';
import { type ActorReference, organisationNameOf } from './organisations.ts';

/** What a ClaimResponse says is to be paid. @throws LedgerError INVALID where it says nothing */
export const payableOf = (response: Resource): Amount =>
  parseMoney((response['payment'] as { amount?: unknown } | undefined)?.amount, 'ClaimResponse.payment.amount');

export interface PaymentDetail {
  request: { reference: string };
  response: unknown;
  submitter: ActorReference;
  payee: unknown;
  amount: unknown;
}

export const detailsOf = (payment: Resource): PaymentDetail[] => payment['detail'] as PaymentDetail[];

/** The claims that a payment is for, by id: whose each is, and how much it is. */
export const claimsOf = (payment: Resource): Map<string, { provider: string | undefined; amount: Amount }> =>
  new Map(
    detailsOf(payment).map(({ request, submitter, amount }) => [
      request.reference.replace(/^Claim\//, ''),
      {
        provider: organisationNameOf(submitter),
        amount: parseMoney(amount, 'PaymentReconciliation.detail.amount'),
      },
    ]),
  );
