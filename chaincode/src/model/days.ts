/**
 * Calendar days as FHIR writes them. A FHIR date may be partial (2020, 2020-05) and a dateTime carries the
 * author's own offset: the day meant is the one its text names, and a partial date spans all its days.
 */

/** FHIR R4 date and dateTime (hl7.org/fhir/R4/datatypes.html#dateTime). */
export const FHIR_DATE_TIME =
  /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d(:([0-5]\d|60)(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?)?)?$/;

/** The first day that a date or dateTime can mean, YYYY-MM-DD. */
export const firstDay = (text: string): string =>
  text.length === 4 ? `${text}-01-01` : text.length === 7 ? `${text}-01` : text.slice(0, 10);

/** The last day that a date or dateTime can mean, YYYY-MM-DD; compares as text, so a month may end on the 31st. */
export const lastDay = (text: string): string =>
  text.length === 4 ? `${text}-12-31` : text.length === 7 ? `${text}-31` : text.slice(0, 10);

const DAY_MS = 86_400_000;

/** `count` days after a day. */
export const addDays = (day: string, count: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);

/** How many days lie from `first` to `last`, both included; NaN where one is no day of the calendar. */
export const countDays = (first: string, last: string): number =>
  (Date.parse(`${last}T00:00:00Z`) - Date.parse(`${first}T00:00:00Z`)) / DAY_MS + 1;

/** Every day from `first` to `last`, both included. */
export const daysFrom = (first: string, last: string): string[] =>
  Array.from({ length: countDays(first, last) }, (_, index) => addDays(first, index));

/** A span of days, both included; undefined is open. */
export interface Days {
  first?: string | undefined;
  last?: string | undefined;
}

/** The days that a FHIR Period covers at most. */
export const daysOfPeriod = (period: { start?: string | undefined; end?: string | undefined } | undefined): Days => ({
  ...(period?.start === undefined ? {} : { first: firstDay(period.start) }),
  ...(period?.end === undefined ? {} : { last: lastDay(period.end) }),
});

/** Whether all the days from `first` to `last` lie within a span. */
export const covers = (span: Days, first: string, last: string): boolean =>
  (span.first === undefined || span.first <= first) && (span.last === undefined || last <= span.last);
