/**
 * What many claims say together of the people behind one: a day that is too long, two places at once, too many days, always the
 * highest level, more than others bill. Whoever decides computes it of the activities that are shown; the payer's gateway computes it
 * of all that it has, to know which to show. To leave some out is to the payer's own harm: a sum only becomes less.
 */
import type { Activity, ActivityEntry } from './activities.ts';
import { countingOn, isNamedBy, type LoadedTables } from './claim-tables.ts';

export interface Raised {
  facts: Record<string, string | number>;
  /** Claims that it follows from. */
  claims: string[];
}

/** What a signal over time judges by: `mine` are the entries of the claim itself. */
interface Judged {
  mine: readonly ActivityEntry[];
  all: readonly Seen[];
  tables: Pick<LoadedTables, 'levels' | 'peers'> | undefined;
}
interface Seen extends ActivityEntry {
  claimId: string;
  /** Whose record it is: two providers may name theirs alike. */
  provider: string;
}

export interface OverTime {
  name: string;
  version: string;
  limit: number;
  weight: number;
  find: (judged: Judged, limit: number) => Raised[];
}

const DAY = 24 * 60;
/** Claims that are shown for one finding. */
export const MAX_ACTIVITIES = 400;
/** So few say nothing about somebody's habits. */
const FEWEST = 10;

const dayAt = (minute: number): string => new Date(minute * 60_000).toISOString().slice(0, 10);
const claimsOf = (seen: readonly Seen[]): string[] => [...new Set(seen.map(({ claimId }) => claimId))];
const peopleIn = (mine: readonly ActivityEntry[]): string[] => [
  ...new Set(mine.map(({ practitioner }) => practitioner)),
];

/** One entry for each record of somebody's: several lines and claims may be for one visit. */
function recordsOf(all: readonly Seen[], practitioner: string): Seen[] {
  const found = new Map<string, Seen>();
  for (const one of all)
    if (one.practitioner === practitioner) {
      const key = `${one.provider} ${one.record}`;
      if (!found.has(key)) found.set(key, one);
    }
  return [...found.values()];
}

/** Minutes of an entry that lie in the UTC day that begins at a minute. */
const within = ({ from, until }: ActivityEntry, start: number): number =>
  Math.max(0, Math.min(until, start + DAY) - Math.max(from, start));

/** The UTC days that somebody's entries of the claim lie in, by the minute at which they begin. */
const startsOf = (mine: readonly ActivityEntry[], practitioner: string): number[] => {
  const own = mine.filter((one) => one.practitioner === practitioner && one.until > one.from);
  const days = own.flatMap(({ from, until }) => [from, until - 1].map((minute) => Math.floor(minute / DAY) * DAY));
  return [...new Set(days)];
};

/** More minutes in the visits of one day than somebody can be at work. The limit is in minutes. */
const hoursInDay: OverTime = {
  name: 'hours-in-day',
  version: '1',
  limit: 16 * 60,
  weight: 100,
  find: ({ mine, all }, limit) =>
    peopleIn(mine).flatMap((practitioner) => {
      const records = recordsOf(all, practitioner);
      return startsOf(mine, practitioner).flatMap((start): Raised[] => {
        const there = records.filter((one) => within(one, start) > 0);
        const minutes = there.reduce((sum, one) => sum + within(one, start), 0);
        const facts = { practitioner, day: dayAt(start), minutes, visits: there.length };
        return minutes > limit ? [{ facts, claims: claimsOf(there) }] : [];
      });
    }),
};

/** Two providers are two places, whether or not their records say where; within one it takes two that are named. */
function isElsewhere(one: Seen, other: Seen): boolean {
  if (one.provider === other.provider)
    return one.place !== undefined && other.place !== undefined && one.place !== other.place;
  return isThere(one) && isThere(other);
}

const isThere = ({ place, present }: Seen): boolean => place !== undefined || present === true;

/** In two places at once. The limit is the minutes that visits may overlap, as clocks and corridors do. */
const placesAtOnce: OverTime = {
  name: 'places-at-once',
  version: '2',
  limit: 5,
  weight: 100,
  find: ({ mine, all }, limit) => {
    const records = new Map(peopleIn(mine).map((practitioner) => [practitioner, recordsOf(all, practitioner)]));
    return thoseOf(mine, all).flatMap((one): Raised[] => {
      const others = records.get(one.practitioner)!.filter((other) => isElsewhere(one, other));
      const overlap = (other: Seen) => Math.min(one.until, other.until) - Math.max(one.from, other.from);
      const found = others.find((other) => overlap(other) > limit);
      if (found === undefined) return [];
      const facts = { practitioner: one.practitioner, day: dayAt(one.from), minutes: overlap(found) };
      return [{ facts, claims: claimsOf([one, found]) }];
    });
  },
};

/** What is seen of these entries, of many lines for one visit once. */
function thoseOf(mine: readonly ActivityEntry[], all: readonly Seen[]): Seen[] {
  const told = ({ record, practitioner, from }: ActivityEntry): string => JSON.stringify([record, practitioner, from]);
  const own = new Set(mine.map(told));
  const found = all.filter((one) => own.has(told(one)));
  const whole = ({ until, place, present, claimId, provider, ...one }: Seen): string =>
    JSON.stringify([told(one as ActivityEntry), until, place ?? null, present === true, claimId, provider]);
  return [...new Map(found.map((one) => [whole(one), one])).values()];
}

