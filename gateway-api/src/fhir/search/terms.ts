/**
 * What a resource is found by, by the type of the search parameter and the data type of the element
 * (hl7.org/fhir/R4/search.html#ptypes): texts (tokens, references, strings, uris) and ranges (dates, numbers, quantities).
 */
import { isNumber, numberOf } from '@telemed-ledger/chaincode/model/numbers.ts';
import { LRUCache } from 'lru-cache';
import { type Canonical, canonicalOf, inCanonical, UCUM } from '../units/ucum.ts';
import { FOREVER, instantsOf } from './dates.ts';
import { type Element, isElement } from './paths.ts';

export interface Text {
  /** Empty where there is none. */
  system: string;
  value: string;
}

/** Dates: milliseconds since 1970, `high` is the first that is not meant. Numbers: the lowest and highest meant. */
export interface Range {
  /** Of a quantity: the system and the code of its unit. */
  system: string;
  unit: string;
  low: number;
  high: number;
}

/** Under the parameter's own name, or with what stands here behind it. */
export type TextSuffix = '' | ':text' | ':exact' | ':of-type' | ':identifier';
/** Of a quantity in a unit of UCUM: in the canonical one. */
export type RangeSuffix = '' | ':canonical';

export interface Term {
  suffix: TextSuffix | RangeSuffix;
  text?: Text;
  range?: Range;
}

/** How long a string is kept and compared. */
const LONGEST_STRING = 100;
/** The words of codes come again and again. */
const compared = new LRUCache<string, string>({ max: 5_000 });

/** hl7.org/fhir/R4/search.html#string: without regard to case, accents and the amount of white space. */
export function comparable(text: string): string {
  const known = compared.get(text);
  if (known !== undefined) return known;
  const made = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim().replace(/\s+/g, ' ');
  const kept = made.slice(0, LONGEST_STRING);
  if (text.length <= LONGEST_STRING) compared.set(text, kept);
  return kept;
}

const isString = (value: unknown): value is string => typeof value === 'string';
const textOf = (value: unknown): string => (isString(value) ? value : '');

const texts = (suffix: TextSuffix, system: unknown, value: unknown): Term[] =>
  isString(value) && value !== '' ? [{ suffix, text: { system: textOf(system), value } }] : [];

const words = (value: unknown): Term[] => (isString(value) ? texts(':text', '', comparable(value)) : []);

