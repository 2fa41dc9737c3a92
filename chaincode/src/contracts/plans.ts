/**
 * Plans of a payer: versions of an InsurancePlan, each of which says which version counts on which days of service. What decides a
 * claim of them is shown by the payer; that there is a plan, or a newer version, cannot be hidden.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import type { Cover } from '../model/coverage.ts';
import { inForceOn, withNewer } from '../model/dated.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import {
  daysOfPlan,
  MAX_PLAN_VERSIONS,
  namesOfPlan,
  type PlanRecord,
  type PlanTerms,
  planNameOf,
  planRecordSchema,
  readPlan,
} from '../model/plans.ts';
import type { OutputOf } from '../model/transactions.ts';
import { memberOfKind, putCopies } from './claim-states.ts';

export interface ShownPlan {
  id: string;
  newest: number;
  text: string;
  versions: { version: number; text: string }[];
}

/** @throws LedgerError INVALID, CONFLICT where it is not the next version, or another plan has one of its names */
export async function registerPlan(call: Call<'RegisterPlan'>): Promise<OutputOf<'RegisterPlan'>> {
  const { input, caller, consortium, store } = call;
  const { plan, before } = call.private;
  const { id, version, resource } = plan;
  if (resource.resourceType !== 'InsurancePlan' || resource.id !== id)
    throw new LedgerError('INVALID', 'must be an InsurancePlan of this id', 'plan.resource');
  readPlan(resource, version);
  for (const [index, name] of input.providers.entries())
    memberOfKind(consortium, name, 'provider', `providers[${index}]`);
  const own = collections.billing(caller.organisation.name);
  if ((await store.anchor(own, privateKeys.plan(id, version))) !== undefined)
    throw new LedgerError('CONFLICT', 'not the next version of this plan', 'plan.version');
  const earlier = await versionsBefore(store, own, plan, before);
  const days = daysOfPlan(resource);
  const versions = days === undefined ? earlier : withNewer(earlier, { version, ...days });
  if (versions.length > MAX_PLAN_VERSIONS)
    throw new LedgerError('INVALID', 'too many versions', 'InsurancePlan.period');
  await putNames(store, caller.organisation.name, id, namesOfPlan(resource));
  const key = privateKeys.plan(id, version);
  const value: PlanRecord = { schema: 1, author: caller.mspId, recordedAt: store.time, ...plan, versions };
  store.putPrivate(own, key, value);
  await putCopies(store, [...new Set(input.providers)], key, value);
  return { time: store.time };
}

async function versionsBefore(
  store: Store,
  own: string,
  { id, version }: { id: string; version: number },
  text: string | undefined,
): Promise<PlanRecord['versions']> {
  if (version === 1) return [];
  if (text === undefined) throw new LedgerError('CONFLICT', 'the version before is not shown', 'plan.version');
  const key = privateKeys.plan(id, version - 1);
  return (await checkPresented(store, own, key, text, planRecordSchema, 'before')).versions;
}

async function putNames(store: Store, payer: string, id: string, names: readonly string[]): Promise<void> {
  const own = collections.billing(payer);
  const value = planNameOf(id);
  for (const name of names) {
    const key = privateKeys.planName(payer, sha256Hex(name));
    const taken = await store.anchor(own, key);
    if (taken === undefined) store.putPrivate(own, key, value);
    else if (taken !== sha256Hex(canonicalJson(value)))
      throw new LedgerError('INVALID', 'another plan has this name', 'InsurancePlan.identifier');
  }
}

/** A plan as a claim is decided by it. */
export interface LoadedPlan {
  id: string;
  on: (day: string) => PlanTerms | undefined;
  all: readonly PlanTerms[];
}

/**
 * The plan that a coverage names, as it was shown; undefined where it names none that there is.
 * @param days of the claim's services @throws LedgerError CONFLICT where a newer version is there, INVALID where one in force is not shown
 */
export async function checkPlan(
  store: Store,
  payer: string,
  { plans }: Pick<Cover, 'plans'>,
  shown: ShownPlan | undefined,
  days: readonly string[],
): Promise<LoadedPlan | undefined> {
  const own = collections.billing(payer);
  const anchors = await Promise.all(
    plans.map((name) => store.anchor(own, privateKeys.planName(payer, sha256Hex(name)))),
  );
  const named = anchors.find((anchor) => anchor !== undefined);
  if (named === undefined) return undefined;
  if (shown === undefined) throw new LedgerError('CONFLICT', 'there is a plan that was not shown', 'plan');
  if (named !== sha256Hex(canonicalJson(planNameOf(shown.id))))
    throw new LedgerError('INVALID', 'the coverage names another plan', 'plan.id');
  if ((await store.anchor(own, privateKeys.plan(shown.id, shown.newest + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the plan has a newer version', 'plan');
  const key = privateKeys.plan(shown.id, shown.newest);
  const { versions } = await checkPresented(store, own, key, shown.text, planRecordSchema, 'plan.text');
  const byDay = new Map(days.map((day) => [day, inForceOn(versions, day)?.version]));
  const terms = new Map<number, PlanTerms>();
  for (const version of new Set(byDay.values()))
    if (version !== undefined) terms.set(version, await checkVersion(store, own, shown, version));
  return { id: shown.id, on: (day) => terms.get(byDay.get(day) ?? 0), all: [...terms.values()] };
}

async function checkVersion(
  store: Store,
  own: string,
  { id, versions }: ShownPlan,
  version: number,
): Promise<PlanTerms> {
  const shown = versions.find((one) => one.version === version);
  if (shown === undefined) throw new LedgerError('INVALID', 'terms that are in force are not shown', 'plan.versions');
  const key = privateKeys.plan(id, version);
  const { resource } = await checkPresented(store, own, key, shown.text, planRecordSchema, 'plan.versions');
  return readPlan(resource, version);
}
