/**
 * Records laid on sheets (chaincode/model/sheets.ts): in their order, as many on one as a content holds. A new record's id
 * follows from its place, so the ids that were given while it was planned are replaced here.
 */
import { randomUUID } from 'node:crypto';
import type { BookingShown } from '@telemed-ledger/chaincode/model/bookings.ts';
import type { DispenseShown } from '@telemed-ledger/chaincode/model/dispensing.ts';
import type { VisitShown } from '@telemed-ledger/chaincode/model/live-visits.ts';
import type { LotShown } from '@telemed-ledger/chaincode/model/lots.ts';
import type { CheckShown } from '@telemed-ledger/chaincode/model/medication-alerts.ts';
import type { AnswerShown } from '@telemed-ledger/chaincode/model/referrals.ts';
import {
  MAX_CONTENT_LENGTH,
  type RecordDraft,
  recordIdAt,
  type SheetDraft,
} from '@telemed-ledger/chaincode/model/sheets.ts';
import { type Renamed, withFinalIds } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';

/** A record version, ready to be laid: `resource` is canonical JSON. */
export interface RecordItem extends RecordDraft {
  /** What a dispense is recorded by. */
  shown?: Omit<DispenseShown, 'id'>;
  /** What is known of the lot that a dispense hands out. */
  lotted?: Omit<LotShown, 'id'>;
  /** What an appointment is recorded by. */
  booked?: Omit<BookingShown, 'id'>;
  /** What a visit is recorded by. */
  visited?: Omit<VisitShown, 'id'>;
  /** What an answer to an order is recorded by. */
  answered?: Omit<AnswerShown, 'id'>;
  /** What an order of medicines is checked by. */
  checked?: Omit<CheckShown, 'id'>;
  type: string;
  /** Its id is one that it was planned with. */
  isProvisional: boolean;
}

/** The items of each sheet: several up to the length of a content, a longer record by itself. */
function cut(items: readonly RecordItem[]): RecordItem[][] {
  const sheets: RecordItem[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const item of items) {
    length += item.resource.length;
    if (length > MAX_CONTENT_LENGTH) {
      sheets.push([]);
      length = item.resource.length;
    }
    sheets.at(-1)?.push(item);
  }
  return sheets;
}

/** The lists of the private input that show what records rest on, by what of an item stands in each. */
const LISTS = {
  dispenses: 'shown',
  bookings: 'booked',
  visits: 'visited',
  answers: 'answered',
  checks: 'checked',
  lots: 'lotted',
} as const satisfies Record<string, keyof RecordItem>;
type List = keyof typeof LISTS;
/** Their names, for a pattern. */
export const LIST_NAMES = Object.keys(LISTS).join('|');

/** The items that show something in a list, in its order. */
export const shownIn = (list: string, items: readonly RecordItem[]): RecordItem[] =>
  items.filter((item) => item[LISTS[list as List]] !== undefined);

/** How long what an item shows is, in characters. */
export const lengthShown = (item: RecordItem): number =>
  Object.values(LISTS).reduce((sum, name) => sum + (JSON.stringify(item[name])?.length ?? 0), 0);

/** A list is absent where none of the records shows anything in it. */
export interface Laid {
  sheets: SheetDraft[];
  dispenses?: DispenseShown[];
  bookings?: BookingShown[];
  visits?: VisitShown[];
  answers?: AnswerShown[];
  checks?: CheckShown[];
  lots?: LotShown[];
}

/** The sheets of a transaction with what is shown for them, and the final ids of its new records. */
export function sheetsOf(items: readonly RecordItem[]): { laid: Laid; renamed: Renamed } {
  const renamed = new Map<string, string>();
  const cuts = cut(items).map((records) => ({ id: randomUUID(), records }));
  for (const { id: sheet, records } of cuts)
    for (const [index, { id, type, isProvisional }] of records.entries())
      if (isProvisional) renamed.set(id, recordIdAt({ sheet, index }, type));
  const sheets = cuts.map(({ id, records }) => ({
    ...{ id, salt: newSalt() },
    records: records.map((item) => recordOf(item, renamed)),
  }));
  const lists = (Object.keys(LISTS) as List[]).flatMap((list) => {
    const shown = shownIn(list, items).map((item) => ({ ...item[LISTS[list]], id: renamed.get(item.id) ?? item.id }));
    return shown.length === 0 ? [] : [[list, shown] as const];
  });
  const laid: Laid = { sheets, ...Object.fromEntries(lists) };
  return { laid, renamed };
}

function recordOf(
  {
    type: _,
    isProvisional: __,
    shown: ___,
    booked: ____,
    visited: _____,
    checked: ______,
    lotted: _______,
    answered: ________,
    ...draft
  }: RecordItem,
  renamed: Renamed,
): RecordDraft {
  const id = renamed.get(draft.id) ?? draft.id;
  return { ...draft, id, resource: withFinalIds(draft.resource, renamed) };
}
