/** Edits about the people who did it: licensed on the day, and not at work for more hours than a day has. */

import type { BillItem } from '../../model/bill.ts';
import { classOf, isStay, objectsOf, targetOf } from '../../model/claim-evidence.ts';
import { type Answering, billedItems, practitionersOf } from '../../model/claim-practitioners.ts';
import { covers, daysOfPeriod } from '../../model/days.ts';
import type { Reference, Resource } from '../../model/fhir.ts';
import { practitionerNamed } from '../../model/organisations.ts';
import { instantOf } from '../../model/periods.ts';
import type { ClaimEdit, ClaimFacts, DenialFacts } from '../claim-facts.ts';
import { evaluateLicenceDuring, type Holder } from '../licences.ts';

/** Whom a reference in a provider's claims and records means: its own practitioner, unless it says whose he is. */
function holderIn(reference: Reference, provider: string): Holder {
  const named = practitionerNamed(reference, provider);
  const organisation = named === undefined ? provider : named.organisation;
  return { organisation, practitioner: named?.fhirUser };
}

/** Why somebody's licence does not hold from `first` to `last`; undefined where it does. */
function objection(
  { number, reference }: Answering,
  { first, last }: { first: string; last: string },
  { licences, provider }: ClaimFacts,
): string | undefined {
  if (number === undefined) return undefined;
  const holder = holderIn(reference, provider.name);
  const decision = evaluateLicenceDuring(licences.get(number), holder, { first, last });
  return decision.outcome === 'deny' ? decision.reason : undefined;
}

/**
 * Everybody who answers for a billed item is known by number, is whom the licence of that number names, and was licensed,
 * and not excluded, on its days.
 */
export const practitionerLicensed: ClaimEdit = {
  name: 'practitioner-not-licensed',
  version: '4',
  after: ['service-not-shown'],
  judge: (facts) =>
    billedItems(facts.bill).flatMap((item) => {
      const found = objectionTo(item, facts);
      return found === undefined ? [] : [found];
    }),
};

function objectionTo(item: BillItem, facts: ClaimFacts): DenialFacts | undefined {
  const people = practitionersOf(item, facts);
  if (people.length === 0) return { item: item.sequence, objection: 'no practitioner named' };
  for (const one of people) {
    if (one.number === undefined) return { item: item.sequence, objection: 'practitioner not identified' };
    const found = isInRole(one.role, item) ? objection(one, item, facts) : 'role not in force';
    if (found !== undefined) return { item: item.sequence, practitioner: one.number, objection: found };
  }
  return undefined;
}

/** Whether somebody had the role that he is named by, on all days of an item. */
function isInRole(role: Resource | undefined, { first, last }: BillItem): boolean {
  if (role === undefined) return true;
  const { start, end } = (role['period'] ?? {}) as Record<'start' | 'end', unknown>;
  const period = {
    ...(typeof start === 'string' ? { start } : {}),
    ...(typeof end === 'string' ? { end } : {}),
  };
  return role['active'] !== false && covers(daysOfPeriod(period), first, last);
}

const DAY_MS = 86_400_000;

/** Adds the milliseconds from `start` to `end` to the UTC days they fall on. */
function addTime(hours: Map<string, number>, who: string, start: number, end: number): void {
  for (let day = Math.floor(start / DAY_MS); day * DAY_MS < end; day += 1) {
    const key = `${who} ${new Date(day * DAY_MS).toISOString().slice(0, 10)}`;
    const spent = Math.min(end, (day + 1) * DAY_MS) - Math.max(start, day * DAY_MS);
    hours.set(key, (hours.get(key) ?? 0) + spent);
  }
}

/** A time with its offset; a bare day says nothing about hours. */
const timeOf = (text: unknown): number =>
  typeof text === 'string' && text.includes('T') ? instantOf(text) : Number.NaN;

/** The longest visit whose hours are counted day by day; anything longer is counted as this long. */
const LONGEST_MS = 31 * DAY_MS;

function addVisit(hours: Map<string, number>, encounter: Resource): void {
  // A practitioner named in a stay is not at the bedside all the time.
  if (classOf(encounter) === undefined || isStay(encounter)) return;
  const counted = new Set<string>();
  for (const { individual, period } of objectsOf(encounter['participant'])) {
    const who = targetOf(individual);
    const { start, end } = (period ?? encounter['period'] ?? {}) as { start?: unknown; end?: unknown };
    const [from, to] = [timeOf(start), timeOf(end)];
    if (who?.startsWith('Practitioner/') !== true || counted.has(who) || !(to > from)) continue;
    counted.add(who);
    addTime(hours, who, from, Math.min(to, from + LONGEST_MS));
  }
}

/** No practitioner spends over 24 hours of one day in the visits this claim shows; stays are not counted. */
export const possibleDay: ClaimEdit = {
  name: 'impossible-day',
  version: '2',
  after: [],
  judge: ({ evidence }) => {
    const hours = new Map<string, number>();
    for (const { resource } of evidence.values()) if (resource.resourceType === 'Encounter') addVisit(hours, resource);
    const found = [...hours].find(([, spent]) => spent > DAY_MS);
    if (found === undefined) return [];
    const [practitioner = '', day = ''] = found[0].split(' ');
    return [{ practitioner, day, minutes: Math.round(found[1] / 60_000) }];
  },
};
