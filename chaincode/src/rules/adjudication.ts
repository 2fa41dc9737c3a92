/**
 * What a payer owes of a claim, item by item, in integer minor units: nothing is lost and nothing is made, since
 * submitted = benefit + patient's share + contractual reduction holds for every item and for the whole.
 */
import type { Bill, BillItem } from '../model/bill.ts';
import type { FeeSchedule } from '../model/claims.ts';
import type { Cover } from '../model/coverage.ts';
import { decimalOfUnits, multiply, percentOf, roundHalfUp } from '../model/money.ts';

/** Amounts in minor units. */
export interface Decision {
  submitted: number;
  /** What the fee schedule allows of it. */
  eligible: number;
  /** The patient's part of what is allowed. */
  share: number;
  /** The payer's part of what is allowed. */
  benefit: number;
  /** What nobody owes: submitted less eligible. */
  reduction: number;
}

export interface Adjudication {
  status: 'approved' | 'partial' | 'denied';
  currency: string;
  items: ({ sequence: number } & Decision)[];
  total: Decision;
}

/** The price of an item's service, the lowest where several of its codes have one; by `system|code`, else by code. */
function priceOf(item: BillItem, prices: Record<string, number>): number | undefined {
  const found = item.codes.map(({ system, code }) => {
    const key = [`${system}|${code}`, code].find((candidate) => Object.hasOwn(prices, candidate));
    return key === undefined ? undefined : prices[key];
  });
  const priced = found.filter((price) => price !== undefined);
  return priced.length === 0 ? undefined : Math.min(...priced);
}

function allowedOf(item: BillItem, feeSchedule: FeeSchedule | undefined): number {
  const price = feeSchedule === undefined ? undefined : priceOf(item, feeSchedule.prices);
  const limit = price === undefined ? undefined : roundHalfUp(multiply(decimalOfUnits(price), item.quantity));
  return limit === undefined ? item.billed : Math.min(item.billed, limit);
}

/** The copay first, once per claim, from the items in their order; the coinsurance on what is left of each. */
function decideItem(allowed: number, billed: number, copayLeft: number, cover: Cover): Decision & { copay: number } {
  const copay = Math.min(allowed, copayLeft);
  const coinsurance = cover.coinsurance === undefined ? 0 : percentOf(allowed - copay, cover.coinsurance);
  const share = copay + coinsurance;
  return { submitted: billed, eligible: allowed, share, benefit: allowed - share, reduction: billed - allowed, copay };
}

const NOTHING: Decision = { submitted: 0, eligible: 0, share: 0, benefit: 0, reduction: 0 };

const add = (a: Decision, b: Decision): Decision => ({
  submitted: a.submitted + b.submitted,
  eligible: a.eligible + b.eligible,
  share: a.share + b.share,
  benefit: a.benefit + b.benefit,
  reduction: a.reduction + b.reduction,
});

/**
 * Decides a claim. `approved` pays all that is billed but the patient's share, `partial` less than that because of the
 * fee schedule, `denied` nothing: because an edit denies it, or because no benefit is left.
 * @param denied whether an edit denies the claim: then nothing of it is allowed
 */
export function adjudicateClaim(
  bill: Bill,
  cover: Cover,
  feeSchedule: FeeSchedule | undefined,
  denied: boolean,
): Adjudication {
  let copayLeft = cover.copay?.units ?? 0;
  const items = bill.items.map((item) => {
    const allowed = denied ? 0 : allowedOf(item, feeSchedule);
    const { copay, ...decision } = decideItem(allowed, item.billed, copayLeft, cover);
    copayLeft -= copay;
    return { sequence: item.sequence, ...decision };
  });
  const total = items.reduce<Decision>((sum, { sequence: _, ...decision }) => add(sum, decision), NOTHING);
  const status = total.benefit === 0 ? 'denied' : total.reduction === 0 ? 'approved' : 'partial';
  return { status, currency: bill.currencies[0]!, items, total };
}
