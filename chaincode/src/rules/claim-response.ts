/** An adjudication as a FHIR R4 ClaimResponse (hl7.org/fhir/R4/claimresponse.html). */
import type { Bill } from '../model/bill.ts';
import type { Resource } from '../model/fhir.ts';
import { toMoney } from '../model/money.ts';
import type { Adjudication, Decision } from './adjudication.ts';
import { contractual, denied } from './adjustments.ts';
import type { Verdict } from './claims.ts';
import { concept, editConcept, organisationReference } from './fhir-terms.ts';

export interface ResponseFacts {
  responseId: string;
  /** Name of the payer. */
  payer: string;
  claim: Resource;
  bill: Bill;
  adjudication: Adjudication;
  /** What of it edits denied. */
  verdict: Verdict;
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

type Amount = { category: object; reason?: object; amount: object };

const amounts = (decision: Decision, currency: string): Amount[] =>
  CATEGORIES.map(([code, member]) => ({
    category: concept('adjudication', code),
    amount: toMoney({ units: decision[member], currency }),
  }));

/** Why less is allowed of a line than it bills, by X12's codes and the edit's name, with how much less. */
function adjustmentsOf({ denied: edit, reduction }: Adjudication['items'][number], currency: string): Amount[] {
  if (reduction === 0) return [];
  const { category, reason } = edit === undefined ? contractual : denied(edit);
  return [{ category, reason, amount: toMoney({ units: reduction, currency }) }];
}

/** What is said of the claim as a whole, or else of each line. */
function errorsOf({ claim, lines }: Verdict): object {
  const all =
    claim === undefined
      ? [...lines].map(([itemSequence, { edit }]) => ({ itemSequence, code: editConcept(edit) }))
      : [{ code: editConcept(claim.edit) }];
  return all.length === 0 ? {} : { error: all };
}

function paymentOf({ status, total, currency }: Adjudication): object {
  if (total.benefit === 0) return {};
  const type = concept('ex-paymenttype', status === 'approved' ? 'complete' : 'partial');
  return { payment: { type, amount: toMoney({ units: total.benefit, currency }) } };
}

/** The ClaimResponse that the payer owes the provider; `payment` is there when anything is to be paid. */
export function claimResponseOf(facts: ResponseFacts): Resource {
  const { claim, bill, adjudication, verdict } = facts;
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
    item: adjudication.items.map((item) => ({
      itemSequence: item.sequence,
      adjudication: [...amounts(item, adjudication.currency), ...adjustmentsOf(item, adjudication.currency)],
    })),
    total: amounts(adjudication.total, adjudication.currency),
    ...paymentOf(adjudication),
    insurance: [{ sequence: 1, focal: true, coverage: { reference: bill.coverage } }],
    ...errorsOf(verdict),
  };
}
