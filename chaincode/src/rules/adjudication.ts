/**
 * What a payer owes of a claim, by item, detail and what is in a detail, in integer minor units: nothing is lost and nothing is made,
 * since submitted = benefit + patient's share + reduction holds for each of them and for the whole.
 */
import type { Sums } from '../model/accumulators.ts';
import { type Bill, type BillItem, type BillPart, isInParts } from '../model/bill.ts';
import type { FeeSchedule } from '../model/claims.ts';
import type { Cover } from '../model/coverage.ts';
import type { AuthorizedLine } from './authorized-services.ts';
import type { Tariffs } from './claim-facts.ts';
import type { Verdict } from './claims.ts';
import { type Adjusted, type Billed, type CostSharing, type PlanFacts, sharingOf } from './cost-sharing.ts';
import { allowedUnlisted, limitOf, type Pricing, priceOf, pricingOf } from './pricing.ts';

/** Amounts in minor units. */
export interface Decision {
  submitted: number;
  /** What the payer's terms allow of it. */
  eligible: number;
  /** The patient's part of what is allowed: copay, coinsurance and deductible. */
  share: number;
  /** As much of the share as the deductible is. */
  deductible: number;
  /** The payer's part of what is allowed. */
  benefit: number;
  /** Submitted less eligible. */
  reduction: number;
}

/** A billed part as it is decided. The adjustments of one that is decided in its parts are theirs. */
export interface Decided extends Decision {
  sequence: number;
  /** The edit, or the term, that denies it. */
  denied?: string;
  adjustments: Adjusted[];
  parts: Decided[];
}

export interface Adjudication {
  status: 'approved' | 'partial' | 'patient-responsibility' | 'denied';
  currency: string;
  /** Whether the terms have a deductible. */
  hasDeductible: boolean;
  items: Decided[];
  total: Decision;
  /** What others paid of it before, where others decided. */
  prior?: number;
  /** What it takes of accounts, by their names: plan years of its coverage's plan, authorizations. */
  taken?: ReadonlyMap<string, Sums>;
  /** Lines of requests for authorization that are for what it bills. */
  linked?: readonly AuthorizedLine[];
}

/** What of a price is left for what lies in a part that has one. */
interface Budget {
  left: number;
}

const NOTHING: Decision = { submitted: 0, eligible: 0, share: 0, deductible: 0, benefit: 0, reduction: 0 };

const add = (a: Decision, b: Decision): Decision => ({
  submitted: a.submitted + b.submitted,
  eligible: a.eligible + b.eligible,
  share: a.share + b.share,
  deductible: a.deductible + b.deductible,
  benefit: a.benefit + b.benefit,
  reduction: a.reduction + b.reduction,
});

export const sumOf = (decisions: readonly Decision[]): Decision => decisions.reduce(add, NOTHING);

/** What it comes to: where nothing is left to pay, the patient owes it, or nobody does. */
export function statusOf({ benefit, share, reduction }: Decision): Adjudication['status'] {
  if (benefit === 0) return share > 0 ? 'patient-responsibility' : 'denied';
  return reduction === 0 ? 'approved' : 'partial';
}

interface Deciding {
  item: BillItem;
  verdict: Verdict;
  pricing: Pricing;
  sharing: CostSharing;
}

/** Nothing of a part is paid, nor of anything in it. */
const deny = (part: BillPart, name: string): Decided => ({
  ...{ ...NOTHING, sequence: part.sequence, denied: name, submitted: part.billed, reduction: part.billed },
  adjustments: part.billed === 0 ? [] : [{ name, units: part.billed }],
  parts: part.parts.map((inner) => deny(inner, name)),
});

/** Of what only describes a part that is decided itself. */
const described = ({ sequence, parts }: BillPart): Decided => ({
  ...{ ...NOTHING, sequence, adjustments: [], parts: parts.map(described) },
});

/** What a part's price, and the prices of what it lies in, allow of it; or why it has none. */
function allowedOf(part: BillPart, { pricing }: Deciding, budgets: readonly Budget[]): number | string {
  if (budgets.length === 0) return allowedUnlisted(part, pricing);
  const allowed = Math.min(part.billed, ...budgets.map(({ left }) => left));
  for (const budget of budgets) budget.left -= allowed;
  return allowed;
}

