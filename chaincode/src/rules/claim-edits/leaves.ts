/** What of a bill asks for money by itself: a line, or where it is decided in its parts, each of those. */
import { type Bill, type BillItem, type BillPart, isInParts } from '../../model/bill.ts';
import { billedItems } from '../../model/claim-practitioners.ts';

/** Where a denial is in its claim, by sequences. */
export interface Place {
  item: number;
  detail?: number;
  subDetail?: number;
}

/** A part with the time, the records and the team of its line, and with the modifiers of all that it lies in. */
export interface Leaf extends BillItem {
  place: Place;
}

const DEEPER = { item: 'detail', detail: 'subDetail' } as const;

function leavesIn(item: BillItem, part: BillPart, place: Place, level: 'item' | 'detail' | undefined): Leaf[] {
  if (!isInParts(part) || level === undefined) return [{ ...item, ...part, place }];
  const within = DEEPER[level];
  const next = level === 'item' ? ('detail' as const) : undefined;
  return part.parts
    .filter(({ billed }) => billed > 0)
    .flatMap((inner) => {
      const modifiers = [...new Set([...part.modifiers, ...inner.modifiers])];
      return leavesIn(item, { ...inner, modifiers }, { ...place, [within]: inner.sequence }, next);
    });
}

export const billedLeaves = (bill: Bill): Leaf[] =>
  billedItems(bill).flatMap((item) => leavesIn(item, item, { item: item.sequence }, 'item'));
