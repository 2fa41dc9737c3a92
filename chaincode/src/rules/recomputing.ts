/**
 * Computes a decision of a claim again from what lies on the ledger with it, for whoever is entitled to read that. What rests on other
 * claims, on the register or on the payer's tables is taken as it was found, and named; so is what a person decided.
 */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { readBill } from '../model/bill.ts';
import { canonicalJson } from '../model/canonical.ts';
import { objectsOf } from '../model/claim-evidence.ts';
import type { ClaimRecord, ClaimResponseRecord, FeeSchedule, Finding } from '../model/claims.ts';
import { readCover } from '../model/coverage.ts';
import type { Resource } from '../model/fhir.ts';
import { parseMoney } from '../model/money.ts';
import type { Anchored } from '../model/values.ts';
import { adjudicateClaim } from './adjudication.ts';
import { onDaysOfRecords } from './claim-edits/when.ts';
import type { ClaimEdit, ClaimFacts } from './claim-facts.ts';
import { reduced } from './claim-outcomes.ts';
import { claimResponseOf } from './claim-response.ts';
import { CLAIM_EDITS, judgeClaim, verdictOf } from './claims.ts';

export interface Basis {
  /** As it was billed when it was decided. */
  claim: ClaimRecord;
  response: ClaimResponseRecord;
  /** The version of the Coverage that the decision names. */
  coverage: Resource;
  /** @param day YYYY-MM-DD */
  priceOn: (day: string) => FeeSchedule | undefined;
  provider: Organisation;
}

export interface Recomputed {
  /** The elements of the ClaimResponse, or names of edits, that come out otherwise; empty where all is equal. */
  differences: string[];
  /** Names of the edits that were computed, and of those that were taken as they were found. */
  edits: string[];
  taken: string[];
  /** A person denied it or paid less of it. */
  isByPerson: boolean;
}

/** The edits that rest on what a claim carries: the claim itself, its records, the coverage and the prices. */
const COMPUTED = new Set([
  ...['patient-mismatch', 'currency', 'arithmetic', 'coverage-not-of-patient', 'coverage-not-in-force'],
  ...['outside-lifetime', 'service-not-shown', 'impossible-day'],
]);

/** An edit that says what was found. */
const asFound = ({ name, version, after }: ClaimEdit, found: readonly Finding[]): ClaimEdit => ({
  ...{ name, version, after },
  judge: () =>
    found.filter(({ edit, outcome }) => edit === name && outcome === 'deny').map(({ facts }) => (facts ?? {}) as never),
});

const PERSON = 'adjudicator';
const codesIn = (concept: unknown): unknown[] =>
  objectsOf((concept as { coding?: unknown } | undefined)?.coding).map(({ code }) => code);

/** By how much less of which lines a person had paid, as the ClaimResponse says. */
function reductionsIn(response: Resource): Map<number, number> {
  const all = objectsOf(response['item']).map((item) => {
    const own = objectsOf(item['adjudication']).filter(({ reason }) => codesIn(reason).includes(PERSON));
    const units = own.reduce((sum, { amount }) => sum + parseMoney(amount, 'ClaimResponse.item').units, 0);
    return [Number(item['itemSequence']), units] as const;
  });
  return new Map(all.filter(([, units]) => units > 0));
}

const isDeniedByPerson = (response: Resource): boolean =>
  objectsOf(response['error']).some(({ code }) => codesIn(code).includes(PERSON));

const without = (findings: readonly Finding[]): Finding[] => findings.filter(({ outcome }) => outcome !== 'signal');

function factsOf({ claim, coverage, priceOn, provider }: Basis): ClaimFacts {
  const anchored = claim.evidence.map(({ text }) => JSON.parse(text) as Anchored);
  const evidence = new Map(anchored.map((one) => [`${one.resource.resourceType}/${one.resource.id}`, one]));
  const bill = onDaysOfRecords(readBill(claim.resource), evidence);
  const all = [...new Set(bill.items.map(({ first }) => priceOn(first)))].filter((one) => one !== undefined);
  return {
    ...{ bill, provider, evidence, cover: readCover(coverage), tariffs: { on: priceOn, all } },
    ...{ licences: new Map(), earlier: [], outdated: [], now: claim.submittedAt },
  };
}

/** Computes one decision again. @throws LedgerError INVALID where what it rests on cannot be read */
export function recompute(basis: Basis): Recomputed {
  const { response, claim } = basis;
  const facts = factsOf(basis);
  const edits = CLAIM_EDITS.map((edit) => (COMPUTED.has(edit.name) ? edit : asFound(edit, response.edits)));
  const found = judgeClaim(facts, edits);
  const recorded = without(response.edits);
  const differing = CLAIM_EDITS.filter(({ name }) => {
    const of = (all: readonly Finding[]) => canonicalJson(all.filter(({ edit }) => edit === name));
    return of(found) !== of(recorded);
  }).map(({ name }) => `edit ${name}`);
  const { resource } = response;
  const isDenied = isDeniedByPerson(resource);
  const reductions = reductionsIn(resource);
  const judged = verdictOf(found, facts.bill);
  const verdict = isDenied
    ? { ...judged, claim: judged.claim ?? ({ edit: PERSON, version: '1', outcome: 'deny' } as const) }
    : judged;
  const computed = adjudicateClaim(facts.bill, facts.cover, facts.tariffs, verdict);
  const adjudication = isDenied ? computed : reduced(computed, reductions);
  const again = claimResponseOf({
    ...{ responseId: resource.id, payer: claim.payer, claim: claim.resource, bill: facts.bill, adjudication, verdict },
    now: String(resource['created']),
  });
  const isWaiting = resource['outcome'] === 'queued';
  // What a plan makes of it rests on what its member had used by then, which is not shown here.
  const amounts = isWaiting ? [] : response.plan === undefined ? ['item', 'total', 'error'] : ['error'];
  const elements = amounts.filter(
    (name) => canonicalJson(again[name] ?? null) !== canonicalJson(resource[name] ?? null),
  );
  const plan = response.plan === undefined ? [] : ['the amounts by the plan'];
  const taken = [...CLAIM_EDITS.map(({ name }) => name).filter((name) => !COMPUTED.has(name)), ...plan];
  return {
    differences: [...differing, ...elements.map((name) => `ClaimResponse.${name}`)],
    ...{ edits: [...COMPUTED], taken, isByPerson: isDenied || reductions.size > 0 },
  };
}
