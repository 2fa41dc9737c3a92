/** An adjudication as a FHIR R4 ClaimResponse (hl7.org/fhir/R4/claimresponse.html). */
import type { Bill } from '../model/bill.ts';
import { objectsOf } from '../model/claim-evidence.ts';
import type { Finding } from '../model/claims.ts';
import type { PriorDecision } from '../model/coordination.ts';
import type { Resource } from '../model/fhir.ts';
import { parseMoney, toMoney } from '../model/money.ts';
import type { Adjudication, Decided, Decision } from './adjudication.ts';
import { adjustmentOf, PRIOR_PAID } from './adjustments.ts';
import type { Place } from './claim-edits/leaves.ts';
import type { Outcome } from './claim-outcomes.ts';
import type { Verdict } from './claims.ts';
import type { Adjusted } from './cost-sharing.ts';
import { concept, editConcept, organisationReference } from './fhir-terms.ts';

export interface ResponseFacts {
  responseId: string;
  /** Name of the payer. */
  payer: string;
  claim: Resource;
  bill: Bill;
  adjudication: Adjudication;
  /** What others decided of it before. */
  prior?: readonly PriorDecision[] | undefined;
  /** What of it edits denied. */
  verdict: Verdict;
  /** What became of it; left out: it is decided, and all that is to be paid is due. */
  outcome?: Outcome;
  /** The last day on which it may be appealed, YYYY-MM-DD. */
  appealUntil?: string;
  /** Why a person at the payer decided so. */
  note?: string | undefined;
  /** What is unusual about it: said where it waits. */
  signals?: readonly Finding[];
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

const APPEAL_UNTIL = 'https://telemed-ledger.example/fhir/StructureDefinition/claim-appeal-until';
/** The request for authorization, or the predetermination, of what is billed. */
const AUTHORIZATION = 'https://telemed-ledger.example/fhir/StructureDefinition/claim-authorization';
/** http://terminology.hl7.org/CodeSystem/payment-adjustment-reason: a prior payment is taken into account. */
const PRIOR_PAYMENT = concept('payment-adjustment-reason', 'a001');

/**
 * `copay` is what HL7 calls so: a copay, and a percentage of it (coinsurance). The reduction has no category in HL7's code system: it is
 * what `eligible` is less than `submitted`.
 */
const CATEGORIES: readonly [string, (decision: Decision) => number][] = [
  ['submitted', ({ submitted }) => submitted],
  ['eligible', ({ eligible }) => eligible],
  ['deductible', ({ deductible }) => deductible],
  ['copay', ({ share, deductible }) => share - deductible],
  ['benefit', ({ benefit }) => benefit],
];

type Amount = { category: object; reason?: object; amount: object };

/** @param hasDeductible whether the terms have one */
const amounts = (decision: Decision, { currency, hasDeductible }: Adjudication): Amount[] =>
  CATEGORIES.filter(([code]) => code !== 'deductible' || hasDeductible).map(([code, unitsOf]) => ({
    category: concept('adjudication', code),
    amount: toMoney({ units: unitsOf(decision), currency }),
  }));

/** Why less is paid of a line than it bills, by X12's codes and the name of the edit or the term, with how much less. */
const reasons = (adjustments: readonly Adjusted[], currency: string): Amount[] =>
  adjustments.map(({ name, units }) => ({ ...adjustmentOf(name), amount: toMoney({ units, currency }) }));

const decisionOf = (decided: Decided, adjudication: Adjudication): Amount[] => [
  ...amounts(decided, adjudication),
  ...reasons(decided.adjustments, adjudication.currency),
];

/** A line with its details and theirs, as they are in the Claim. */
function itemOf(item: Decided, adjudication: Adjudication): object {
  const detail = item.parts.map((part) => ({
    detailSequence: part.sequence,
    adjudication: decisionOf(part, adjudication),
    ...(part.parts.length === 0 ? {} : { subDetail: part.parts.map((inner) => subDetailOf(inner, adjudication)) }),
  }));
  return {
    itemSequence: item.sequence,
    adjudication: decisionOf(item, adjudication),
    ...(detail.length === 0 ? {} : { detail }),
  };
}

const subDetailOf = (part: Decided, adjudication: Adjudication): object => ({
  subDetailSequence: part.sequence,
  adjudication: decisionOf(part, adjudication),
});

/** What is said of the claim as a whole, or else of each line. */
function errorsOf({ claim, lines, parts = new Map() }: Verdict): object {
  const inLines = [...parts].filter(([place]) => !lines.has(Number.parseInt(place, 10)));
  const all =
    claim === undefined
      ? [
          ...[...lines].map(([itemSequence, { edit }]) => ({ itemSequence, code: editConcept(edit) })),
          ...inLines.map(([place, { edit }]) => ({ ...sequencesOf(place), code: editConcept(edit) })),
        ]
      : [{ code: editConcept(claim.edit) }];
  return all.length === 0 ? {} : { error: all };
}

function sequencesOf(place: string): object {
  const [itemSequence, detailSequence, subDetailSequence] = place.split('.').map(Number);
  return { itemSequence, detailSequence, ...(subDetailSequence === undefined ? {} : { subDetailSequence }) };
}

/** What is to be paid now: the benefit less what was paid before. */
function paymentOf({ status, total, currency }: Adjudication, due: number): object {
  if (due === 0) return {};
  const type = concept('ex-paymenttype', status === 'approved' ? 'complete' : 'partial');
  const before = total.benefit - due;
  const prior =
    before === 0 ? {} : { adjustment: toMoney({ units: before, currency }), adjustmentReason: PRIOR_PAYMENT };
  return { payment: { type, ...prior, amount: toMoney({ units: due, currency }) } };
}

/** A signal with what it was raised by, its limit and its weight: `hours-in-day (100): practitioner 1234567893, day 2026-02-10 …`. */
function signalText({ edit, weight = 0, facts = {} }: Finding): string {
  const said = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  return `${edit} (${weight}): ${said.join(', ')}`;
}

function notesOf({ note, outcome, adjudication: { currency }, signals = [] }: ResponseFacts): object {
  const owedBack = outcome?.owedBack ?? 0;
  const { value } = toMoney({ units: owedBack, currency });
  const texts = [
    note ?? [],
    owedBack === 0 ? [] : `${value} ${currency} that were paid before are owed back`,
    outcome?.waitsFor === undefined ? [] : signals.map(signalText),
  ].flat();
  return texts.length === 0
    ? {}
    : { processNote: texts.map((text, index) => ({ number: index + 1, type: 'print', text })) };
}

/** As FHIR's outcome and disposition say it; nothing is decided while it waits. */
function dispositionOf({ outcome, adjudication }: ResponseFacts): { outcome: string; disposition: string } {
  const { waitsFor, status, appeal } = outcome ?? {};
  if (waitsFor !== undefined) return { outcome: 'queued', disposition: `${status}: ${waitsFor}` };
  return { outcome: 'complete', disposition: [appeal ?? [], adjudication.status].flat().join(': ') };
}

/** The amounts, line by line; of what is not decided there are none. */
function amountsOf({ adjudication, outcome }: ResponseFacts): object {
  if (outcome?.waitsFor !== undefined) return {};
  return {
    item: adjudication.items.map((item) => itemOf(item, adjudication)),
    total: [...amounts(adjudication.total, adjudication), ...priorPaid(adjudication)],
    ...paymentOf(adjudication, outcome?.due ?? adjudication.total.benefit),
  };
}

/** What others paid before, where they decided. */
const priorPaid = ({ prior, currency }: Adjudication): Amount[] =>
  prior === undefined ? [] : [{ category: PRIOR_PAID, amount: toMoney({ units: prior, currency }) }];

/** The coverage that it is decided on, and those that others decided on before. */
const insuranceOf = ({ bill, prior = [] }: ResponseFacts): object[] => [
  { sequence: 1, focal: true, coverage: { reference: bill.coverage } },
  ...prior.map(({ coverage, responseId }, index) => ({
    ...{ sequence: index + 2, focal: false, coverage: { reference: coverage } },
    claimResponse: { reference: `ClaimResponse/${responseId}` },
  })),
];

/** Until when it may be appealed, and the provider's own requests for authorization that it is linked to. */
function extensionsOf({ appealUntil, adjudication: { linked = [] } }: ResponseFacts): object {
  const own = new Set(linked.filter(({ isOwn }) => isOwn).map(({ authorization }) => authorization));
  const extension = [
    ...(appealUntil === undefined ? [] : [{ url: APPEAL_UNTIL, valueDate: appealUntil }]),
    ...[...own].map((id) => ({ url: AUTHORIZATION, valueReference: { reference: `Claim/${id}` } })),
  ];
  return extension.length === 0 ? {} : { extension };
}

/** The ClaimResponse that the payer owes the provider; `payment` is there when anything is to be paid. */
export function claimResponseOf(facts: ResponseFacts): Resource {
  const { claim, bill, verdict } = facts;
  const numbers = (facts.adjudication.linked ?? []).flatMap(({ number }) => number ?? []);
  return {
    resourceType: 'ClaimResponse',
    id: facts.responseId,
    ...extensionsOf(facts),
    status: 'active',
    type: claim['type'],
    use: 'claim',
    patient: { reference: bill.patient },
    created: facts.now,
    insurer: organisationReference(facts.payer),
    requestor: claim['provider'],
    request: { reference: `Claim/${bill.claimId}` },
    ...dispositionOf(facts),
    ...(numbers.length === 0 ? {} : { preAuthRef: numbers[0] }),
    ...amountsOf(facts),
    insurance: insuranceOf(facts),
    ...notesOf(facts),
    ...(facts.outcome?.waitsFor === undefined ? errorsOf(verdict) : {}),
  };
}

const eligibleOf = (decided: Record<string, unknown> | undefined): number => {
  const amount = objectsOf(decided?.['adjudication']).find(({ category }) =>
    objectsOf((category as { coding?: unknown } | undefined)?.coding).some(({ code }) => code === 'eligible'),
  )?.['amount'];
  return amount === undefined ? 0 : parseMoney(amount, 'ClaimResponse.item').units;
};

/** Whether a decision allows anything of a part of a bill. */
export function isAllowed(response: Resource, { item, detail, subDetail }: Place): boolean {
  const line = objectsOf(response['item']).find(({ itemSequence }) => itemSequence === item);
  const part = objectsOf(line?.['detail']).find(({ detailSequence }) => detailSequence === detail);
  const inner = objectsOf(part?.['subDetail']).find(({ subDetailSequence }) => subDetailSequence === subDetail);
  return eligibleOf(subDetail !== undefined ? inner : detail !== undefined ? part : line) > 0;
}
