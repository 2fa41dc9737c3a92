/** The patient's part of what is allowed, by the terms of the coverage or of the plan that it names. */
import { accountName, nothingUsed, planYearOf, plus, type Sums, usedBy } from '../model/accumulators.ts';
import type { BillItem, BillPart } from '../model/bill.ts';
import type { Cover } from '../model/coverage.ts';
import { addDays } from '../model/days.ts';
import { decimalOfUnits, percentOf } from '../model/money.ts';
import { type Category, type Costs, type Limits, type PlanTerms, serviceNameOf } from '../model/plans.ts';
import { type Authorizations, type AuthorizedLine, wholeUnits } from './authorized-services.ts';
import { AuthorizedUse } from './authorized-use.ts';

/** Why a part of what is billed is not paid: `name` is an edit or one of ADJUSTMENTS. */
export interface Adjusted {
  name: string;
  units: number;
}

/** What becomes of what is allowed of a part, in minor units. */
interface Shared {
  /** Copay, coinsurance and deductible. */
  share: number;
  deductible: number;
  benefit: number;
  /** Why nothing of it is left to pay, neither by the payer nor by the patient. */
  denied?: string;
  /** What it is less than what was allowed, by its reasons. */
  adjustments: Adjusted[];
}

/** What is billed: a part, next to what it lies in, from the item on. */
export interface Billed {
  item: BillItem;
  part: BillPart;
  /** From the innermost on. */
  within: readonly BillPart[];
}

/** The terms of one claim's adjudication: they remember what its earlier parts took. */
export interface CostSharing {
  hasDeductible: boolean;
  /** Why nothing of a part is paid whatever its price, as a name of ADJUSTMENTS; undefined where it may be. */
  denies: (billed: Billed) => string | undefined;
  /** @param allowed minor units */
  take: (billed: Billed, allowed: number) => Shared;
  /** What the parts so far took of accounts, by the names of these. */
  taken: () => Map<string, Sums>;
  /** Lines of requests for authorization that are for what the parts so far bill. */
  linked: () => readonly AuthorizedLine[];
}

/** What a claim is decided by of the plan that its coverage names. */
export interface PlanFacts {
  /** The version in force on a day of service (YYYY-MM-DD); undefined where none is. */
  on: (day: string) => PlanTerms | undefined;
  /** What was used before the claim of its accounts, by their names. */
  before: ReadonlyMap<string, Sums>;
  /** Id of the family whose use counts too; undefined where the plan has no terms of families. */
  family?: string | undefined;
  /** Name of the provider. */
  provider: string;
  /** What the payer has authorized of the claim's coverage. */
  authorizations: Authorizations;
  /** Of the versions in force. */
  currencies: readonly string[];
}

/** Adjustments that are not of nothing. */
const adjustmentsOf = (units: Readonly<Record<string, number>>): Adjusted[] =>
  Object.entries(units).flatMap(([name, sum]) => (sum === 0 ? [] : [{ name, units: sum }]));

/** By the Coverage alone: its copay first, once per claim, from the lines in their order; its coinsurance on what is left of each. */
function byCoverage(cover: Cover): CostSharing {
  let copayLeft = cover.copay?.units ?? 0;
  return {
    hasDeductible: false,
    denies: () => undefined,
    take: (_, allowed) => {
      const copay = Math.min(allowed, copayLeft);
      copayLeft -= copay;
      const coinsurance = cover.coinsurance === undefined ? 0 : percentOf(allowed - copay, cover.coinsurance);
      const share = copay + coinsurance;
      return { share, deductible: 0, benefit: allowed - share, adjustments: adjustmentsOf({ copay, coinsurance }) };
    },
    taken: () => new Map(),
    linked: () => [],
  };
}

const namesOf = ({ codes }: BillPart): string[] =>
  codes.flatMap(({ system, code }) => [serviceNameOf(`${system}|${code}`), serviceNameOf(code)]);

/** The category of a part: by its own codes, else by those of what it lies in, else the one without services. */
function categoryOf({ categories }: PlanTerms, { part, within }: Billed): Category | undefined {
  for (const one of [part, ...within]) {
    const names = namesOf(one);
    const found = categories.find(({ services }) => names.some((name) => services.has(name)));
    if (found !== undefined) return found;
  }
  return categories.find(({ services }) => services.size === 0);
}

const NO_COSTS: Costs = { copay: 0, coinsurance: undefined, hasDeductible: true };

/** What part of an amount a part of its units is, down. */
const partOf = (amount: number, units: number, all: number): number =>
  Number((decimalOfUnits(amount).digits * BigInt(units)) / BigInt(all));

/**
 * What is open of a limit: of the member's own and of the family's the less. A plan with the family's alone has every member meet that
 * together with the others. @param otherwise where the plan has neither
 */
function openOf(
  { person, family }: PlanTerms,
  [own, together]: readonly [own: Sums, together: Sums],
  limit: keyof Limits,
  sum: 'deductible' | 'outOfPocket',
  otherwise: number,
): number {
  const open = [[person[limit], own[sum]] as const, [family?.[limit], together[sum]] as const].flatMap(
    ([most, used]) => (most === undefined ? [] : [Math.max(0, most - used)]),
  );
  return open.length === 0 ? otherwise : Math.min(...open);
}

class ByPlan implements CostSharing {
  readonly #cover: Cover;
  readonly #plan: PlanFacts;
  readonly #taken = new Map<string, Sums>();
  readonly #copaysLeft = new Map<string, number>();
  readonly #authorized: AuthorizedUse;
  hasDeductible = false;