/** At work on more days of a year than people are. The limit is in days. */
const daysInYear: OverTime = {
  name: 'days-in-year',
  version: '1',
  limit: 300,
  weight: 100,
  find: ({ mine, all }, limit) =>
    peopleIn(mine).flatMap((practitioner) => {
      const own = mine.filter((one) => one.practitioner === practitioner);
      const years = [...new Set(own.map(({ from }) => dayAt(from).slice(0, 4)))];
      return years.flatMap((year): Raised[] => {
        const days = new Map<string, Seen>();
        for (const one of recordsOf(all, practitioner)) {
          const day = dayAt(one.from);
          if (day.startsWith(year) && !days.has(day)) days.set(day, one);
        }
        const facts = { practitioner, year: Number(year), days: days.size };
        return days.size > limit ? [{ facts, claims: claimsOf([...days.values()]) }] : [];
      });
    }),
};

/** The levels of an evaluation, where the payer has loaded no others: those of CPT's numbers. */
const LEVELS: readonly (readonly string[])[] = [
  ['99202', '99203', '99204', '99205'],
  ['99211', '99212', '99213', '99214', '99215'],
  ['99221', '99222', '99223'],
  ['99231', '99232', '99233'],
  ['99281', '99282', '99283', '99284', '99285'],
];

/** How an entry is billed, within families of levels: the highest of its family or a lower one. */
function levelOf({ codes, from }: ActivityEntry, tables: Judged['tables']): 'highest' | 'lower' | undefined {
  const families =
    tables?.levels === undefined ? LEVELS : countingOn(tables.levels, dayAt(from)).map((row) => row.codes);
  const isNamed = (row: string) => codes.some((code) => isNamedBy(row, { system: row.split('|')[0] ?? '', code }));
  for (const family of families) {
    const at = family.findLastIndex(isNamed);
    if (at >= 0) return at === family.length - 1 ? 'highest' : 'lower';
  }
  return undefined;
}

/** Always the highest level, of at least ten evaluations. The limit is in per cent. */
const alwaysHighest: OverTime = {
  name: 'always-highest',
  version: '1',
  limit: 90,
  weight: 50,
  find: ({ mine, all, tables }, limit) =>
    peopleIn(mine.filter((one) => levelOf(one, tables) === 'highest')).flatMap((practitioner): Raised[] => {
      const levels = recordsOf(
        all.filter((one) => levelOf(one, tables) !== undefined),
        practitioner,
      ).slice(-MAX_ACTIVITIES / 4);
      const highest = levels.filter((one) => levelOf(one, tables) === 'highest').length;
      const percent = Math.floor((100 * highest) / levels.length);
      const facts = { practitioner, evaluations: levels.length, highest, percent };
      return levels.length >= FEWEST && percent > limit ? [{ facts, claims: claimsOf(levels) }] : [];
    }),
};

/** More for a service than others bill, on average of at least ten lines. The limit is in per cent of the payer's mean. */
const abovePeers: OverTime = {
  name: 'above-peers',
  version: '1',
  limit: 150,
  weight: 50,
  find: ({ mine, all, tables }, limit) =>
    mine.flatMap((one): Raised[] => {
      const [row] = countingOn(tables?.peers, dayAt(one.from)).filter(({ code }) => isAmong(code, one));
      if (row === undefined) return [];
      const lines = all
        .filter((other) => other.practitioner === one.practitioner && isAmong(row.code, other))
        .slice(-MAX_ACTIVITIES / 4);
      const mean = Math.round(lines.reduce((sum, { billed }) => sum + billed, 0) / lines.length);
      const facts = { practitioner: one.practitioner, code: row.code, lines: lines.length, mean, peers: row.mean };
      return lines.length >= FEWEST && mean * 100 > row.mean * limit ? [{ facts, claims: claimsOf(lines) }] : [];
    }),
};

const isAmong = (row: string, { codes }: ActivityEntry): boolean =>
  codes.some((code) => isNamedBy(row, { system: row.split('|')[0] ?? '', code }));

export const OVER_TIME: readonly OverTime[] = [hoursInDay, placesAtOnce, daysInYear, alwaysHighest, abovePeers];

/** The limit and the weight of a signal on a day, as the payer says or as they are here. */
export function settingOf(
  { name, limit, weight }: { name: string; limit: number | undefined; weight: number },
  tables: Pick<LoadedTables, 'signals'> | undefined,
  day: string,
): { limit: number | undefined; weight: number } {
  const own = tables?.signals?.[name];
  const [loaded] = countingOn(own === undefined ? [] : [own], day);
  return loaded === undefined ? { limit, weight } : { limit: loaded.limit ?? limit, weight: loaded.weight };
}

/** One finding of a kind for each person, day and year: the lines of a claim raise it together. */
function onceEach(raised: readonly Raised[]): Raised[] {
  const found = new Map(raised.map((one) => [JSON.stringify(one.facts), one]));
  return [...found.values()];
}

/** What the claims say together: those that are shown, and the one itself. */
export function judgedOver(
  own: Pick<Activity, 'claimId' | 'provider' | 'entries'>,
  shown: readonly Pick<Activity, 'claimId' | 'provider' | 'entries'>[],
  tables: Judged['tables'],
): (signal: OverTime, limit: number) => Raised[] {
  const seen = [...shown.filter(({ claimId }) => claimId !== own.claimId), own];
  const all = seen.flatMap(({ claimId, provider, entries }) => entries.map((one) => ({ ...one, claimId, provider })));
  return ({ find }, limit) => onceEach(find({ mine: own.entries, all, tables }, limit));
}
