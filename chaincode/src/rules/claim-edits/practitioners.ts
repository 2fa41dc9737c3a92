/** Edits about the people who did it: licensed on the day, and not at work for more hours than a day has. */

import { objectsOf, targetOf } from '../../model/claim-evidence.ts';
import { billedItems, practitionersOf } from '../../model/claim-practitioners.ts';
import type { Resource } from '../../model/fhir.ts';
import type { LicenceState } from '../../model/transactions.ts';
import type { ClaimEdit } from '../claim-facts.ts';
import { evaluateLicence } from '../licences.ts';

/** Why a licence does not hold from `first` to `last`; undefined where it does. */
function objection(licence: LicenceState | undefined, first: string, last: string): string | undefined {
  const decisions = [first, last].map((day) => evaluateLicence(licence, day));
  return decisions.find((decision) => decision.outcome === 'deny')?.reason;
}

/** Everybody who answers for a billed item is known by number and was licensed, and not excluded, on its days. */
export const practitionerLicensed: ClaimEdit = {
  name: 'practitioner-not-licensed',
  version: '1',
  after: ['service-not-shown'],
  judge: (facts) => {
    for (const item of billedItems(facts.bill)) {
      const numbers = practitionersOf(item, facts);
      if (numbers.length === 0) return { item: item.sequence, objection: 'no practitioner named' };
      for (const number of numbers) {
        if (number === undefined) return { item: item.sequence, objection: 'practitioner not identified' };
        const found = objection(facts.licences.get(number), item.first, item.last);
        if (found !== undefined) return { item: item.sequence, practitioner: number, objection: found };
      }
    }
    return undefined;
  },
};

/** Stays: a practitioner named in one is not at the bedside all the time. */
const STAYS = ['IMP', 'ACUTE', 'NONAC', 'OBSENC', 'SS', 'PRENC'];
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
  typeof text === 'string' && text.includes('T') ? Date.parse(text) : Number.NaN;

/** The longest visit whose hours are counted day by day; anything longer is counted as this long. */
const LONGEST_MS = 31 * DAY_MS;

function addVisit(hours: Map<string, number>, encounter: Resource): void {
  const { code } = (encounter['class'] ?? {}) as { code?: string };
  if (code === undefined || STAYS.includes(code)) return;
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
  version: '1',
  after: [],
  judge: ({ evidence }) => {
    const hours = new Map<string, number>();
    for (const { resource } of evidence.values()) if (resource.resourceType === 'Encounter') addVisit(hours, resource);
    const found = [...hours].find(([, spent]) => spent > DAY_MS);
    if (found === undefined) return undefined;
    const [practitioner = '', day = ''] = found[0].split(' ');
    return { practitioner, day, minutes: Math.round(found[1] / 60_000) };
  },
};
