/** Results as series: those of one code and unit, in the order of time. */
import type { Observation, ObservationComponent, Quantity } from '@medplum/fhirtypes';
import { conceptOf } from '../parts/fhir-texts.ts';

export interface Point {
  /** Seconds since 1970. */
  at: number;
  day: string;
  value: number;
}

export interface Series {
  name: string;
  unit: string;
  /** The oldest first. */
  points: Point[];
  /** Of the newest result that states one. */
  low: number | undefined;
  high: number | undefined;
}

type Measured = Pick<Observation & ObservationComponent, 'code' | 'valueQuantity' | 'referenceRange'>;

const numberOf = (quantity: Quantity | undefined): number | undefined => {
  const value = Number(quantity?.value);
  return quantity?.value === undefined || Number.isNaN(value) ? undefined : value;
};

/** What the observations measured, the most measured first; what is no number is left to the list. */
export function seriesOf(observations: readonly Observation[]): Series[] {
  const found = new Map<string, Series>();
  const add = ({ code, valueQuantity, referenceRange }: Measured, day: string): void => {
    const value = numberOf(valueQuantity);
    const at = Date.parse(day) / 1000;
    if (value === undefined || Number.isNaN(at)) return;
    const { system = '', code: named = conceptOf(code) } = code?.coding?.[0] ?? {};
    const unit = valueQuantity?.unit ?? valueQuantity?.code ?? '';
    const key = JSON.stringify([system, named, unit]);
    const series = found.get(key) ?? { name: conceptOf(code), unit, points: [], low: undefined, high: undefined };
    const [range] = referenceRange ?? [];
    series.low ??= numberOf(range?.low);
    series.high ??= numberOf(range?.high);
    series.points.push({ at, day, value });
    found.set(key, series);
  };
  const newestFirst = observations
    .filter(({ status }) => status !== 'entered-in-error' && status !== 'cancelled')
    .map((one) => ({ one, day: one.effectiveDateTime ?? one.effectivePeriod?.start ?? one.issued ?? '' }))
    .sort((one, other) => other.day.localeCompare(one.day));
  for (const { one, day } of newestFirst) for (const measured of [one, ...(one.component ?? [])]) add(measured, day);
  for (const series of found.values()) series.points.sort((one, other) => one.at - other.at);
  return [...found.values()].sort((one, other) => other.points.length - one.points.length);
}

/** How a value lies to its range; undefined where there is none. */
export function lying(
  value: number,
  { low, high }: Pick<Series, 'low' | 'high'>,
): 'low' | 'high' | 'within' | undefined {
  if (low === undefined && high === undefined) return undefined;
  if (low !== undefined && value < low) return 'low';
  return high !== undefined && value > high ? 'high' : 'within';
}
