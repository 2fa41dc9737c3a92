/**
 * What a payer owes of a claim, item by item, in integer minor units: nothing is lost and nothing is made, since
 * submitted = benefit + patient's share + contractual reduction holds for every item and for the whole.
 */
import type { Bill, BillItem } from '../model/bill.ts';
import type { FeeSchedule } from '../model/claims.ts';
import type { Cover } from '../model/coverage.ts';
import { decimalOfUnits, multiply, percentOf, roundHalfUp } from '../model/money.ts';
import type { Verdict } from './claims.ts';

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
  status: 'approved' | 'partial' | 'patient-responsibility' | 'denied';
  currency: string;
  items: ({ sequence: number /** The edit that denies the line. */; denied?: string } & Decision)[];
  total: Decision;
}

/** Prices by code, whatever the case of its letters: a code in small letters is no other service. */
const inCapitals = (prices: Record<string, number>): Map<string, number> => {
  const all = new Map<string, number>();
  for (const [key, price] of Object.entries(prices)) {
    const name = key.toUpperCase();
    all.set(name, Math.min(price, all.get(name) ?? price));
  }
  return all;
};

/** The price of an item's service, the lowest where several of its codes have one; by `system|code`, else by code. */
function priceOf(item: BillItem, prices: ReadonlyMap<string, number>): number | undefined {
  const found = item.codes.map(({ system, code }) => {
    const key = [`${system}|${code}`, code].map((one) => one.toUpperCase()).find((one) => prices.has(one));
    return key === undefined ? undefined : prices.get(key);
  });
  const priced = found.filter((price) => price !== undefined);
  return priced.length === 0 ? undefined : Math.min(...priced);
}

/** The most that a price allows; what no price is known of is as it is billed. */
function allowedOf(item: BillItem, price: number | undefined): number {
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

/** Of a line whose service the payer has agreed on no price for. */
const NOT_COVERED = 'not-covered';

const NOTHING: Decision = { submitted: 0, eligible: 0, share: 0, benefit: 0, reduction: 0 };

const add = (a: Decision, b: Decision): Decision => ({
  submitted: a.submitted + b.submitted,
  eligible: a.eligible + b.eligible,
  share: a.share + b.share,
  benefit: a.benefit + b.benefit,
  reduction: a.reduction + b.reduction,
});

/** What it comes to: where nothing is left to pay, the patient owes it, or nobody does. */
function statusOf({ benefit, share, reduction }: Decision): Adjudication['status'] {
  if (benefit === 0) return share > 0 ? 'patient-responsibility' : 'denied';
  return reduction === 0 ? 'approved' : 'partial';
}

/**
 * Decides a claim, line by line. `approved` pays all that is billed but the patient's share, `partial` less than that because of
 * the fee schedule or of lines that are denied, `patient-responsibility` nothing because the patient's share is all, `denied` nothing.
 * @param verdict what of it an edit denies: nothing of that is allowed
 */
export function adjudicateClaim(
  bill: Bill,
  cover: Cover,
  feeSchedule: FeeSchedule | undefined,
  verdict: Verdict,
): Adjudication {
  const prices = inCapitals(feeSchedule?.prices ?? {});
  let copayLeft = cover.copay?.units ?? 0;
  const items = bill.items.map((item) => {
    const price = priceOf(item, prices);
    const isCovered = price !== undefined || feeSchedule?.unlisted !== 'not-covered' || item.billed === 0;
    const denied = (verdict.lines.get(item.sequence) ?? verdict.claim)?.edit ?? (isCovered ? undefined : NOT_COVERED);
    const allowed = denied === undefined ? allowedOf(item, price) : 0;
    const { copay, ...decision } = decideItem(allowed, item.billed, copayLeft, cover);
    copayLeft -= copay;
    return { sequence: item.sequence, ...(denied === undefined ? {} : { denied }), ...decision };
  });
  const total = items.reduce<Decision>((sum, decision) => add(sum, decision), NOTHING);
  return { status: statusOf(total), currency: bill.currencies[0]!, items, total };
}
