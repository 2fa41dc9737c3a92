/**
 * Records laid on sheets (chaincode/model/sheets.ts): in their order, as many on one as a content holds. A new record's id
 * follows from its place, so the ids that were given while it was planned are replaced here.
 */
import { randomUUID } from 'node:crypto';
import type { BookingShown } from '@telemed-ledger/chaincode/model/bookings.ts';
import type { DispenseShown } from '@telemed-ledger/chaincode/model/dispensing.ts';
import type { VisitShown } from '@telemed-ledger/chaincode/model/live-visits.ts';
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
  /** What an appointment is recorded by. */
  booked?: Omit<BookingShown, 'id'>;
  /** What a visit is recorded by. */
  visited?: Omit<VisitShown, 'id'>;
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

export interface Laid {
  sheets: SheetDraft[];
  /** Absent where none of them is a dispense of a prescription. */
  dispenses?: DispenseShown[];
  /** Absent where none of them is an appointment that takes a time. */
  bookings?: BookingShown[];
  /** Absent where none of them is a visit that rests on something. */
  visits?: VisitShown[];
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
  const shownFor = <T>(one: (item: RecordItem) => T | undefined): (T & { id: string })[] =>
    items.flatMap((item) => {
      const shown = one(item);
      return shown === undefined ? [] : [{ ...shown, id: renamed.get(item.id) ?? item.id }];
    });
  const dispenses = shownFor(({ shown }) => shown);
  const bookings = shownFor(({ booked }) => booked);
  const visits = shownFor(({ visited }) => visited);
  const laid: Laid = {
    sheets,
    ...(dispenses.length === 0 ? {} : { dispenses }),
    ...(bookings.length === 0 ? {} : { bookings }),
    ...(visits.length === 0 ? {} : { visits }),
  };
  return { laid, renamed };
}

function recordOf(
  { type: _, isProvisional: __, shown: ___, booked: ____, visited: _____, ...draft }: RecordItem,
  renamed: Renamed,
): RecordDraft {
  const id = renamed.get(draft.id) ?? draft.id;
  return { ...draft, id, resource: withFinalIds(draft.resource, renamed) };
}
