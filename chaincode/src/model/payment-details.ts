/** What a decision says is to be paid, and what a payment says of each of its claims: read from their FHIR resources. */
import type { Resource } from './fhir.ts';
import { type Amount, parseMoney } from './money.ts';
import { type ActorReference, organisationNameOf } from './organisations.ts';

/** What a ClaimResponse says is to be paid. @throws LedgerError INVALID where it says nothing */
export const payableOf = (response: Resource): Amount =>
  parseMoney((response['payment'] as { amount?: unknown } | undefined)?.amount, 'ClaimResponse.payment.amount');

export interface PaymentDetail {
  /** Of what is paid back: the debt. */
  identifier?: unknown;
  request: { reference: string };
  response: unknown;
  submitter: ActorReference;
  payee: unknown;
  amount: unknown;
}

export const detailsOf = (payment: Resource): PaymentDetail[] => payment['detail'] as PaymentDetail[];

/** The claims that a payment is for, by id: whose each is, and how much it is in all. */
export function claimsOf(payment: Resource): Map<string, { provider: string | undefined; amount: Amount }> {
  const claims = new Map<string, { provider: string | undefined; amount: Amount }>();
  for (const { request, submitter, amount: money } of detailsOf(payment)) {
    const id = request.reference.replace(/^Claim\//, '');
    const amount = parseMoney(money, 'PaymentReconciliation.detail.amount');
    const units = amount.units + (claims.get(id)?.amount.units ?? 0);
    claims.set(id, { provider: organisationNameOf(submitter), amount: { ...amount, units } });
  }
  return claims;
}

/** A debt of a provider's, as a payment back names it: of which claim, and of which step of that. */
export interface DebtName {
  claimId: string;
  step: number;
}
const DEBTS = 'https://telemed-ledger.example/debts';
export const debtIdentifier = ({ claimId, step }: DebtName) => ({ system: DEBTS, value: `${claimId}/${step}` });

/** The debts that a payment back is for, in their order. Only of one that the ledger has made. */
export const debtsOf = (payment: Resource): (DebtName & { units: number })[] =>
  detailsOf(payment).map(({ identifier, amount }) => {
    const [claimId = '', step] = String((identifier as { value?: string } | undefined)?.value).split('/');
    return { claimId, step: Number(step), ...parseMoney(amount, 'PaymentReconciliation.detail.amount') };
  });

/** Whether a provider pays it back to a payer: then it issues the payment of what it has itself submitted. */
export function isPayBack(payment: Resource): boolean {
  const [first] = (payment['detail'] ?? []) as Partial<PaymentDetail>[];
  const issuer = organisationNameOf(payment['paymentIssuer'] as ActorReference | undefined);
  return issuer !== undefined && issuer === organisationNameOf(first?.submitter);
}

/** The payer of the claims that a payment is about, whichever way the money goes. */
export function payerOf(payment: Resource): string | undefined {
  const [first] = (payment['detail'] ?? []) as Partial<PaymentDetail>[];
  return organisationNameOf(
    (isPayBack(payment) ? first?.payee : payment['paymentIssuer']) as ActorReference | undefined,
  );
}
