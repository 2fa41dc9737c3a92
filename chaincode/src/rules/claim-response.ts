/** An adjudication as a FHIR R4 ClaimResponse (hl7.org/fhir/R4/claimresponse.html). */
import type { Bill } from '../model/bill.ts';
import type { Finding } from '../model/claims.ts';
import type { Resource } from '../model/fhir.ts';
import { toMoney } from '../model/money.ts';
import type { Adjudication, Decision } from './adjudication.ts';
import { concept, editConcept, organisationReference } from './fhir-terms.ts';

export interface ResponseFacts {
  responseId: string;
  /** Name of the payer. */
  payer: string;
  claim: Resource;
  bill: Bill;
  adjudication: Adjudication;
  /** The edit that denied the claim, when one did. */
  denial: Finding | undefined;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** The reduction has no category in HL7's code system: it is what `eligible` is less than `submitted`. */
const CATEGORIES: readonly [string, keyof Decision][] = [
  ['submitted', 'submitted'],
  ['eligible', 'eligible'],
  ['copay', 'share'],
  ['benefit', 'benefit'],
];

const amounts = (decision: Decision, currency: string): { category: object; amount: object }[] =>
  CATEGORIES.map(([code, member]) => ({
    category: concept('adjudication', code),
    amount: toMoney({ units: decision[member], currency }),
  }));

function paymentOf({ status, total, currency }: Adjudication): object {
  if (total.benefit === 0) return {};
  const type = concept('ex-paymenttype', status === 'approved' ? 'complete' : 'partial');
  return { payment: { type, amount: toMoney({ units: total.benefit, currency }) } };
}

/** The ClaimResponse that the payer owes the provider; `payment` is there when anything is to be paid. */
export function claimResponseOf(facts: ResponseFacts): Resource {
  const { claim, bill, adjudication, denial } = facts;
  return {
    resourceType: 'ClaimResponse',
    id: facts.responseId,
    status: 'active',
    type: claim['type'],
    use: 'claim',
    patient: { reference: bill.patient },
    created: facts.now,
    insurer: organisationReference(facts.payer),
    requestor: claim['provider'],
    request: { reference: `Claim/${bill.claimId}` },
    outcome: 'complete',
    disposition: adjudication.status,
    item: adjudication.items.map(({ sequence, ...decision }) => ({
      itemSequence: sequence,
      adjudication: amounts(decision, adjudication.currency),
    })),
    total: amounts(adjudication.total, adjudication.currency),
    ...paymentOf(adjudication),
    insurance: [{ sequence: 1, focal: true, coverage: { reference: bill.coverage } }],
    ...(denial === undefined ? {} : { error: [{ code: editConcept(denial.edit) }] }),
  };
}
