/**
 * What a patient takes, of all records of her medicines that somebody sees: those of one medicine together, whoever recorded them, with what of
 * it was due, taken and missed lately. Pure. A medicine is known by its ingredients where the tables have it, else by its codes; never by words.
 */
import { isOrdered } from '@telemed-ledger/chaincode/model/dispensing.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import {
  codingsOf,
  ingredientsOf,
  type MedicationTables,
  medicineOf,
  nameOf,
} from '@telemed-ledger/chaincode/model/medication-checks.ts';
import { isNumber, numberOf } from '@telemed-ledger/chaincode/model/numbers.ts';
import { spanOf } from '@telemed-ledger/chaincode/model/periods.ts';

const DAY_MS = 86_400_000;
/** So far back doses are counted. */
const LATELY_MS = 30 * DAY_MS;

/** Doses since a moment, as far as the records say. */
export interface Adherence {
  /** Milliseconds since 1970. */
  since: number;
  /** Undefined where nothing says when it is to be taken, or it is taken as needed. */
  due?: number;
  taken: number;
  missed: number;
}

/** One medicine that she takes. */
export interface Therapy {
  /** What says that she takes it, the newest first. */
  sources: Resource[];
  status: 'active' | 'on-hold' | 'intended';
  /** A CodeableConcept, as the newest source has it. */
  medicine: unknown;
  /** Of its ingredients, or undefined where no table has it. */
  ingredients: string | undefined;
  adherence: Adherence;
}

export interface Reconciling {
  tables: MedicationTables | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** Medications that the records name by reference. */
  medications: readonly Resource[];
}

/** Ids of the Medications that these name by reference. */
export const medicationsIn = (resources: readonly Resource[]): string[] => [
  ...new Set(
    resources.flatMap(({ medicationReference: named }) => {
      const { reference } = (named ?? {}) as { reference?: unknown };
      return /^Medication\/([^/]+)$/.exec(String(reference))?.[1] ?? [];
    }),
  ),
];

/** @param records MedicationRequests, MedicationStatements and MedicationAdministrations of one person */
export function reconcile(records: readonly Resource[], reconciling: Reconciling): Therapy[] {
  const groups = groupsOf(
    records.filter(({ status }) => status !== 'entered-in-error'),
    reconciling,
  );
  return groups
    .flatMap((group) => therapyOf(group, reconciling) ?? [])
    .sort((one, other) => timeOf(other.sources[0]!) - timeOf(one.sources[0]!));
}

/** What two records of one medicine have in common. */
function namesOf(record: Resource, { tables, medications }: Reconciling): string[] {
  const ingredients = tables === undefined ? [] : ingredientsOf(record, { tables, records: medications });
  const codes = codingsOf(medicineOf(record, medications))
    .filter(({ code }) => typeof code === 'string')
    .map(({ system, code }) => JSON.stringify([system ?? null, code]));
  const { reference } = (record['medicationReference'] ?? {}) as { reference?: unknown };
  const named = typeof reference === 'string' && !reference.startsWith('#') ? [reference] : [];
  return [...(ingredients.length === 0 ? [] : [`of ${ingredients.toSorted().join(' ')}`]), ...codes, ...named];
}

interface Group {
  records: Resource[];
  names: string[];
}

/** Records that have a name in common, or each with a third. */
function groupsOf(records: readonly Resource[], reconciling: Reconciling): Resource[][] {
  const byName = new Map<string, Group>();
  const groups = new Set<Group>();
  for (const record of records) {
    const own = namesOf(record, reconciling);
    const group: Group = { records: [record], names: own };
    for (const known of new Set(own.flatMap((name) => byName.get(name) ?? []))) {
      group.records = [...known.records, ...group.records];
      group.names = [...new Set([...known.names, ...group.names])];
      groups.delete(known);
    }
    groups.add(group);
    for (const name of group.names) byName.set(name, group);
  }
  return [...groups].map((group) => group.records);
}

const ONGOING = ['active', 'on-hold', 'intended'] as const;
type Ongoing = (typeof ONGOING)[number];
/** A statement about one moment says that a dose was taken, or was not. */
const isOfDose = ({ resourceType, effectiveDateTime }: Resource): boolean =>
  resourceType === 'MedicationAdministration' || effectiveDateTime !== undefined;

function ongoingOf(record: Resource): Ongoing | undefined {
  if (isOfDose(record) && record['status'] !== 'active') return undefined;
  if (record.resourceType === 'MedicationRequest' && !isOrdered(record)) return undefined;
  return ONGOING.find((status) => status === record['status']);
}

