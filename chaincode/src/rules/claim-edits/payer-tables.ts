/**
 * The edits that hold a claim against the tables of its payer: how long a service takes, how often it is paid, with what, for whom
 * and where. Each row counts for the days of service that it says; without a table nothing is asked.
 */
import type { BillItem } from '../../model/bill.ts';
import { countingOn, isNamedBy } from '../../model/claim-tables.ts';
import { daysFrom, firstDay, lastDay } from '../../model/days.ts';
import type { Resource } from '../../model/fhir.ts';
import type { Decimal } from '../../model/money.ts';
import { type ClaimEdit, type ClaimFacts, type DenialFacts, patientOf } from '../claim-facts.ts';
import { sideOf } from './billed-services.ts';
import { billedLeaves, type Leaf } from './leaves.ts';
import { minutesOf } from './when.ts';

const numberOf = ({ digits, scale }: Decimal): number => Number(digits) / 10 ** scale;

interface Row {
  code: string;
  from?: string | undefined;
  until?: string | undefined;
}

/** The rows of a table that are about an item, on its first day. */
export const rowsFor = <R extends Row>(rows: readonly R[] | undefined, item: BillItem): R[] =>
  countingOn(rows, item.first).filter(({ code }) => item.codes.some((one) => isNamedBy(code, one)));

/** A line that a row of a table denies. */
const refused = ({ place }: Leaf, facts: DenialFacts, { tables }: ClaimFacts): DenialFacts => ({
  ...{ ...place, ...facts },
  tables: tables?.generation ?? null,
});

/** The minutes that are left of each record, by `Type/id`: what two lines were done in, was not done in the time of one. */
class Time {
  readonly #left = new Map<string, number>();
  readonly #facts: ClaimFacts;

  constructor(facts: ClaimFacts) {
    this.#facts = facts;
  }

  /** Takes minutes of the record that has most left; says how many there are where those are too few. */
  take({ services }: BillItem, minutes: number): number | undefined {
    const known = services.map((service): [string, number] => {
      const whole = minutesOf(this.#facts.evidence.get(service)?.resource) ?? 0;
      return [service, this.#left.get(service) ?? whole];
    });
    const [longest] = known.toSorted(([, one], [, other]) => other - one);
    const [service, left] = longest ?? ['', 0];
    if (left < minutes) return left;
    this.#left.set(service, left - minutes);
    return undefined;
  }
}

/** A service took as long as its code says that it takes: by the time of its records, which no two lines share. */
export const longEnough: ClaimEdit = {
  name: 'duration-too-short',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const time = new Time(facts);
    return billedLeaves(facts.bill).flatMap((item): DenialFacts[] => {
      const rows = rowsFor(facts.tables?.durations, item);
      const needed = rows.map(({ minutes, perUnit }) => minutes * (perUnit === true ? numberOf(item.quantity) : 1));
      const required = Math.max(0, ...needed);
      const left = required === 0 ? undefined : time.take(item, required);
      return left === undefined ? [] : [refused(item, { minutes: left, required }, facts)];
    });
  },
};

/** What is billed of a service a day, over the days of its line. */
const perDayOf = (item: BillItem): number => numberOf(item.quantity) / daysFrom(item.first, item.last).length;

/** What of a service was paid of each day by code and side, of other claims to begin with. */
class Counted {
  readonly #units = new Map<string, number>();

  constructor({ tables, beside = [] }: ClaimFacts) {
    for (const item of beside.flatMap(({ leaves }) => leaves))
      for (const { code, perDay } of rowsFor(tables?.units, item))
        if (perDay !== undefined) for (const day of daysFrom(item.first, item.last)) this.add(code, item, day);
  }

