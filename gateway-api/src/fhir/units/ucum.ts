/**
 * Codes of UCUM (ucum.org/ucum): whether one is a unit, and its canonical form, by which quantities in different units compare.
 * definitions/units.json is UCUM's table; the table and its codes are copyright Regenstrief Institute and the UCUM Organization (ucum.org/license).
 */
import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';

/** The system of the codes. */
export const UCUM = 'http://unitsofmeasure.org';

/** What a value times `factor` plus `offset` is in. */
export interface Canonical {
  /** Base units with their exponents, `g.m-3`; `1` for a plain number. Equal for all units that compare. */
  unit: string;
  factor: number;
  offset: number;
}

/** A unit as it is read; a special one (a logarithm) has no place on a scale with others. */
interface Measure {
  factor: number;
  offset: number;
  exponents: ReadonlyMap<string, number>;
  isSpecial: boolean;
}

interface Atom {
  measure: Measure;
  isMetric: boolean;
}

interface Table {
  prefixes: [code: string, factor: number][];
  atoms: [code: string, factor: number, dimension: number[], flags: string][];
}

const LONGEST = 200;
const DEEPEST = 20;
const BASES = ['m', 's', 'g', 'rad', 'K', 'C', 'cd'];
/** Scales with a zero of their own, in kelvin (ucum.org/ucum, special units). */
const OFFSETS: Record<string, number> = { Cel: 273.15, '[degF]': (459.67 * 5) / 9, '[degRe]': 273.15 };
const FACTORS: Record<string, number> = { '[degRe]': 1.25 };
const ONE: Measure = { factor: 1, offset: 0, exponents: new Map(), isSpecial: false };

function atomOf([code, factor, dimension, flags]: Table['atoms'][number]): Atom {
  const isArbitrary = flags.includes('a');
  const exponents = new Map(
    isArbitrary
      ? [[code.toUpperCase(), 1]]
      : BASES.flatMap((base, index) => (dimension[index] ? [[base, dimension[index]] as const] : [])),
  );
  const offset = OFFSETS[code] ?? 0;
  const isSpecial = flags.includes('s') && OFFSETS[code] === undefined;
  return { isMetric: flags.includes('m'), measure: { factor: FACTORS[code] ?? factor, offset, exponents, isSpecial } };
}

let table: { atoms: Map<string, Atom>; prefixes: Table['prefixes'] } | undefined;
function tableOf(): NonNullable<typeof table> {
  if (table === undefined) {
    const { atoms, prefixes } = JSON.parse(
      readFileSync(new URL('definitions/units.json', import.meta.url), 'utf8'),
    ) as Table;
    table = { prefixes, atoms: new Map(atoms.map((row) => [row[0], atomOf(row)])) };
  }
  return table;
}

class NoUnit extends Error {}
const refuse = (): never => {
  throw new NoUnit('no unit of UCUM');
};

/** A scale with a zero of its own stands alone. */
const isScale = ({ offset, isSpecial }: Measure): boolean => offset !== 0 || isSpecial;

function product(left: Measure, right: Measure, sign: 1 | -1): Measure {
  if (isScale(right) || isScale(left)) return { ...ONE, isSpecial: true };
  const exponents = new Map(left.exponents);
  for (const [base, exponent] of right.exponents) exponents.set(base, (exponents.get(base) ?? 0) + sign * exponent);
  return { ...ONE, factor: left.factor * right.factor ** sign, exponents };
}

function power(measure: Measure, exponent: number): Measure {
  if (isScale(measure)) return { ...ONE, isSpecial: true };
  const exponents = new Map([...measure.exponents].map(([base, one]) => [base, one * exponent]));
  return { ...ONE, factor: measure.factor ** exponent, exponents };
}

function symbol(code: string): Measure {
  const { atoms, prefixes } = tableOf();
  const whole = atoms.get(code);
  if (whole !== undefined) return whole.measure;
  for (const [prefix, factor] of prefixes) {
    const atom = code.startsWith(prefix) ? atoms.get(code.slice(prefix.length)) : undefined;
    if (atom?.isMetric === true) return { ...atom.measure, factor: atom.measure.factor * factor };
  }
  return refuse();
}

