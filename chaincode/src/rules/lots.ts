/**
 * Whether a package may be handed out by its lot. Pure: what the dispense says of it, what the regulators publish of its product and the
 * days in, the reason against it out.
 */
import { firstDay, lastDay } from '../model/days.ts';
import { type KnownProduct, lotName, type Package } from '../model/lots.ts';
import { instantOf, spanOf } from '../model/periods.ts';

/** The reasons, and what each means. */
export const LOT_REFUSALS = {
  'lot-expired': 'the lot has expired when it is handed over',
  'lot-not-stated': 'the lot is not stated, of a product of which lots are published or recalled',
  'lot-unknown': 'there is no such lot of this product',
  'other-expiry': 'the lot was published with another expiry',
  'lot-recalled': 'the lot is recalled',
} as const;
export type LotRefusal = keyof typeof LOT_REFUSALS;

export interface HandedOut {
  package: Package;
  /** What is published of its products. */
  known: readonly KnownProduct[];
  /** MedicationDispense.whenHandedOver, where it says so. */
  handedOver: string | undefined;
  /** Whether it comes from elsewhere: then it was handed over when it says. */
  isTakenOver: boolean;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** A day ends that much later in the west than by UTC. */
const WEST_MS = 12 * 3_600_000;

/** The first reason against it, in the order of the table; undefined where there is none. */
export function lotRefusal({ package: one, known, handedOver, isTakenOver, now }: HandedOut): LotRefusal | undefined {
  const then = typeof handedOver === 'string' ? handedOver : undefined;
  const isPast = isTakenOver && then !== undefined;
  if (one.expiry !== undefined && isExpired(one.expiry, then, isPast ? undefined : now)) return 'lot-expired';
  for (const { lots, recalls } of known) {
    const [published, lot] = [Object.keys(lots).length > 0, one.lot === undefined ? undefined : lotName(one.lot)];
    const standing = Object.values(recalls).filter(
      ({ publishedAt }) => !isPast || (spanOf(then)?.end ?? Infinity) > instantOf(publishedAt),
    );
    if (lot === undefined) {
      if (standing.some((recall) => recall.lots.length === 0)) return 'lot-recalled';
      if (published || standing.length > 0) return 'lot-not-stated';
      continue;
    }
    const expiry = published ? (Object.hasOwn(lots, lot) ? lots[lot] : undefined) : one.expiry;
    if (published && expiry === undefined) return 'lot-unknown';
    if (expiry !== undefined && isExpired(expiry, then, isPast ? undefined : now)) return 'lot-expired';
    if (published && one.expiry !== undefined && !isSame(one.expiry, expiry!)) return 'other-expiry';
    if (standing.some((recall) => recall.lots.length === 0 || recall.lots.some((name) => lotName(name) === lot)))
      return 'lot-recalled';
  }
  return undefined;
}

/** @param expiry FHIR dateTime, of which the last day is meant */
function isExpired(expiry: string, then: string | undefined, now: string | undefined): boolean {
  const last = lastDay(expiry);
  if (then !== undefined && firstDay(then) > last) return true;
  const end = spanOf(expiry.slice(0, 10))?.end ?? Infinity;
  return now !== undefined && instantOf(now) >= end + WEST_MS;
}

/** Of a month alone, or of a day. */
const isSame = (stated: string, published: string): boolean => published.startsWith(stated.slice(0, 10));
