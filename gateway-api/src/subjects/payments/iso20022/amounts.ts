/** Amounts of ISO 20022's messages: decimals with a point, and back to minor units. Exact. */
import { exponentOf } from '@telemed-ledger/chaincode/model/money.ts';

interface Amount {
  units: number;
  currency: string;
}

const MOST_DECIMALS = 4;

/** What amounts come to as a decimal, of whatever currencies (as CtrlSum is). */
export function decimalText(amounts: readonly Amount[]): string {
  const places = Math.max(0, ...amounts.map(({ currency }) => exponentOf(currency) ?? 0));
  const sum = amounts.reduce(
    (all, { units, currency }) => all + BigInt(units) * 10n ** BigInt(MOST_DECIMALS - (exponentOf(currency) ?? 0)),
    0n,
  );
  const digits = String(sum / 10n ** BigInt(MOST_DECIMALS - places)).padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** A decimal of a currency in minor units; undefined for what is none, or has more decimals than the currency. */
export function unitsOf(text: string | undefined, currency: string): number | undefined {
  const exponent = exponentOf(currency);
  const parts = /^(\d{1,13})(?:\.(\d{0,5}))?$/.exec(text ?? '');
  if (parts === null || exponent === undefined) return undefined;
  const decimals = (parts[2] ?? '').replace(/0+$/, '');
  if (decimals.length > exponent) return undefined;
  return Number(`${parts[1]}${decimals.padEnd(exponent, '0')}`);
}