function decideAlone(billing: Billed, deciding: Deciding, budgets: readonly Budget[]): Decided {
  const { part } = billing;
  const { sequence, billed } = part;
  const denial = deciding.sharing.denies(billing);
  if (denial !== undefined) return deny(part, denial);
  const allowed = allowedOf(part, deciding, budgets);
  if (typeof allowed === 'string') return deny(part, allowed);
  const { benefit, share, deductible, denied, adjustments } = deciding.sharing.take(billing, allowed);
  const eligible = benefit + share;
  const contractual = billed > allowed ? [{ name: 'contractual', units: billed - allowed }] : [];
  return {
    ...{
      sequence,
      ...(denied === undefined ? {} : { denied }),
      submitted: billed,
      eligible,
      share,
      deductible,
      benefit,
      reduction: billed - eligible,
    },
    ...{ adjustments: [...contractual, ...adjustments], parts: part.parts.map(described) },
  };
}

/** Adjustments of one name together, in the order in which they appear. */
function merged(adjustments: readonly Adjusted[]): Adjusted[] {
  const units = new Map<string, number>();
  for (const one of adjustments) units.set(one.name, (units.get(one.name) ?? 0) + one.units);
  return [...units].map(([name, sum]) => ({ name, units: sum }));
}

/** Decides a part by its parts where they ask for money; a price of its own limits what they come to. */
function decidePart(billing: Billed, place: string, deciding: Deciding, outer: readonly Budget[] = []): Decided {
  const { part, within, item } = billing;
  const denied = deciding.verdict.parts?.get(place)?.edit;
  if (denied !== undefined) return deny(part, denied);
  const price = priceOf(part, deciding.pricing);
  const budgets = price === undefined ? outer : [...outer, { left: limitOf(part, price) }];
  if (!isInParts(part)) return decideAlone(billing, deciding, budgets);
  const parts = part.parts.map((inner) => {
    const deeper = { item, part: inner, within: [part, ...within] };
    return decidePart(deeper, `${place}.${inner.sequence}`, deciding, budgets);
  });
  const asking = parts.filter(({ submitted }) => submitted > 0);
  const isDenied = asking.every((one) => one.denied !== undefined);
  return {
    ...{ sequence: part.sequence, ...(isDenied ? { denied: asking[0]!.denied! } : {}), ...sumOf(parts) },
    ...{ adjustments: merged(parts.flatMap(({ adjustments }) => adjustments)), parts },
  };
}

function decideItem(deciding: Deciding): Decided {
  const { item, verdict } = deciding;
  const denial = verdict.lines.get(item.sequence) ?? verdict.claim;
  if (denial !== undefined) return deny(item, denial.edit);
  return decidePart({ item, part: item, within: [] }, String(item.sequence), deciding);
}

/** The pricing of a day, made once for each fee schedule. */
function pricings(tariffs: Pick<Tariffs, 'on'>): (day: string) => Pricing {
  const made = new Map<FeeSchedule | undefined, Pricing>();
  return (day) => {
    const schedule = tariffs.on(day);
    const found = made.get(schedule) ?? pricingOf(schedule);
    made.set(schedule, found);
    return found;
  };
}

/**
 * Decides a claim, line by line. `approved` pays all that is billed but the patient's share, `partial` less than that because of
 * the payer's terms or of lines that are denied, `patient-responsibility` nothing because the patient's share is all, `denied` nothing.
 * @param verdict what of it an edit denies: nothing of that is allowed
 * @param plan undefined where the coverage names none that there is: then its own costs to the beneficiary count
 */
export function adjudicateClaim(
  bill: Bill,
  cover: Cover,
  tariffs: Pick<Tariffs, 'on'>,
  verdict: Verdict,
  plan?: PlanFacts,
): Adjudication {
  const pricingOn = pricings(tariffs);
  const sharing = sharingOf(cover, plan);
  const items = bill.items.map((item) => decideItem({ item, verdict, pricing: pricingOn(item.first), sharing }));
  const total = sumOf(items);
  const { hasDeductible } = sharing;
  return {
    ...{ status: statusOf(total), currency: bill.currencies[0]!, hasDeductible },
    ...{ items, total, taken: sharing.taken(), linked: sharing.linked() },
  };
}