function therapyOf(group: readonly Resource[], reconciling: Reconciling): Therapy | undefined {
  const sources = group
    .filter((one) => one.resourceType !== 'MedicationAdministration' && ongoingOf(one) !== undefined)
    .toSorted((one, other) => timeOf(other) - timeOf(one));
  const [newest] = sources;
  if (newest === undefined) return undefined;
  const { tables, medications } = reconciling;
  const ids = tables === undefined ? [] : ingredientsOf(newest, { tables, records: medications });
  return {
    sources,
    status: ONGOING.find((status) => sources.some((one) => ongoingOf(one) === status))!,
    medicine: medicineOf(newest, medications),
    ingredients: ids.length === 0 ? undefined : ids.map((id) => nameOf(id, tables!)).join(', '),
    adherence: adherenceOf(group, sources, reconciling.now),
  };
}

const periodOf = (record: Resource) => (record['effectivePeriod'] ?? {}) as { start?: unknown; end?: unknown };
/** When it began, or was said. */
const timeOf = (record: Resource): number =>
  spanOf(periodOf(record).start ?? record['authoredOn'] ?? record['effectiveDateTime'] ?? record['dateAsserted'])
    ?.start ?? 0;

interface Dosage {
  asNeededBoolean?: unknown;
  asNeededCodeableConcept?: unknown;
  timing?: {
    repeat?: {
      boundsPeriod?: { start?: unknown; end?: unknown };
      frequency?: unknown;
      period?: unknown;
      periodUnit?: unknown;
      timeOfDay?: unknown[];
      dayOfWeek?: unknown[];
    };
  };
}
const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: DAY_MS, wk: 7 * DAY_MS };
const listOf = <T>(value: unknown): T[] => [value ?? []].flat() as T[];
const numberIn = (value: unknown): number | undefined => (isNumber(value) ? numberOf(value) : undefined);

/** How often a day; undefined where it does not say. */
function timesADay({ asNeededBoolean, asNeededCodeableConcept, timing }: Dosage): number | undefined {
  const { frequency, period, periodUnit, timeOfDay, dayOfWeek } = timing?.repeat ?? {};
  if (asNeededBoolean === true || asNeededCodeableConcept !== undefined) return undefined;
  const days = dayOfWeek === undefined ? 1 : dayOfWeek.length / 7;
  if (timeOfDay !== undefined) return timeOfDay.length * days;
  const [unit, every] = [UNITS[String(periodUnit)], numberIn(period)];
  if (unit === undefined || !every) return undefined;
  return ((numberIn(frequency) ?? 1) * DAY_MS * days) / (every * unit);
}

interface Schedule {
  start: number;
  end: number;
  aDay: number;
}

/** When a source says that it is to be taken. */
function scheduleOf(source: Resource): Schedule | undefined {
  const dosages = listOf<Dosage>(source['dosageInstruction'] ?? source['dosage']);
  const times = dosages.map(timesADay);
  if (times.length === 0 || times.includes(undefined)) return undefined;
  const bounds = dosages[0]?.timing?.repeat?.boundsPeriod ?? {};
  const start = spanOf(bounds.start)?.start ?? timeOf(source);
  const end = spanOf(bounds.end ?? periodOf(source).end)?.end ?? Number.POSITIVE_INFINITY;
  return { start, end, aDay: times.reduce<number>((sum, one) => sum + (one ?? 0), 0) };
}

/** By the newest source that says when: what renews another is not taken beside it. */
function adherenceOf(group: readonly Resource[], sources: readonly Resource[], now: number): Adherence {
  const schedule = sources
    .filter(({ status }) => status === 'active')
    .map(scheduleOf)
    .find((one) => one !== undefined);
  const since = Math.max(now - LATELY_MS, schedule?.start ?? 0);
  const doses = group.filter((one) => isOfDose(one) && isWithin(one, since, now));
  const count = (...statuses: string[]): number =>
    doses.filter(({ status }) => statuses.includes(String(status))).length;
  const [taken, skipped] = [count('completed'), count('not-done', 'not-taken')];
  if (schedule === undefined) return { since, taken, missed: skipped };
  const lasts = Math.max(0, Math.min(now, schedule.end) - since);
  const due = Math.floor((lasts / DAY_MS) * schedule.aDay + 1e-9);
  return { since, due, taken, missed: Math.max(due - taken, skipped, 0) };
}

function isWithin(dose: Resource, since: number, now: number): boolean {
  const span = spanOf(dose['effectiveDateTime'] ?? periodOf(dose).start);
  return span !== undefined && span.end > since && span.start <= now;
}
