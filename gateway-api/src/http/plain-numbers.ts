/** Numbers of a body for what computes with them: plain, where a binary number holds the value that was sent. */
import { isExactNumber } from '@telemed-ledger/chaincode/model/numbers.ts';

interface Decimal {
  isNegative: boolean;
  /** Significant digits, without zeros at either end. */
  digits: string;
  exponent: number;
}

/** The value of a number as it is written: two texts of one value have the same. */
export function decimalOf(text: string): Decimal {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  const isNegative = text.startsWith('-') && digits !== '';
  return {
    isNegative,
    digits,
    exponent: digits === '' ? 0 : Number(exponent) - fraction.length + all.length - digits.length,
  };
}

/** Whether a number written so is another one as a double. */
export function losesDigits(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return true;
  const written = decimalOf(text);
  const kept = decimalOf(String(value));
  return written.digits !== kept.digits || written.exponent !== kept.exponent;
}

/** A parsed value with plain numbers. One that would be another number stays an ExactNumber, which no schema takes for a number. */
export function withPlainNumbers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isExactNumber(value)) return losesDigits(value.rawJSON) ? value : Number(value.rawJSON);
  if (Array.isArray(value)) return value.map(withPlainNumbers);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withPlainNumbers(member)]));
}
