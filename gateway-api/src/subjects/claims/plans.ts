/** The plans of a payer (hl7.org/fhir/R4/insuranceplan.html), and what its members have used of them. docs/plans.md */
import {
  type Account,
  type Accumulator,
  AUTHORIZED,
  accountName,
  accountOf,
  holderOf,
  minus,
  nothingUsed,
  planYearOf,
  returnSchema,
  type Sums,
} from '@telemed-ledger/chaincode/model/accumulators.ts';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { ClaimResponseRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { readCover } from '@telemed-ledger/chaincode/model/coverage.ts';
import { inForceOn } from '@telemed-ledger/chaincode/model/dated.ts';
import { type FamilyKey, familyOf } from '@telemed-ledger/chaincode/model/families.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { PLAN_PROVIDER, type PlanRecord, planNameSchema, readPlan } from '@telemed-ledger/chaincode/model/plans.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import { onlyOne, type Write } from '../records/records.ts';
import { authorizationsShown } from './authorized.ts';
import { textAt } from './tables-shown.ts';

/** The next version of a plan, shown to the providers that its extensions name. */
export const registerPlan: Write = async ({ index, ledger, organisation }, drafts, sending) => {
  const plan = onlyOne(drafts);
  const { id, version } = plan;
  const own = collections.billing(organisation.name);
  const before = version === 1 ? {} : { before: await textAt(index, own, privateKeys.plan(id, version - 1)) };
  const providers = providersOf(plan.resource as Resource);
  return ledger.submit('RegisterPlan', { providers }, { plan, ...before }, sending);
};

function providersOf(plan: Resource): string[] {
  const extensions = (plan['extension'] ?? []) as { url?: string; valueString?: string }[];
  return [...new Set(extensions.flatMap(({ url, valueString }) => (url === PLAN_PROVIDER ? (valueString ?? []) : [])))];
}

/** The plan that a coverage names, as endorsers are shown it; undefined where it names none that there is. @throws {Failure} 503 */
async function planShown(index: ReadModel, payer: string, coverage: Resource, days: readonly string[]) {
  const own = collections.billing(payer);
  for (const name of readCover(coverage).plans) {
    const key = privateKeys.planName(payer, sha256Hex(name));
    if (!(await index.evidence.isWritten(own, key))) continue;
    const { plan: id } = planNameSchema.parse(JSON.parse(await textAt(index, own, key)));
    const newest = await index.evidence.newest(own, privateKeys.plan(id, 0).slice(0, -1));
    const text = await textAt(index, own, privateKeys.plan(id, newest));
    const { versions } = JSON.parse(text) as PlanRecord;
    const needed = new Set(days.flatMap((day) => inForceOn(versions, day)?.version ?? []));
    const shown = [...needed].map(async (version) => ({
      version,
      text: version === newest ? text : await textAt(index, own, privateKeys.plan(id, version)),
    }));
    return { id, newest, text, versions: await Promise.all(shown) };
  }
  return undefined;
}

/** What was used of an account, as endorsers are shown it. @throws {Failure} 503 */
async function usageShown(index: ReadModel, own: string, coverage: string, account: Account) {
  const { year } = account;
  const holder = holderOf(account, coverage);
  const entry = await index.evidence.newest(own, privateKeys.accumulator(holder, year, 0).slice(0, -1));
  const text = entry === 0 ? undefined : await textAt(index, own, privateKeys.accumulator(holder, year, entry));
  const { returned } = text === undefined ? { returned: 0 } : (JSON.parse(text) as Accumulator);
  const series = privateKeys.accumulatorReturn(holder, year, 0).slice(0, -1);
  const last = await index.evidence.newest(own, series, returned);
  const returns: string[] = [];
  for (let n = returned + 1; n <= last; n += 1) returns.push(await textAt(index, own, `${series}${n}`));
  return { ...account, entry, ...(text === undefined ? {} : { text }), returns };
}

interface Decided {
  payer: string;
  provider: string;
  coverage: Resource;
  claim: Resource;
  /** Of the claim's services, YYYY-MM-DD. */
  days: readonly string[];
  /** The decision that says what it took before. */
  took: string | undefined;
}

/**
 * What a claim is decided by of its member's plan; nothing where there is none. `beyond`: what other providers asked to have authorized is
 * among it. @throws {Failure} 503
 */
export async function benefitsShown(index: ReadModel, { payer, provider, coverage, claim, days, took }: Decided) {
  const plan = await planShown(index, payer, coverage, days);
  if (plan === undefined) return { shown: {}, beyond: false };
  const earlier = took === undefined ? [] : ((JSON.parse(took) as ClaimResponseRecord).taken ?? []);
  const own = collections.billing(payer);
  const { authorizations, ids, beyond } = await authorizationsShown(index, { payer, provider, coverage, claim });
  const family = await familyShown(index, payer, coverage, plan);
  const all: Account[] = [
    ...days.map((day) => ({ year: planYearOf(day) })),
    ...(family === undefined ? [] : days.map((day) => ({ year: planYearOf(day), family: family.id }))),
    ...ids.map((authorization) => ({ year: AUTHORIZED, authorization })),
    ...earlier.map(accountOf),
  ];
  const accounts = new Map(all.map((account) => [accountName(account), account]));
  const usage = await Promise.all(
    [...accounts.values()].map((account) => usageShown(index, own, coverage.id, account)),
  );
  const more = {
    ...(authorizations.length === 0 ? {} : { authorizations }),
    ...(family === undefined ? {} : { family: family.shown }),
  };
  return { shown: { plan, usage, ...more }, beyond: beyond || family !== undefined };
}

type ShownPlan = NonNullable<Awaited<ReturnType<typeof planShown>>>;

/** The family that a coverage is of, where the plan has terms of families: its id, and what endorsers tell that by. @throws {Failure} 503 */
async function familyShown(index: ReadModel, payer: string, coverage: Resource, { id, versions }: ShownPlan) {
  const terms = versions.map(({ version, text }) => readPlan((parseExact(text) as PlanRecord).resource, version));
  if (terms.every((one) => one.family === undefined)) return undefined;
  const text = await familyKeyOf(index, payer);
  const secret = text === undefined ? newSalt() : (JSON.parse(text) as FamilyKey).secret;
  const shown = text === undefined ? { secret } : { text };
  return { id: familyOf(secret, id, readCover(coverage)), shown };
}

/** Undefined where no claim of a family's has been decided. @throws {Failure} 503 */
async function familyKeyOf(index: ReadModel, payer: string): Promise<string | undefined> {
  const [own, key] = [collections.billing(payer), privateKeys.familyKey(payer)];
  return (await index.evidence.isWritten(own, key)) ? textAt(index, own, key) : undefined;
}

/** Whose claims are decided one after the other: those under one subscriber number of a plan; undefined: of whoever has no plan. */
export function turnOf(coverage: Resource): string | undefined {
  const { plans, subscriberId } = readCover(coverage);
  return plans.length === 0 ? undefined : (subscriberId ?? coverage.id);
}

/** What a member has used of a plan year by now, in minor units. @throws {Failure} 503 */
export const usedOf = (index: ReadModel, payer: string, coverage: string, year: string): Promise<Sums> =>
  usedIn(index, payer, coverage, { year });

async function usedIn(index: ReadModel, payer: string, coverage: string, account: Account): Promise<Sums> {
  const { text, returns } = await usageShown(index, collections.billing(payer), coverage, account);
  const totals = text === undefined ? nothingUsed() : (JSON.parse(text) as Accumulator).totals;
  return returns.reduce((sums, one) => minus(sums, returnSchema.parse(JSON.parse(one)).sums), totals);
}

/** What the family of a coverage has used of a day's plan year; undefined where its plan has no terms of families. @throws {Failure} 503 */
export async function usedByFamily(
  index: ReadModel,
  payer: string,
  coverage: Resource,
  day: string,
): Promise<Sums | undefined> {
  const plan = await planShown(index, payer, coverage, [day]);
  const family = plan && (await familyShown(index, payer, coverage, plan));
  return family && usedIn(index, payer, coverage.id, { year: planYearOf(day), family: family.id });
}
