/**
 * FHIR Money to integer minor units and back, by exact decimal arithmetic on text: an amount is never a binary
 * fraction inside the ledger. Keep tariffs and sharing rules out of here.
 */
import { LedgerError } from './errors.ts';
import { isNumber, textOfNumber } from './numbers.ts';

/** An amount in minor units (cents for USD) of an ISO 4217 currency. */
export interface Amount {
  units: number;
  currency: string;
}

/** FHIR R4 Money (hl7.org/fhir/R4/datatypes.html#Money) with both elements present. */
export interface Money {
  value: number;
  currency: string;
}

/** An exact decimal: `digits` / 10^`scale`. */
export interface Decimal {
  digits: bigint;
  scale: number;
}

/** The largest amount, in minor units: fifteen digits, which every JSON number holds exactly. */
export const MAX_UNITS = 999_999_999_999_999;

/** ISO 4217 currencies by the number of decimals they have, as of its amendment 177; those withdrawn since stay, bills name them. */
const CURRENCIES: readonly [number, string][] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF ' +
      'CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK ' +
      'HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR ' +
      'MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP ' +
      'SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ' +
      'ZAR ZMW ZWG ZWL',
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];
const EXPONENTS = new Map(CURRENCIES.flatMap(([exponent, codes]) => codes.split(' ').map((code) => [code, exponent])));

/** How many decimals a currency has; undefined for what is no active ISO 4217 code. */
export const exponentOf = (currency: string): number | undefined => EXPONENTS.get(currency);

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
/** Of a number that is computed with; longer ones, and exponents of more than three digits, are no amounts. */
const LONGEST = 100;

/** The exact decimal that a JSON number says by its digits; undefined for anything else, and for what is out of all proportion. */
export function decimalOf(value: unknown): Decimal | undefined {
  if (!isNumber(value)) return undefined;
  const text = textOfNumber(value);
  const found = text.length > LONGEST ? null : NUMBER.exec(text);
  if (found === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found;
  return scaled(BigInt(`${sign}${whole}${fraction}`), fraction.length - Number(exponent));
}

const scaled = (digits: bigint, scale: number): Decimal =>
  scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };

export const ONE: Decimal = { digits: 1n, scale: 0 };

export const multiply = (a: Decimal, b: Decimal): Decimal => ({
  digits: a.digits * b.digits,
  scale: a.scale + b.scale,
});

export const NOTHING: Decimal = { digits: 0n, scale: 0 };

const at = ({ digits, scale }: Decimal, wanted: number): bigint => digits * 10n ** BigInt(wanted - scale);

/** `one` and `sign` times `other`. */
export function plus(one: Decimal, other: Decimal, sign: 1n | -1n = 1n): Decimal {
  const scale = Math.max(one.scale, other.scale);
  return { digits: at(one, scale) + sign * at(other, scale), scale };
}

/** Below, at or above nothing: -1, 0, 1. */
export const signOf = ({ digits }: Decimal): -1 | 0 | 1 => (digits === 0n ? 0 : digits < 0n ? -1 : 1);

/** Minor units as a decimal count of minor units, to multiply with. */
export const decimalOfUnits = (units: number): Decimal => ({ digits: BigInt(units), scale: 0 });

/** A non-negative decimal to the nearest integer, halves up; undefined above MAX_UNITS or below zero. */
export function roundHalfUp({ digits, scale }: Decimal): number | undefined {
  const divisor = 10n ** BigInt(scale);
  const rounded = (2n * digits + divisor) / (2n * divisor);
  return digits < 0n || rounded > BigInt(MAX_UNITS) ? undefined : Number(rounded);
}

/** `percent` per cent of an amount in minor units, halves up; `percent` between 0 and 100. */
export function percentOf(units: number, percent: Decimal): number {
  const share = multiply(decimalOfUnits(units), { digits: percent.digits, scale: percent.scale + 2 });
  return roundHalfUp(share) ?? 0;
}

/** The integer that a decimal is; undefined where it is none. */
function integerOf({ digits, scale }: Decimal): bigint | undefined {
  const divisor = 10n ** BigInt(scale);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

/** Money with its value in minor units, of which it may have fractions. @throws LedgerError INVALID, as parseMoney */
function readMoney(money: unknown, expression: string): { decimal: Decimal | undefined; currency: string } {
  const { value, currency } = (money ?? {}) as { value?: unknown; currency?: unknown };
  const exponent = typeof currency === 'string' ? exponentOf(currency) : undefined;
  if (typeof currency !== 'string' || exponent === undefined) {
    throw new LedgerError('INVALID', 'money needs an ISO 4217 currency', `${expression}.currency`);
  }
  const major = decimalOf(value);
  const decimal = major === undefined || major.digits < 0n ? undefined : scaled(major.digits, major.scale - exponent);
  return { decimal, currency };
}

/**
 * FHIR Money in minor units.
 * @throws LedgerError INVALID at `expression` where value or currency is missing, the currency is unknown, the
 * amount is negative or too large, or it has more decimals than the currency.
 */
export function parseMoney(money: unknown, expression: string): Amount {
  const { decimal, currency } = readMoney(money, expression);
  const units = decimal && integerOf(decimal);
  if (units === undefined || units > BigInt(MAX_UNITS)) {
    throw new LedgerError(
      'INVALID',
      "money must be an amount from zero up, with no more decimals than its currency's",
      `${expression}.value`,
    );
  }
  return { units: Number(units), currency };
}

/**
 * The price of one unit, in minor units of its currency: it may have fractions of them, only what is paid may not.
 * @throws LedgerError INVALID at `expression`, as parseMoney
 */
export function parsePrice(money: unknown, expression: string): { price: Decimal; currency: string } {
  const { decimal: price, currency } = readMoney(money, expression);
  if (price !== undefined) return { price, currency };
  throw new LedgerError('INVALID', 'a price must be an amount from zero up', `${expression}.value`);
}

/** Minor units as FHIR Money. */
export function toMoney({ units, currency }: Amount): Money {
  const exponent = exponentOf(currency);
  if (exponent === undefined || !Number.isSafeInteger(units) || units < 0 || units > MAX_UNITS) {
    throw new Error('not an amount of a known currency');
  }
  const digits = String(units).padStart(exponent + 1, '0');
  const point = digits.length - exponent;
  return { value: Number(`${digits.slice(0, point)}.${digits.slice(point)}`), currency };
}
