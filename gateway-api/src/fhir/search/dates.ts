/** FHIR's date search (hl7.org/fhir/R4/search.html#date): a value is a range as wide as its precision. */
import { instantOf } from '@telemed-ledger/chaincode/model/periods.ts';
import type { Search } from '../repository.ts';

const PARTIAL = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/;

/** Whether the calendar has it: 30 February would be read as a day of March. */
const isDay = (text: string): boolean => {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
};

/** The half-open range [from, to) of instants, ISO 8601 UTC; undefined where the value is no FHIR date. */
export function rangeOf(value: string): { from: string; to: string } | undefined {
  const found = PARTIAL.exec(value);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = found;
  const milliseconds = (fraction ?? '').slice(0, 3).padEnd(3, '0');
  const text = `${year}-${month ?? '01'}-${day ?? '01'}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}.${milliseconds}${zone ?? 'Z'}`;
  const from = new Date(instantOf(text));
  if (Number.isNaN(from.getTime()) || !isDay(`${year}-${month ?? '01'}-${day ?? '01'}`)) return undefined;
  const to = new Date(from);
  if (month === undefined) to.setUTCFullYear(to.getUTCFullYear() + 1);
  else if (day === undefined) to.setUTCMonth(to.getUTCMonth() + 1);
  else if (hour === undefined) to.setUTCDate(to.getUTCDate() + 1);
  else if (second === undefined) to.setUTCMinutes(to.getUTCMinutes() + 1);
  else if (fraction === undefined) to.setUTCSeconds(to.getUTCSeconds() + 1);
  else to.setUTCMilliseconds(to.getUTCMilliseconds() + 1);
  return { from: from.toISOString(), to: to.toISOString() };
}

/** Farther than any instant of FHIR, in milliseconds since 1970. */
export const FOREVER = 9e15;

/** As `rangeOf`, in milliseconds since 1970. */
export function instantsOf(value: string): { low: number; high: number } | undefined {
  const range = rangeOf(value);
  return range && { low: Date.parse(range.from), high: Date.parse(range.to) };
}

/** Whether a version stood at some moment of a span: it was made before the end, and not replaced before the beginning. */
export const stoodIn = (
  made: string,
  replaced: string | undefined,
  { low, high }: { low: number; high: number },
): boolean => Date.parse(made) < high && (replaced === undefined || Date.parse(replaced) > low);

export interface Bound {
  operator: '>=' | '<';
  instant: string;
}

/**
 * One `_lastUpdated` condition as alternatives of bounds that must all hold; `lastUpdated` is an instant, so that
 * sa is gt and eb is lt.
 */
export function boundsOf({ prefix, value }: NonNullable<Search['lastUpdated']>[number]): Bound[][] {
  const range = rangeOf(value);
  if (range === undefined) return [];
  const { from, to } = range;
  const within: Bound[] = [
    { operator: '>=', instant: from },
    { operator: '<', instant: to },
  ];
  const before: Bound[] = [{ operator: '<', instant: from }];
  const after: Bound[] = [{ operator: '>=', instant: to }];
  switch (prefix) {
    case 'eq':
      return [within];
    case 'ne':
      return [before, after];
    case 'gt':
    case 'sa':
      return [after];
    case 'lt':
    case 'eb':
      return [before];
    case 'ge':
      return [[{ operator: '>=', instant: from }]];
    case 'le':
      return [[{ operator: '<', instant: to }]];
  }
}
