/**
 * FHIR Money to integer minor units and back, by exact decimal arithmetic on text: an amount is never a binary
 * fraction inside the ledger. Keep tariffs and sharing rules out of here.
 */
import { LedgerError } from './errors.ts';

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

/** ISO 4217 active currencies by the number of decimals they have. */
const CURRENCIES: readonly [number, string][] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF ' +
      'CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK ' +
      'HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR ' +
      'MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP ' +
      'SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR ' +
      'ZMW ZWL',
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];
const EXPONENTS = new Map(CURRENCIES.flatMap(([exponent, codes]) => codes.split(' ').map((code) => [code, exponent])));

/** How many decimals a currency has; undefined for what is no active ISO 4217 code. */
export const exponentOf = (currency: string): number | undefined => EXPONENTS.get(currency);

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/;

/** The exact decimal that a JSON number's shortest text says; undefined for what is not a finite number. */
export function decimalOf(value: number): Decimal | undefined {
  const found = Number.isFinite(value) ? NUMBER.exec(String(value)) : null;
  if (found === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found;
  const digits = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

export const ONE: Decimal = { digits: 1n, scale: 0 };

export const multiply = (a: Decimal, b: Decimal): Decimal => ({
  digits: a.digits * b.digits,
  scale: a.scale + b.scale,
});

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

function unitsOf(value: number, exponent: number): number | undefined {
  const decimal = decimalOf(value);
  if (decimal === undefined || decimal.digits < 0n) return undefined;
  const shift = exponent - decimal.scale;
  const scaled = shift >= 0 ? decimal.digits * 10n ** BigInt(shift) : decimal.digits / 10n ** BigInt(-shift);
  const exact = shift >= 0 || scaled * 10n ** BigInt(-shift) === decimal.digits;
  return exact && scaled <= BigInt(MAX_UNITS) ? Number(scaled) : undefined;
}

/**
 * FHIR Money in minor units.
 * @throws LedgerError INVALID at `expression` where value or currency is missing, the currency is unknown, the
 * amount is negative or too large, or it has more decimals than the currency.
 */
export function parseMoney(money: unknown, expression: string): Amount {
  const { value, currency } = (money ?? {}) as Partial<Money>;
  const exponent = typeof currency === 'string' ? exponentOf(currency) : undefined;
  if (currency === undefined || exponent === undefined) {
    throw new LedgerError('INVALID', 'money needs an ISO 4217 currency', `${expression}.currency`);
  }
  const units = typeof value === 'number' ? unitsOf(value, exponent) : undefined;
  if (units === undefined) {
    throw new LedgerError(
      'INVALID',
      "money must be an amount from zero up, with no more decimals than its currency's",
      `${expression}.value`,
    );
  }
  return { units, currency };
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
