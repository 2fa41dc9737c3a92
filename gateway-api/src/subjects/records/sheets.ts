/**
 * Records laid on sheets (chaincode/model/sheets.ts): in their order, as many on one as a content holds. A new record's id
 * follows from its place, so the ids that were given while it was planned are replaced here.
 */
import { randomUUID } from 'node:crypto';
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

/** The sheets of a transaction, and the final ids of its new records. */
export function sheetsOf(items: readonly RecordItem[]): { sheets: SheetDraft[]; renamed: Renamed } {
  const renamed = new Map<string, string>();
  const laid = cut(items).map((records) => ({ id: randomUUID(), records }));
  for (const { id: sheet, records } of laid)
    for (const [index, { id, type, isProvisional }] of records.entries())
      if (isProvisional) renamed.set(id, recordIdAt({ sheet, index }, type));
  const sheets = laid.map(({ id, records }) => ({
    ...{ id, salt: newSalt() },
    records: records.map((item) => recordOf(item, renamed)),
  }));
  return { sheets, renamed };
}

function recordOf({ type: _, isProvisional: __, ...draft }: RecordItem, renamed: Renamed): RecordDraft {
  const id = renamed.get(draft.id) ?? draft.id;
  return { ...draft, id, resource: withFinalIds(draft.resource, renamed) };
}