function codingTerms(coding: unknown): Term[] {
  if (!isElement(coding)) return [];
  return [...texts('', coding['system'], coding['code']), ...words(coding['display'])];
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** hl7.org/fhir/R4/search.html#token: `:of-type` is asked as type's system|type's code|value. */
function identifierTerms({ system, value, type }: Element): Term[] {
  const { coding, text } = isElement(type) ? type : ({} as Element);
  const typed = list(coding).flatMap((one) =>
    isElement(one) && isString(one['code']) && isString(value)
      ? texts(':of-type', one['system'], `${one['code']}|${value}`)
      : [],
  );
  return [
    ...texts('', system, value),
    ...typed,
    ...words(text),
    ...list(coding).flatMap((one) => words((one as Element)?.['display'])),
  ];
}

function tokenTerms(element: unknown, type: string, system = ''): Term[] {
  if (typeof element === 'boolean') return [{ suffix: '', text: { system: '', value: String(element) } }];
  if (isString(element)) return texts('', system, element);
  if (!isElement(element)) return [];
  if (type === 'CodeableConcept') return [...list(element['coding']).flatMap(codingTerms), ...words(element['text'])];
  if (type === 'Identifier') return identifierTerms(element);
  // Of a ContactPoint the system is its use's business (hl7.org/fhir/R4/search.html#token).
  if (type === 'ContactPoint') return texts('', '', element['value']);
  return codingTerms(element);
}

/** `Type/id` of what is here, whatever its version; what is elsewhere as it is written. */
const withoutVersion = (reference: string): string => reference.replace(/\/_history\/[^/]*$/, '');

function referenceTerms(element: unknown): Term[] {
  if (isString(element)) return texts('', '', element.replace(/\|.*$/, ''));
  if (!isElement(element)) return [];
  const { reference, identifier, url } = element;
  const named = isString(reference) && !reference.startsWith('#') ? texts('', '', withoutVersion(reference)) : [];
  const logical = isElement(identifier) ? texts(':identifier', identifier['system'], identifier['value']) : [];
  return [...named, ...logical, ...texts('', '', url)];
}

const stringTerm = (value: unknown): Term[] =>
  isString(value) ? [...texts('', '', comparable(value)), ...texts(':exact', '', value)] : [];

/** hl7.org/fhir/R4/search.html#string: any part of a name or an address. */
const PARTS: Record<string, readonly string[]> = {
  HumanName: ['text', 'family', 'given', 'prefix', 'suffix'],
  Address: ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'],
};

function stringTerms(element: unknown, type: string): Term[] {
  const parts = PARTS[type];
  if (parts === undefined || !isElement(element)) return stringTerm(element);
  return parts.flatMap((part) => [element[part]].flat()).flatMap(stringTerm);
}

const ranges = (low: number, high: number, system = '', unit = ''): Term[] =>
  low <= high ? [{ suffix: '', range: { system, unit, low, high } }] : [];

const instants = (from: unknown, to: unknown): Term[] => {
  const [first, last] = [isString(from) ? instantsOf(from) : undefined, isString(to) ? instantsOf(to) : undefined];
  if (first === undefined && last === undefined) return [];
  return ranges(first?.low ?? -FOREVER, last?.high ?? FOREVER);
};

/** hl7.org/fhir/R4/search.html#date: of a Timing the outer limits of what it says. */
function timingTerms({ event, repeat }: Element): Term[] {
  const bounds = isElement(repeat) && isElement(repeat['boundsPeriod']) ? [repeat['boundsPeriod']] : [];
  const all = [
    ...list(event).flatMap((one) => instants(one, one)),
    ...bounds.flatMap(({ start, end }) => instants(start, end)),
  ].flatMap(({ range }) => range ?? []);
  if (all.length === 0) return [];
  return ranges(Math.min(...all.map(({ low }) => low)), Math.max(...all.map(({ high }) => high)));
}

function dateTerms(element: unknown, type: string): Term[] {
  if (isString(element)) return instants(element, element);
  if (!isElement(element)) return [];
  return type === 'Timing' ? timingTerms(element) : instants(element['start'], element['end']);
}

const FARTHEST = Number.MAX_VALUE;
/** The nearest double that a database keeps: what is beyond all of them is the farthest, and zero has no sign. */
const numberIn = (value: unknown): number | undefined =>
  isNumber(value) ? Math.min(Math.max(numberOf(value), -FARTHEST), FARTHEST) + 0 : undefined;

/** Where a comparator stands, the value is a limit. */
const COMPARED: Record<string, (value: number) => [number, number]> = {
  '<': (value) => [-FARTHEST, value],
  '<=': (value) => [-FARTHEST, value],
  '>': (value) => [value, FARTHEST],
  '>=': (value) => [value, FARTHEST],
};

/** The canonical unit of a quantity, where it is one of UCUM that compares with others. */
const canonicalUnit = ({ system, code }: Element): Canonical | undefined =>
  system === UCUM && isString(code) ? canonicalOf(code) : undefined;

/** What has no end on a side has none in any unit. */
const converted = (value: number, canonical: Canonical): number =>
  Math.abs(value) === FARTHEST ? value : Math.min(Math.max(inCanonical(value, canonical), -FARTHEST), FARTHEST);

function inCanonicalUnit(low: number, high: number, from: Element, to: Element): Term[] {
  const [first, last] = [canonicalUnit(from), canonicalUnit(to)];
  if (first === undefined || last === undefined || first.unit !== last.unit) return [];
  const [bottom, top] = [converted(low, first), converted(high, last)];
  return bottom <= top
    ? [{ suffix: ':canonical', range: { system: UCUM, unit: first.unit, low: bottom, high: top } }]
    : [];
}

/** By the code of its unit, by its text where that says something else, and in UCUM's canonical unit. `to` is the end of a Range. */
function inUnits(low: number, high: number, from: Element, to = from): Term[] {
  const { system, code, unit } = from;
  const coded = ranges(low, high, textOf(system), textOf(code));
  const named = isString(unit) && unit !== code ? ranges(low, high, '', unit) : [];
  return [...coded, ...named, ...inCanonicalUnit(low, high, from, to)];
}

function quantityTerms(element: unknown, type: string): Term[] {
  const plain = numberIn(element);
  if (plain !== undefined) return ranges(plain, plain);
  if (!isElement(element)) return [];
  if (type === 'Range') {
    const [low, high] = [element['low'], element['high']].map((end) => (isElement(end) ? end : undefined));
    const [from = -FARTHEST, to = FARTHEST] = [numberIn(low?.['value']), numberIn(high?.['value'])];
    return low === undefined && high === undefined ? [] : inUnits(from, to, low ?? high!, high ?? low!);
  }
  const value = numberIn(element['value']);
  if (value === undefined) return [];
  const [from, to] = COMPARED[textOf(element['comparator'])]?.(value) ?? [value, value];
  if (type === 'Money') return ranges(from, to, 'urn:iso:std:iso:4217', textOf(element['currency']));
  return inUnits(from, to, element);
}

type Extract = (element: unknown, type: string, system?: string) => Term[];

/** By type of search parameter. */
export const EXTRACTED: Record<'token' | 'reference' | 'date' | 'string' | 'number' | 'quantity' | 'uri', Extract> = {
  token: tokenTerms,
  reference: referenceTerms,
  string: stringTerms,
  uri: (element) => (isString(element) ? texts('', '', element) : []),
  date: dateTerms,
  number: quantityTerms,
  quantity: quantityTerms,
};
