/** What single elements of X12 say: amounts and days. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { elementOf, placeOf, type Segment } from './segments.ts';

/** Days, YYYY-MM-DD, both among them. */
export interface Served {
  first: string;
  last: string;
}

/** @throws LedgerError INVALID */
export const fault = (reason: string, place: string): never => {
  throw new LedgerError('INVALID', reason, place);
};

/** An amount as it is written: R4's decimals keep their digits. @throws LedgerError INVALID */
export function decimalIn(segment: Segment, place: number): unknown {
  const text = elementOf(segment, place);
  if (!/^(\d{1,15}(\.\d{0,4})?|\.\d{1,4})$/.test(text)) fault('is no amount', placeOf(segment, place));
  const [whole = '', fraction = ''] = text.split('.');
  const digits = `${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}`;
  return parseExact(digits);
}

/** `2026-01-02` of `20260102`; undefined of what is no day. */
export const dayIn = (text: string): string | undefined => /^(\d{4})(\d\d)(\d\d)$/.exec(text)?.slice(1).join('-');

/** What a DTP says: a day, or days (D8, DT, RD8). @throws LedgerError INVALID */
export function servedIn(segment: Segment): Served {
  const [format, text] = [elementOf(segment, 2), elementOf(segment, 3)];
  const [from = '', to = from] = format === 'RD8' ? text.split('-') : [text.slice(0, format === 'DT' ? 8 : undefined)];
  const [first, last] = [dayIn(from), dayIn(to)];
  if (first === undefined || last === undefined || last < first) return fault('is no day or days', placeOf(segment, 3));
  return { first, last };
}
