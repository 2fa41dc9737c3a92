/**
 * What was taken from a provider's debts for a claim, as a PaymentReconciliation (hl7.org/fhir/R4/paymentreconciliation.html) without a
 * transfer: the claim's detail and those of the debts add up to nothing, as the provider-level adjustments of an X12 835 (PLB) do.
 */

import { lastDay } from '../model/days.ts';
import type { Resource } from '../model/fhir.ts';
import { toMoney } from '../model/money.ts';
import { concept, organisationReference, paymentIdentifier } from './fhir-terms.ts';

export interface OffsetFacts {
  reconciliationId: string;
  claimId: string;
  /** Id of the ClaimResponse that says what is owed. */
  response: string;
  payer: string;
  provider: string;
  /** By claims that the debts came of, in minor units, at least one. */
  parts: readonly { claimId: string; units: number }[];
  currency: string;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

export function offsetOf(facts: OffsetFacts): Resource {
  const { reconciliationId, claimId, response, payer, provider, parts, currency, now } = facts;
  const day = lastDay(now);
  const units = parts.reduce((sum, part) => sum + part.units, 0);
  const detail = (type: string, claim: string, amount: object) => ({
    type: concept('payment-type', type),
    request: { reference: `Claim/${claim}` },
    submitter: organisationReference(provider),
    date: day,
    payee: organisationReference(provider),
    amount,
  });
  const taken = parts.map((part) => {
    const { value } = toMoney({ units: part.units, currency });
    return detail('adjustment', part.claimId, { value: -value, currency });
  });
  return {
    resourceType: 'PaymentReconciliation',
    id: reconciliationId,
    identifier: [paymentIdentifier(reconciliationId)],
    status: 'active',
    created: now,
    paymentIssuer: organisationReference(payer),
    outcome: 'complete',
    disposition: 'taken from what was owed back',
    paymentDate: day,
    paymentAmount: toMoney({ units: 0, currency }),
    detail: [
      {
        ...detail('payment', claimId, toMoney({ units, currency })),
        response: { reference: `ClaimResponse/${response}` },
      },
      ...taken,
    ],
  };
}
