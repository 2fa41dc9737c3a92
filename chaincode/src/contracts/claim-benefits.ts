/** The plan that a claim is decided by, and what its member has used of that: loaded for the decision, and written with it. */
import type { Store } from '../ledger/store.ts';
import { type Account, AUTHORIZED, accountOf, planYearOf, type Sums, type Taken } from '../model/accumulators.ts';
import type { ShownAuthorization } from '../model/authorization-transactions.ts';
import type { ClaimRecord, ClaimResponseRecord } from '../model/claims.ts';
import type { ClaimState } from '../model/values.ts';
import type { Adjudication } from '../rules/adjudication.ts';
import type { ClaimFacts } from '../rules/claim-facts.ts';
import type { PlanFacts } from '../rules/cost-sharing.ts';
import { checkUsage, returnUsage, type ShownUsage, takeUsage, usedByOthers } from './accumulators.ts';
import { checkAuthorizations } from './claim-authorizations.ts';
import { checkResponse } from './claim-humans.ts';
import { loadFamily, type ShownFamily } from './families.ts';
import { checkPlan, type LoadedPlan, type ShownPlan } from './plans.ts';

interface Member {
  payer: string;
  /** Id of the coverage. */
  coverage: string;
}

export interface ShownBenefits {
  plan?: ShownPlan | undefined;
  authorizations?: readonly ShownAuthorization[] | undefined;
  usage?: readonly ShownUsage[] | undefined;
  family?: ShownFamily | undefined;
  /** The decision that the claim's state names. */
  took?: string | undefined;
}

export interface Benefits {
  facts: PlanFacts;
  plan: LoadedPlan;
  usage: Awaited<ReturnType<typeof checkUsage>>;
  /** What the claim took by an earlier decision. */
  earlier: readonly Taken[];
}

/** What a claim took of plan years, as its decision says. @throws LedgerError NOT_FOUND, INVALID at `took` */
async function takenBefore(store: Store, state: ClaimState, took: string | undefined): Promise<readonly Taken[]> {
  if (state.taken === undefined) return [];
  return (await checkResponse(store, state, state.taken, took ?? '', 'took')).taken ?? [];
}

/**
 * The terms of the plan that the coverage names, with what was authorized; undefined where it names none that there is.
 * @param beyond the custodian endorses, who may be shown what other providers asked
 * @throws LedgerError CONFLICT where what was shown is not the newest
 */
export async function loadBenefits(
  store: Store,
  { payer, state, coverage, beyond }: { payer: string; state: ClaimState; coverage: string; beyond: boolean },
  { bill, cover, provider }: Pick<ClaimFacts, 'bill' | 'cover' | 'provider'>,
  shown: ShownBenefits,
): Promise<Benefits | undefined> {
  const days = [...new Set(bill.items.map(({ first }) => first))];
  const plan = await checkPlan(store, payer, cover, shown.plan, days);
  if (plan === undefined) return undefined;
  const earlier = await takenBefore(store, state, shown.took);
  const claimed = { payer, coverage, provider: provider.name, beyond };
  const authorizations = await checkAuthorizations(store, claimed, bill, shown.authorizations ?? []);
  const years = days.map(planYearOf);
  const family = await loadFamily(store, { payer, beyond, plan, cover }, shown.family);
  const accounts: Account[] = [
    ...years.map((year) => ({ year })),
    ...(family === undefined ? [] : years.map((year) => ({ year, family }))),
    ...authorizations.all.map(({ id }) => ({ year: AUTHORIZED, authorization: id })),
    ...earlier.map(accountOf),
  ];
  const usage = await checkUsage(store, { payer, coverage }, accounts, shown.usage ?? []);
  const currencies = [...new Set(plan.all.flatMap(({ currency }) => currency ?? []))];
  const before = usedByOthers(usage, earlier);
  const facts: PlanFacts = { on: plan.on, before, family, provider: provider.name, authorizations, currencies };
  return { facts, plan, usage, earlier };
}

/** Writes what a claim takes of the plan; what its response says of that. @param isFinal whether the decision counts */
export function takeBenefits(
  store: Store,
  member: Member,
  benefits: Benefits | undefined,
  claim: { id: string; salt: string; adjudication: Adjudication; isFinal: boolean },
): Pick<ClaimResponseRecord, 'plan' | 'taken'> {
  if (benefits === undefined) return {};
  const { plan, usage, earlier } = benefits;
  const versions = plan.all.map(({ version }) => version);
  const decided = { plan: { id: plan.id, versions } };
  if (!claim.isFinal) return decided;
  const { id, salt, adjudication } = claim;
  const { currency, taken = new Map<string, Sums>(), status } = adjudication;
  const entries = takeUsage(store, member, usage, {
    ...{ id, salt, currency, earlier },
    taken: status === 'denied' ? new Map() : taken,
  });
  return { ...decided, ...(entries.length === 0 ? {} : { taken: entries }) };
}

/** Gives back what a claim took, where it is taken back, voided or replaced. @throws LedgerError as `takenBefore` */
export async function returnBenefits(
  store: Store,
  { payer, coverage }: Pick<ClaimRecord, 'payer' | 'coverage'>,
  state: ClaimState,
  { took, salt }: { took: string | undefined; salt: string },
): Promise<void> {
  await returnUsage(store, { payer, coverage: coverage.id }, await takenBefore(store, state, took), salt);
}
