/**
 * Computes a decision of a claim again from what lies on the ledger with it, for whoever is entitled to read that. What rests on other
 * claims or on the register is taken as it was found, and named; so is what the reader does not hold, and what a person decided.
 */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { type Accumulator, accountName, holderOf, minus, planYearOf, type Sums } from '../model/accumulators.ts';
import { type Bill, readBill } from '../model/bill.ts';
import { canonicalJson } from '../model/canonical.ts';
import { objectsOf } from '../model/claim-evidence.ts';
import type { LoadedTables } from '../model/claim-tables.ts';
import type { ClaimRecord, ClaimResponseRecord, FeeSchedule, Finding } from '../model/claims.ts';
import { readCover } from '../model/coverage.ts';
import { inForceOn } from '../model/dated.ts';
import type { Resource } from '../model/fhir.ts';
import { parseMoney } from '../model/money.ts';
import { daysOfPlan, type PlanRecord, readPlan } from '../model/plans.ts';
import type { Anchored } from '../model/values.ts';
import { adjudicateClaim } from './adjudication.ts';
import { NO_AUTHORIZATIONS } from './authorized-services.ts';
import { onDaysOfRecords } from './claim-edits/when.ts';
import type { ClaimEdit, ClaimFacts } from './claim-facts.ts';
import { reduced } from './claim-outcomes.ts';
import { claimResponseOf } from './claim-response.ts';
import { CLAIM_SIGNALS, signalsOf } from './claim-signals.ts';
import { CLAIM_EDITS, judgeClaim, verdictOf } from './claims.ts';
import { coordinated } from './coordination.ts';
import type { PlanFacts } from './cost-sharing.ts';

