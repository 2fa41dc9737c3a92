/**
 * FHIR dates, times and Periods as spans of milliseconds. A date of less precision stands for all of its span;
 * one without an offset is read as UTC, so that every endorser reads the same.
 * @see https://hl7.org/fhir/R4/datatypes.html#dateTime
 */

/** From `start`, inclusive, to `end`, exclusive; milliseconds since 1970, infinite where open. */
export interface Span {
  start: number;
  end: number;
}

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const OFFSET = /(Z|[+-]\d{2}:\d{2})$/;

/** The span of a FHIR date, dateTime or instant; undefined for anything else. */
export function spanOf(text: unknown): Span | undefined {
  if (typeof text !== 'string') return undefined;
  const [, year, month, day, time] = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(.+))?)?)?$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  if (time !== undefined) return spanOfInstant(text);
  const start = Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1));
  if (day !== undefined) return { start, end: start + DAY_MS };
  const end = month === undefined ? Date.UTC(Number(year) + 1, 0) : Date.UTC(Number(year), Number(month));
  return { start, end };
}

/** The leap second that some minutes end with. */
const LEAP = /:60(?=$|[.Z+-])/;

/**
 * A dateTime with a time, or an instant, in milliseconds since 1970; NaN for anything else. A leap second is the first second of the
 * minute that follows, as POSIX counts it.
 */
export const instantOf = (text: string): number =>
  LEAP.test(text) ? Date.parse(text.replace(LEAP, ':59')) + SECOND_MS : Date.parse(text);

/** A time of the day stands for its second, or its millisecond where it states one. */
function spanOfInstant(text: string): Span | undefined {
  const start = instantOf(OFFSET.test(text) ? text : `${text}Z`);
  if (Number.isNaN(start)) return undefined;
  return { start, end: start + (text.includes('.') ? 1 : SECOND_MS) };
}

/** Whether a date, if there is one, is a day of the calendar: what is read as a span counts the 31st of February on. */
export function isOfCalendar(date: unknown): boolean {
  const [, month, day] = /^\d{4}-(\d{2})(?:-(\d{2}))?/.exec(String(date)) ?? [];
  if (month === undefined) return true;
  const first = new Date(`${String(date).slice(0, 7)}-01T00:00:00Z`);
  const isMonth = !Number.isNaN(first.getTime());
  return isMonth && Number(day ?? 1) >= 1 && Number(day ?? 1) <= daysIn(first);
}

const daysIn = (first: Date): number =>
  new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();

interface Period {
  start?: unknown;
  end?: unknown;
}

/** The span of a FHIR Period, open where it has no start or end; undefined where one of them is no date. */
export function spanOfPeriod(period: unknown): Span | undefined {
  if (typeof period !== 'object' || period === null) return undefined;
  const { start: from, end: until } = period as Period;
  const start = from === undefined ? -Infinity : spanOf(from)?.start;
  const end = until === undefined ? Infinity : spanOf(until)?.end;
  return start === undefined || end === undefined ? undefined : { start, end };
}

export const within = (inner: Span, outer: Span): boolean => inner.start >= outer.start && inner.end <= outer.end;
export const overlaps = (one: Span, other: Span): boolean => one.start < other.end && other.start < one.end;
export const contains = ({ start, end }: Span, instant: number): boolean => start <= instant && instant < end;
