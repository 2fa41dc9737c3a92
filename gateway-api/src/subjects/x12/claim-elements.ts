/** Elements by which claims and their lines are written: amounts, numbers, services and days. */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { numberOf, textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { decimalText } from '../payments/iso20022/amounts.ts';
import { codeIn, type DecidedClaim, type DecidedLine } from './decided-lines.ts';
import { CONTROL_NUMBERS, CPT, HCPCS, ITEM_TRACE_NUMBER, LINE_NUMBERS, REVENUE } from './terms.ts';
import { compactDay, type Written } from './writing.ts';

/** The longest of reference numbers (REF02, TRN02, CLP07) and of account numbers (CLP01). */
export const LONGEST = { reference: 50, account: 38 };

/** Without zeros at its end and before its point, as the guides ask (B.1.1.3.1.2). */
export function amountText(units: number, currency: string): string {
  const text = decimalText([{ units: Math.abs(units), currency }]);
  const short = text.includes('.') ? text.replace(/\.?0+$/, '').replace(/^0(?=\.)/, '') : text;
  return units < 0 ? `-${short}` : short;
}

/** Hundredths of an amount as a file writes it; what X12 charges is in US dollars. */
export const centsOf = (amount: unknown): number => Math.round(numberOf(amount as number) * 100);

/** @throws LedgerError INVALID where it is empty, or longer than its element */
export function checked(text: string, most: number, place: string): string {
  if (text.length > 0 && text.length <= most) return text;
  throw new LedgerError('INVALID', `has none, or more than ${most} characters`, place);
}

/** What the provider calls the account; where it said nothing, the claim's own id. */
export function controlNumberOf({ id, claim }: Pick<DecidedClaim, 'id' | 'claim'>): string {
  const stated = objectsOf(claim['identifier']).find(({ system }) => system === CONTROL_NUMBERS)?.['value'];
  return checked(typeof stated === 'string' ? stated : id, LONGEST.account, 'CLP01');
}

/** What the provider calls a line; where it said nothing, its number. */
export function lineNumberOf({ item, sequence }: DecidedLine): string {
  const numbers = objectsOf(item['extension'])
    .filter(({ url }) => url === ITEM_TRACE_NUMBER)
    .map(({ valueIdentifier }) => valueIdentifier as { system?: string; value?: string } | undefined);
  const stated = numbers.find((one) => one?.system === LINE_NUMBERS) ?? numbers[0];
  return checked(stated?.value ?? String(sequence), LONGEST.reference, 'REF*6R 02');
}

/** SVC01, SVC04 and SVC05. */
export interface Service {
  /** HC or NU, the code, its modifiers. */
  code: string[];
  /** Revenue code; empty where there is none. */
  revenue: string;
  /** Of what is billed; empty where it is not said. */
  units: string;
}

/** What is billed by a line, in X12's codes; undefined where its codes are none of these. */
export function serviceOf({ item }: DecidedLine): Service | undefined {
  const { productOrService, modifier, revenue, quantity } = item;
  const { value } = (quantity ?? {}) as { value?: number };
  const units = value === undefined ? '' : textOfNumber(value);
  const code = codeIn(productOrService, CPT) ?? codeIn(productOrService, HCPCS);
  const unit = codeIn(revenue, REVENUE) ?? codeIn(productOrService, REVENUE);
  const modifiers = objectsOf(modifier).flatMap((one) => codeIn(one, HCPCS) ?? codeIn(one, CPT) ?? []);
  if (code !== undefined) return { code: ['HC', code, ...modifiers.slice(0, 4)], revenue: unit ?? '', units };
  return unit === undefined ? undefined : { code: ['NU', unit], revenue: '', units };
}

/** First and last day of a line, YYYY-MM-DD; empty where it does not say. */
export function daysOf({ item }: DecidedLine): { first: string; last: string } {
  const { start, end } = (item['servicedPeriod'] ?? {}) as { start?: string; end?: string };
  const first = ((item['servicedDate'] as string | undefined) ?? start ?? '').slice(0, 10);
  return { first, last: (end ?? first).slice(0, 10) };
}

/** DTP*472 of days, YYYY-MM-DD. */
export const serviceDates = ({ first, last }: { first: string; last: string }): Written =>
  first === last
    ? ['DTP', '472', 'D8', compactDay(first)]
    : ['DTP', '472', 'RD8', `${compactDay(first)}-${compactDay(last)}`];