export interface Basis {
  /** As it was billed when it was decided. */
  claim: ClaimRecord;
  response: ClaimResponseRecord;
  /** The version of the Coverage that the decision names. */
  coverage: Resource;
  /** @param day YYYY-MM-DD */
  priceOn: (day: string) => FeeSchedule | undefined;
  provider: Organisation;
  /** What the payer held claims against by then; undefined where that is not known here. */
  tables?: { loaded: LoadedTables | undefined } | undefined;
  /** The versions of the plan that the decision names, as far as they are here. */
  plan?: readonly PlanRecord[] | undefined;
  /** The entries that the decision wrote about what its member, and the family, use, as far as they are here. */
  usage?: readonly Accumulator[] | undefined;
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

/** The edits that rest on what a claim carries: the claim itself, its records, the coverage, the prices and what others paid before. */
const OF_CLAIM = [
  ...['patient-mismatch', 'currency', 'arithmetic', 'payee', 'coverage-not-of-patient', 'coverage-not-in-force'],
  ...['coordination', 'outside-lifetime', 'service-not-shown', 'impossible-day'],
];
/** Those that rest on the payer's tables as well. */
const OF_TABLES = [
  ...['code-not-of-record', 'duration-too-short', 'units-exceeded', 'procedure-pair', 'age-mismatch', 'sex-mismatch'],
  ...['dispense-not-shown', 'place-mismatch', 'modifier-conflict'],
];
/** Signals that a claim raises by itself; their limits and weights are the payer's. */
const SIGNALS = [
  'death-undated',
  'dispense-outstanding',
  'claimed-late',
  'facility-at-distance',
  'rendered-by-another',
];

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

/** Whether two of the same names say the same, in their order. */
function differing(names: readonly string[], found: readonly Finding[], recorded: readonly Finding[]): string[] {
  const of = (all: readonly Finding[], name: string) => canonicalJson(all.filter(({ edit }) => edit === name));
  return names.filter((name) => of(found, name) !== of(recorded, name));
}

/**
 * The plan as the decision had it: a day's version is the newest of those named that counts on it, and what was used before is what the
 * decision's own entry adds up to less what it took. Undefined where a part of that is not here.
 */
function planOf({ response, plan = [], usage = [], provider, coverage }: Basis, bill: Bill): PlanFacts | undefined {
  const { plan: named, taken = [] } = response;
  const records = (named?.versions ?? []).map((version) => plan.find((one) => one.version === version));
  const years = [...new Set(bill.items.map(({ first }) => planYearOf(first)))];
  const before = new Map<string, Sums>();
  for (const one of taken) {
    const holder = holderOf(one, String((coverage as { id?: unknown }).id));
    const entry = usage.find(({ coverage: of, year }) => of === holder && year === one.year);
    if (entry !== undefined) before.set(accountName(one), minus(entry.totals, one.sums));
  }
  const family = taken.find((one) => one.family !== undefined)?.family;
  // What was authorized by then is not shown here.
  if (/preAuth|authorization/i.test(JSON.stringify([response.taken, response.resource]))) return undefined;
  if (records.length === 0 || records.includes(undefined) || years.some((year) => !before.has(year))) return undefined;
  const versions = (records as PlanRecord[])
    .toSorted((one, other) => one.version - other.version)
    .flatMap(({ resource, version }) => {
      const days = daysOfPlan(resource);
      return days === undefined ? [] : [{ ...days, terms: readPlan(resource, version) }];
    });
  const on = (day: string) => inForceOn(versions, day)?.terms;
  const isUnknown = (year: string) => family === undefined || !before.has(accountName({ year, family }));
  if (versions.some(({ terms }) => terms.family !== undefined) && years.some(isUnknown)) return undefined;
  const currencies = [...new Set(versions.flatMap(({ terms }) => terms.currency ?? []))];
  return { on, before, family, provider: provider.name, authorizations: NO_AUTHORIZATIONS, currencies };
}

function factsOf(basis: Basis): ClaimFacts {
  const { claim, coverage, priceOn, provider, tables } = basis;
  const anchored = claim.evidence.map(({ text }) => JSON.parse(text) as Anchored);
  const evidence = new Map(anchored.map((one) => [`${one.resource.resourceType}/${one.resource.id}`, one]));
  const bill = onDaysOfRecords(readBill(claim.resource), evidence);
  const all = [...new Set(bill.items.map(({ first }) => priceOn(first)))].filter((one) => one !== undefined);
  return {
    ...{ bill, provider, evidence, cover: readCover(coverage), tariffs: { on: priceOn, all } },
    ...{ licences: new Map(), earlier: [], outdated: [], now: claim.submittedAt },
    ...{ identities: claim.identities, prior: claim.prior, tables: tables?.loaded, plan: planOf(basis, bill) },
  };
}

/** Computes one decision again. @throws LedgerError INVALID where what it rests on cannot be read */
export function recompute(basis: Basis): Recomputed {
  const { response, claim, tables } = basis;
  const facts = factsOf(basis);
  const names = [...OF_CLAIM, ...(tables === undefined ? [] : OF_TABLES)];
  const edits = CLAIM_EDITS.map((edit) => (names.includes(edit.name) ? edit : asFound(edit, response.edits)));
  const found = judgeClaim(facts, edits);
  const signals = tables === undefined ? [] : SIGNALS;
  const differences = [
    ...differing(
      CLAIM_EDITS.map(({ name }) => name),
      found,
      response.edits,
    ).map((name) => `edit ${name}`),
    ...differing(signals, signalsOf(facts), response.edits).map((name) => `signal ${name}`),
  ];
  const { resource } = response;
  const isDenied = isDeniedByPerson(resource);
  const reductions = reductionsIn(resource);
  const judged = verdictOf(found, facts.bill);
  const verdict = isDenied
    ? { ...judged, claim: judged.claim ?? ({ edit: PERSON, version: '1', outcome: 'deny' } as const) }
    : judged;
  const prior = claim.prior ?? [];
  const computed = coordinated(adjudicateClaim(facts.bill, facts.cover, facts.tariffs, verdict, facts.plan), prior);
  const adjudication = isDenied ? computed : reduced(computed, reductions);
  const again = claimResponseOf({
    ...{ responseId: resource.id, payer: claim.payer, claim: claim.resource, bill: facts.bill, adjudication, verdict },
    ...{ prior: claim.prior, now: String(resource['created']) },
  });
  const isWaiting = resource['outcome'] === 'queued';
  // What a plan makes of it rests on what its member had used by then.
  const isPlanTaken = response.plan !== undefined && facts.plan === undefined;
  const amounts = isWaiting ? [] : isPlanTaken ? ['error'] : ['item', 'total', 'error'];
  const elements = amounts.filter(
    (name) => canonicalJson(again[name] ?? null) !== canonicalJson(resource[name] ?? null),
  );
  const others = CLAIM_SIGNALS.map(({ name }) => name).filter((name) => !signals.includes(name));
  const taken = [
    ...CLAIM_EDITS.map(({ name }) => name).filter((name) => !names.includes(name)),
    ...others,
    ...(isPlanTaken ? ['the amounts by the plan'] : []),
  ];
  return {
    differences: [...differences, ...elements.map((name) => `ClaimResponse.${name}`)],
    ...{ edits: [...names, ...signals], taken, isByPerson: isDenied || reductions.size > 0 },
  };
}