const ANNOTATION = /^\{[!-z|~]*\}/;
const TEN = /^10[*^]([+-]?\d{1,3})?/;
const NUMBER = /^\d+/;
/** A symbol ends where an exponent begins; in square brackets are digits and points of its own. */
const SYMBOL = /^((?:\[[!-Z\\^-~]+\]|[!-'*,:-Z\\^-z|~])+)([+-]?\d{1,3})?/;

/** UCUM's grammar: terms of components with `.` and `/` between. */
class Reading {
  #rest: string;
  #depth = 0;

  constructor(code: string) {
    this.#rest = code;
  }

  all(): Measure {
    const measure = this.#term();
    return this.#rest === '' ? measure : refuse();
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.#rest) ?? undefined;
    if (found !== undefined) this.#rest = this.#rest.slice(found[0].length);
    return found;
  }

  #term(): Measure {
    this.#depth += 1;
    if (this.#depth > DEEPEST) refuse();
    let measure = this.#take(/^\//) === undefined ? this.#component() : product(ONE, this.#component(), -1);
    for (let operator = this.#take(/^[./]/); operator !== undefined; operator = this.#take(/^[./]/))
      measure = product(measure, this.#component(), operator[0] === '/' ? -1 : 1);
    this.#depth -= 1;
    return measure;
  }

  #component(): Measure {
    if (this.#take(ANNOTATION) !== undefined) return ONE;
    const measure = this.#take(/^\(/) === undefined ? this.#simple() : this.#group();
    this.#take(ANNOTATION);
    return measure;
  }

  #group(): Measure {
    const measure = this.#term();
    return this.#take(/^\)/) === undefined ? refuse() : measure;
  }

  #simple(): Measure {
    const ten = this.#take(TEN);
    if (ten !== undefined) return { ...ONE, factor: 10 ** Number(ten[1] ?? 1) };
    const number = this.#take(NUMBER);
    if (number !== undefined) return { ...ONE, factor: Number(number[0]) };
    const [, code = refuse(), exponent] = this.#take(SYMBOL) ?? [];
    return exponent === undefined ? symbol(code) : power(symbol(code), Number(exponent));
  }
}

function read(code: string): Measure | undefined {
  if (code.length > LONGEST) return undefined;
  try {
    return new Reading(code).all();
  } catch (error) {
    if (error instanceof NoUnit) return undefined;
    throw error;
  }
}

const nameOf = (exponents: ReadonlyMap<string, number>): string => {
  const parts = [...exponents].filter(([, exponent]) => exponent !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return parts.map(([base, exponent]) => `${base}${exponent === 1 ? '' : exponent}`).join('.') || '1';
};

/** The same units come again and again. */
const known = new LRUCache<string, { isUnit: boolean; canonical: Canonical | undefined }>({ max: 1_000 });

function judged(code: string): { isUnit: boolean; canonical: Canonical | undefined } {
  const before = known.get(code);
  if (before !== undefined) return before;
  const measure = read(code);
  const isComparable = measure !== undefined && !measure.isSpecial && measure.factor > 0 && measure.factor < Infinity;
  const canonical = isComparable
    ? { unit: nameOf(measure.exponents), factor: measure.factor, offset: measure.offset }
    : undefined;
  const made = { isUnit: measure !== undefined, canonical };
  known.set(code, made);
  return made;
}

/** A value in the canonical unit, without what doubles add. */
export const inCanonical = (value: number, { factor, offset }: Canonical): number =>
  Number((value * factor + offset).toPrecision(12));

/** Whether a code is one of UCUM's, case sensitive. */
export const isUnit = (code: string): boolean => judged(code).isUnit;

/** The canonical form of a unit; undefined for what is none, and for logarithms and their kind, which compare with nothing else. */
export const canonicalOf = (code: string): Canonical | undefined => judged(code).canonical;