  constructor(cover: Cover, plan: PlanFacts) {
    this.#cover = cover;
    this.#plan = plan;
    this.#authorized = new AuthorizedUse(plan.authorizations, plan.before);
  }

  denies(billed: Billed): string | undefined {
    const { item, part } = billed;
    if (part.billed === 0) return undefined;
    const terms = this.#plan.on(item.first);
    if (terms === undefined) return 'plan-not-in-force';
    if ((terms.person.deductible ?? 0) > 0 || (terms.family?.deductible ?? 0) > 0) this.hasDeductible = true;
    const category = categoryOf(terms, billed);
    if (category?.isExcluded === true) return 'excluded';
    if (this.#isOutside(terms) && category?.outOfNetwork === undefined) return 'out-of-network';
    const { first } = this.#cover.days;
    if (category !== undefined && first !== undefined && item.first < addDays(first, category.waitingDays))
      return 'waiting-period';
    const isLacking = this.#authorized.denies(billed, category?.services ?? new Set());
    return category?.needsAuthorization === true ? isLacking : undefined;
  }

  #isOutside({ network }: PlanTerms): boolean {
    return network !== undefined && !network.has(this.#plan.provider);
  }

  take(billed: Billed, allowed: number): Shared {
    const { item, part } = billed;
    const terms = this.#plan.on(item.first)!;
    const category = categoryOf(terms, billed);
    const year = planYearOf(item.first);
    const mine = this.#taken.get(year) ?? nothingUsed();
    const sums = plus(this.#plan.before.get(year) ?? nothingUsed(), mine);
    const family = terms.family === undefined ? undefined : accountName({ year, family: this.#plan.family });
    const ours = family === undefined ? nothingUsed() : (this.#taken.get(family) ?? nothingUsed());
    const together = plus(this.#plan.before.get(family ?? '') ?? nothingUsed(), ours);
    const before = category === undefined ? { units: 0, amount: 0 } : usedBy(sums, category.name);
    const units = allowed === 0 ? 0 : wholeUnits(part.quantity);
    const isLimited = category?.needsAuthorization === true;
    const authorized = isLimited ? Math.min(units, this.#authorized.left(billed, category.services)) : units;
    const granted = Math.min(authorized, Math.max(0, (category?.maxUnits ?? units + before.units) - before.units));
    const covered = granted === units ? allowed : partOf(allowed, granted, units);
    const { copay, deductible, coinsurance } = this.#shareOf(covered, terms, category, item, [sums, together]);
    const share = copay + deductible + coinsurance;
    const benefit = Math.min(
      covered - share,
      Math.max(0, (category?.maxAmount ?? covered + before.amount) - before.amount),
    );
    const used = category === undefined ? {} : { [category.name]: { units: granted, amount: benefit } };
    this.#taken.set(year, plus(mine, { deductible, outOfPocket: share, used }));
    if (family !== undefined) this.#taken.set(family, plus(ours, { deductible, outOfPocket: share, used: {} }));
    if (isLimited) this.#authorized.take(billed, category.services, granted);
    const exceeding = authorized === units ? 0 : allowed - partOf(allowed, authorized, units);
    const maximum = allowed - exceeding - share - benefit;
    const limits = { 'authorization-exceeded': exceeding, 'benefit-maximum': maximum };
    const adjustments = adjustmentsOf({ ...limits, deductible, copay, coinsurance });
    const reason = exceeding === allowed ? 'authorization-exceeded' : 'benefit-maximum';
    const denied = allowed > 0 && maximum + exceeding === allowed ? { denied: reason } : {};
    return { share, deductible, benefit, ...denied, adjustments };
  }

  /** The copay, the deductible and the coinsurance, in this order, up to what is left of the maximum: then in the other. */
  #shareOf(
    covered: number,
    terms: PlanTerms,
    category: Category | undefined,
    item: BillItem,
    used: readonly [own: Sums, together: Sums],
  ) {
    const costs = (this.#isOutside(terms) ? category?.outOfNetwork : category?.inNetwork) ?? NO_COSTS;
    let copay = this.#copayOf(costs, category, item, covered);
    const open = costs.hasDeductible ? openOf(terms, used, 'deductible', 'deductible', 0) : 0;
    let deductible = Math.min(covered - copay, open);
    let coinsurance = costs.coinsurance === undefined ? 0 : percentOf(covered - copay - deductible, costs.coinsurance);
    let left = openOf(terms, used, 'outOfPocketMaximum', 'outOfPocket', Number.MAX_SAFE_INTEGER);
    deductible = Math.min(deductible, left);
    left -= deductible;
    copay = Math.min(copay, left);
    coinsurance = Math.min(coinsurance, left - copay);
    return { copay, deductible, coinsurance };
  }

  /** Once for each category and day, from the parts in their order. */
  #copayOf({ copay }: Costs, category: Category | undefined, item: BillItem, covered: number): number {
    const key = `${item.first} ${category?.name ?? ''}`;
    const left = this.#copaysLeft.get(key) ?? copay;
    const taken = Math.min(covered, left);
    this.#copaysLeft.set(key, left - taken);
    return taken;
  }

  taken(): Map<string, Sums> {
    return new Map([...this.#taken, ...this.#authorized.taken()]);
  }

  linked(): readonly AuthorizedLine[] {
    return this.#authorized.linked();
  }
}

/** The cost sharing of one claim. @param plan undefined where its coverage names none that there is */
export const sharingOf = (cover: Cover, plan?: PlanFacts): CostSharing =>
  plan === undefined ? byCoverage(cover) : new ByPlan(cover, plan);
