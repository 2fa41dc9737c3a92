/**
 * What a fee schedule allows of a billed part, in minor units. A code is looked up whatever the case of its letters, and what has no
 * price is never paid as billed without a limit.
 */
import type { BillPart } from '../model/bill.ts';
import type { FeeSchedule } from '../model/claims.ts';
import { decimalOfUnits, multiply, roundHalfUp } from '../model/money.ts';
import { serviceNameOf } from '../model/plans.ts';

/** The most that is paid as billed of a line without an agreed price, where its payer has set no limit: 50,000.00 of most currencies. */
const DEFAULT_UNLISTED_LIMIT = 5_000_000;

/** Prices by the names that they are kept by; of those that differ in their letters' case alone the lowest. */
export function namedPrices(prices: Readonly<Record<string, number>>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, price] of Object.entries(prices)) {
    const kept = serviceNameOf(name);
    // The least of what is there under its own name: what an object has of its prototype is no price.
    found[kept] = Object.hasOwn(found, kept) ? Math.min(price, found[kept]!) : price;
  }
  return found;
}

/** What the fee schedule of a day says of parts. */
export interface Pricing {
  schedule: FeeSchedule | undefined;
  prices: Readonly<Record<string, number>>;
}

export const pricingOf = (schedule: FeeSchedule | undefined): Pricing => ({
  schedule,
  prices: schedule === undefined ? {} : schedule.names === 1 ? schedule.prices : namedPrices(schedule.prices),
});

/** The price of a part's service, the lowest where several of its codes have one; by `system|code`, else by code. */
export function priceOf({ codes }: Pick<BillPart, 'codes'>, { prices }: Pricing): number | undefined {
  const priced = codes.flatMap(({ system, code }) => {
    const name = [`${system}|${code}`, code].map(serviceNameOf).find((one) => Object.hasOwn(prices, one));
    return name === undefined ? [] : [prices[name]!];
  });
  return priced.length === 0 ? undefined : Math.min(...priced);
}

/** The most that a price of one unit allows of a part. */
export function limitOf({ billed, quantity }: BillPart, price: number): number {
  return Math.min(billed, roundHalfUp(multiply(decimalOfUnits(price), quantity)) ?? billed);
}

/** What is allowed of a part without a price; or the name of why nothing is. */
export function allowedUnlisted(part: BillPart, { schedule }: Pricing): number | 'not-covered' | 'no-agreed-price' {
  if (part.billed === 0) return 0;
  if (schedule?.defaultPrice !== undefined) return limitOf(part, schedule.defaultPrice);
  if (schedule?.unlisted === 'not-covered') return 'not-covered';
  return part.billed > (schedule?.unlistedLimit ?? DEFAULT_UNLISTED_LIMIT) ? 'no-agreed-price' : part.billed;
}
