/** Values with a prefix (hl7.org/fhir/R4/search.html#prefix): dates, numbers and quantities as bounds of what is meant. */
import type { RangeBound, RangeCriterion } from '../repository.ts';
import { type Canonical, canonicalOf, inCanonical, UCUM } from '../units/ucum.ts';
import { instantsOf } from './dates.ts';

type Alternatives = RangeBound[][];
type Wanted = RangeCriterion['anyOf'][number];

const PREFIXED = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/s;

const bound = (end: RangeBound['end'], operator: RangeBound['operator'], limit: number): RangeBound => ({
  end,
  operator,
  limit,
});

/** How a range that ends before `high` compares with another one that does: dates. */
const OF_DATES: Record<string, (low: number, high: number) => Alternatives> = {
  eq: (low, high) => [[bound('low', '>=', low), bound('high', '<=', high)]],
  ne: (low, high) => [[bound('low', '<', low)], [bound('high', '>', high)]],
  gt: (_, high) => [[bound('high', '>', high)]],
  lt: (low) => [[bound('low', '<', low)]],
  ge: (low, high) => [[bound('high', '>', high)], [bound('low', '>=', low), bound('high', '<=', high)]],
  le: (low, high) => [[bound('low', '<', low)], [bound('low', '>=', low), bound('high', '<=', high)]],
  sa: (_, high) => [[bound('low', '>=', high)]],
  eb: (low) => [[bound('high', '<=', low)]],
  ap: (low, high) => {
    // A tenth of the time between then and now, and at least the time that it says itself.
    const around = Math.abs(Date.now() - (low + high) / 2) / 10;
    return [[bound('low', '<', high + around), bound('high', '>', low - around)]];
  },
};

/** Undefined for what is no date with a prefix. */
export function parseDates(text: string): Wanted | undefined {
  const [, prefix = 'eq', value = ''] = PREFIXED.exec(text.replace(' ', '+')) ?? [];
  const range = instantsOf(value);
  return range && { alternatives: OF_DATES[prefix]!(range.low, range.high) };
}

const NUMBER = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Half of the last digit that is written: 100 is from 99.5 to 100.5 (hl7.org/fhir/R4/search.html#number). */
function precisionOf(text: string): number {
  const [, , , fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  return 0.5 * 10 ** (Number(exponent) - fraction.length);
}

/** Sums of decimals, without what doubles add to them. */
const rounded = (number: number): number => Number(number.toPrecision(15));

const OF_NUMBERS: Record<string, (value: number, half: number) => Alternatives> = {
  eq: (value, half) => [
    [bound('low', '>=', rounded(value - half)), bound('high', '<', rounded(value + half))],
    [bound('low', '>=', value), bound('high', '<=', value)],
  ],
  ne: (value, half) => [[bound('low', '<', rounded(value - half))], [bound('high', '>=', rounded(value + half))]],
  gt: (value) => [[bound('high', '>', value)]],
  lt: (value) => [[bound('low', '<', value)]],
  ge: (value) => [[bound('high', '>=', value)]],
  le: (value) => [[bound('low', '<=', value)]],
  sa: (value) => [[bound('low', '>', value)]],
  eb: (value) => [[bound('high', '<', value)]],
  ap: (value) => {
    const around = Math.abs(value) / 10;
    return [[bound('low', '<=', rounded(value + around)), bound('high', '>=', rounded(value - around))]];
  },
};

/** Undefined for what is no decimal with a prefix. */
export function parseNumber(text: string): Wanted | undefined {
  const [, prefix = 'eq', digits = ''] = PREFIXED.exec(text) ?? [];
  const value = Number(digits);
  if (!NUMBER.test(digits) || !Number.isFinite(value)) return undefined;
  return { alternatives: OF_NUMBERS[prefix]!(value, precisionOf(digits)) };
}

const inUnit = (alternatives: Alternatives, unit: Canonical): Alternatives =>
  alternatives.map((all) => all.map((one) => ({ ...one, limit: inCanonical(one.limit, unit) })));

/**
 * `number`, `number|system|code` or `number||code`, each with a prefix; undefined for anything else. What is asked in a unit of UCUM
 * is found in every unit that compares with it (hl7.org/fhir/R4/search.html#quantity).
 */
export function parseQuantity(parts: readonly string[]): Wanted | undefined {
  const wanted = parseWritten(parts);
  const { system, unit: code = '' } = wanted ?? {};
  const canonical = system === UCUM ? canonicalOf(code) : undefined;
  if (wanted === undefined || canonical === undefined) return wanted;
  const alternatives = inUnit(wanted.alternatives, canonical);
  return { system: UCUM, unit: canonical.unit, isCanonical: true, alternatives };
}

/** The same in the unit that is written, and in no other. */
export function parseWritten(parts: readonly string[]): Wanted | undefined {
  const [digits = '', system = '', unit = ''] = parts;
  const wanted = parseNumber(digits);
  if (wanted === undefined || (parts.length !== 1 && parts.length !== 3)) return undefined;
  return { ...(system === '' ? {} : { system }), ...(unit === '' ? {} : { unit }), ...wanted };
}
