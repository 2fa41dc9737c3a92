/**
 * When a service took place, by its record, and on which days that was where it took place. An instant is the same in every
 * offset, a day is not: the day of a record is the one in its own offset, and a claim's instants mean the same days.
 */
import type { Bill, BillItem } from '../../model/bill.ts';
import { type Days, daysOfPeriod } from '../../model/days.ts';
import type { Resource } from '../../model/fhir.ts';
import { instantOf } from '../../model/periods.ts';
import type { Anchored } from '../../model/values.ts';

/** FHIR dates or dateTimes, as written. */
export interface Span {
  start: string;
  end: string;
}

const HOUR_MS = 3_600_000;
/** The earliest and the latest offset from UTC that any place has. */
const [EARLIEST_MS, LATEST_MS] = [-12 * HOUR_MS, 14 * HOUR_MS];

/** When it happened; without an end it is when it began, and without a beginning nothing is known. */
export function spanOf(resource: Resource | undefined): Span | undefined {
  if (resource === undefined) return undefined;
  const [single, period] = {
    Encounter: [undefined, resource['period']],
    Procedure: [resource['performedDateTime'], resource['performedPeriod']],
    Observation: [resource['effectiveDateTime'] ?? resource['effectiveInstant'], resource['effectivePeriod']],
    DiagnosticReport: [resource['effectiveDateTime'], resource['effectivePeriod']],
    Immunization: [resource['occurrenceDateTime'], undefined],
    MedicationDispense: [resource['whenHandedOver'], undefined],
    MedicationAdministration: [resource['effectiveDateTime'], resource['effectivePeriod']],
    SupplyDelivery: [resource['occurrenceDateTime'], resource['occurrencePeriod']],
  }[resource.resourceType] ?? [undefined, undefined];
  const { start, end = start } = (typeof single === 'string' ? { start: single } : (period ?? {})) as Partial<
    Record<'start' | 'end', unknown>
  >;
  const isKnown = typeof start === 'string' && typeof end === 'string' && start.length >= 10;
  return isKnown ? { start, end } : undefined;
}

/** How long it took, in minutes; undefined where a beginning or an end has no time. */
export function minutesOf(resource: Resource | undefined): number | undefined {
  const { start, end } = spanOf(resource) ?? { start: '', end: '' };
  const minutes = start.includes('T') && end.includes('T') ? (instantOf(end) - instantOf(start)) / 60_000 : Number.NaN;
  return minutes >= 0 ? minutes : undefined;
}

const OFFSET = /T.*([+-])(\d{2}):(\d{2})$/;

/** Milliseconds that a dateTime's offset is ahead of UTC; undefined where it says when and not where, as Z does. */
function offsetOf(text: string): number | undefined {
  const [, sign, hours, minutes] = OFFSET.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const ahead = Number(hours) * HOUR_MS + Number(minutes) * 60_000;
  return ahead === 0 ? undefined : sign === '-' ? -ahead : ahead;
}

const dayAt = (text: string, ahead: number): string | undefined => {
  const time = instantOf(text) + ahead;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString().slice(0, 10);
};

/** The days of a record; of instants in UTC, all that they may be somewhere. */
export function daysOfService(resource: Resource): Days | undefined {
  const span = spanOf(resource);
  if (span === undefined) return undefined;
  const days = daysOfPeriod(span);
  const first = span.start.includes('T') && offsetOf(span.start) === undefined && dayAt(span.start, EARLIEST_MS);
  const last = span.end.includes('T') && offsetOf(span.end) === undefined && dayAt(span.end, LATEST_MS);
  return { ...days, ...(first ? { first } : {}), ...(last ? { last } : {}) };
}

/** The latest day on which an item can have begun: what is billed in UTC may have been a day later where it took place. */
export const latestDay = ({ first, times }: BillItem): string =>
  (times === undefined || offsetOf(times.start) !== undefined ? undefined : dayAt(times.start, LATEST_MS)) ?? first;

/** An item that bills instants, on the days that they are in the offset of the record it points to. */
function inDaysOf(item: BillItem, evidence: ReadonlyMap<string, Pick<Anchored, 'resource'>>): BillItem {
  if (item.times === undefined) return item;
  for (const service of item.services) {
    const ahead = offsetOf(spanOf(evidence.get(service)?.resource)?.start ?? '');
    if (ahead === undefined) continue;
    const [first, last] = [dayAt(item.times.start, ahead), dayAt(item.times.end, ahead)];
    if (first !== undefined && last !== undefined) return { ...item, first, last };
  }
  return item;
}

/** A bill whose items are on the days of the place where the services were rendered, as far as their records tell. */
export const onDaysOfRecords = (bill: Bill, evidence: ReadonlyMap<string, Pick<Anchored, 'resource'>>): Bill => ({
  ...bill,
  items: bill.items.map((item) => inDaysOf(item, evidence)),
});