  /** With one item more. */
  with(code: string, item: Leaf, day: string): number {
    return (this.#units.get(`${code} ${sideOf(item)} ${day}`) ?? 0) + perDayOf(item);
  }

  add(code: string, item: Leaf, day: string): void {
    this.#units.set(`${code} ${sideOf(item)} ${day}`, this.with(code, item, day));
  }
}

function tooMany(item: Leaf, counted: Counted, facts: ClaimFacts): DenialFacts | undefined {
  for (const { code, perLine, perDay } of rowsFor(facts.tables?.units, item)) {
    const units = numberOf(item.quantity);
    if (perLine !== undefined && units > perLine) return refused(item, { code, units, perLine }, facts);
    if (perDay === undefined) continue;
    for (const day of daysFrom(item.first, item.last)) {
      const sum = counted.with(code, item, day);
      const others = facts.beside?.length ?? 0;
      const beside = others === 0 ? {} : { beside: others };
      if (sum > perDay) return refused(item, { code, day, units: sum, perDay, ...beside }, facts);
      counted.add(code, item, day);
    }
  }
  return undefined;
}

/** How much a record says was handed out; of other records undefined. */
function handedOut(record: Resource): { value?: unknown } | undefined {
  if (record.resourceType === 'MedicationDispense') return record['quantity'] ?? {};
  if (record.resourceType !== 'SupplyDelivery') return undefined;
  return (record['suppliedItem'] as { quantity?: object } | undefined)?.quantity ?? {};
}

/** Of medicines and supplies no more than was handed out. */
function undispensedUnits(item: Leaf, { evidence }: ClaimFacts): DenialFacts | undefined {
  const shown = item.services.flatMap((service) => evidence.get(service)?.resource ?? []);
  const amounts = shown.flatMap((record) => handedOut(record) ?? []).map(({ value }) => Number(value));
  if (amounts.length === 0 || amounts.some((amount) => !(amount > 0))) return undefined;
  const dispensed = amounts.reduce((sum, amount) => sum + amount, 0);
  const units = numberOf(item.quantity);
  return units > dispensed ? { ...item.place, units, dispensed } : undefined;
}

/** No more of a service than is paid in a line and of a day, over the provider's claims. Two sides of a body are two services. */
export const unitsWithin: ClaimEdit = {
  name: 'units-exceeded',
  version: '3',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const counted = new Counted(facts);
    return billedLeaves(facts.bill).flatMap((item): DenialFacts[] => {
      const found = undispensedUnits(item, facts) ?? tooMany(item, counted, facts);
      return found === undefined ? [] : [found];
    });
  },
};

const isSameDay = (one: BillItem, other: BillItem): boolean => one.first <= other.last && other.first <= one.last;

/** Whether both are of sides, and of none together. */
function isOtherSide(one: BillItem, other: BillItem): boolean {
  const [sides, others] = [sideOf(one), sideOf(other)];
  return sides !== 'whole' && others !== 'whole' && sides.split('+').every((side) => !others.split('+').includes(side));
}

type PairRow = Row & { with: string; modifiers?: string[] | undefined };

/** Whether two items are the two services of a row, on one day and side, and the second does not say why it is one of its own. */
const isPair = (first: Leaf, second: Leaf, row: PairRow): boolean =>
  second.codes.some((one) => isNamedBy(row.with, one)) &&
  isSameDay(first, second) &&
  !isOtherSide(first, second) &&
  !second.modifiers.some((one) => row.modifiers?.some((allowed) => allowed.toUpperCase() === one));

/** Two services that are paid together only where the second says, by a modifier of the table's, why it is one of its own. */
export const pairsApart: ClaimEdit = {
  name: 'procedure-pair',
  version: '2',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const items = billedLeaves(facts.bill);
    const within = items.flatMap((first) =>
      rowsFor(facts.tables?.pairs, first).flatMap((row) =>
        items
          .filter((item) => item !== first && isPair(first, item, row))
          .map((item) => refused(item, { code: row.with, with: row.code, line: first.sequence }, facts)),
      ),
    );
    return [...within, ...pairsBeside(items, facts)];
  },
};

/** Whichever of the two the other claim has: that was billed first, so what comes later is denied. */
function pairsBeside(items: readonly Leaf[], facts: ClaimFacts): DenialFacts[] {
  const { beside = [], tables } = facts;
  return beside.flatMap(({ claimId, leaves }) =>
    leaves.flatMap((other) =>
      items.flatMap((item) => [
        ...rowsFor(tables?.pairs, other)
          .filter((row) => isPair(other, item, row))
          .map((row) => refused(item, { code: row.with, with: row.code, claim: claimId }, facts)),
        ...rowsFor(tables?.pairs, item)
          .filter((row) => isPair(item, other, row))
          .map((row) => refused(item, { code: row.code, with: row.with, claim: claimId }, facts)),
      ]),
    ),
  );
}

/** Whole years from a day of birth to a day. */
const yearsBetween = (birth: string, day: string): number =>
  Number(day.slice(0, 4)) - Number(birth.slice(0, 4)) - (day.slice(5) < birth.slice(5) ? 1 : 0);

/** The patient is as old as the service is for; of a day of birth that is not known to the day the age that suits. */
export const ofThatAge: ClaimEdit = {
  name: 'age-mismatch',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const birthDate = patientOf(facts)?.['birthDate'];
    if (typeof birthDate !== 'string') return [];
    return billedLeaves(facts.bill).flatMap((item) => {
      const [oldest, youngest] = [firstDay, lastDay].map((bound) => yearsBetween(bound(birthDate), item.first));
      return rowsFor(facts.tables?.people, item)
        .filter(({ minYears = 0, maxYears = 200 }) => oldest! < minYears || youngest! > maxYears)
        .slice(0, 1)
        .map(({ code, minYears = null, maxYears = null }) =>
          refused(item, { code, years: oldest!, minYears, maxYears }, facts),
        );
    });
  },
};

/** That what is recorded of the patient's sex is known not to fit (CMS, Claims Processing Manual, chapter 32, 240). */
const SEX_IS_KNOWN = 'KX';

/** The service is for somebody of the patient's sex, where that is recorded as female or male. */
export const ofThatSex: ClaimEdit = {
  name: 'sex-mismatch',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const gender = patientOf(facts)?.['gender'];
    if (gender !== 'female' && gender !== 'male') return [];
    return billedLeaves(facts.bill)
      .filter(({ modifiers }) => !modifiers.includes(SEX_IS_KNOWN))
      .flatMap((item) =>
        rowsFor(facts.tables?.people, item)
          .filter(({ sex }) => sex !== undefined && sex !== gender)
          .slice(0, 1)
          .map(({ code, sex = null }) => refused(item, { code, gender, sex }, facts)),
      );
  },
};
