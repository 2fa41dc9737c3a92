/** Terms that count on days of service: of several the one that was set last counts, and it may be for the past. */
import { covers, type Days } from './days.ts';

/** The newest of some, oldest first, that is in force on a day (YYYY-MM-DD); undefined where none is. */
export const inForceOn = <T extends Days>(all: readonly T[], day: string): T | undefined =>
  all.findLast((one) => covers(one, day, day));

/** Some, oldest first, with one more: without those of which no day is left. */
export const withNewer = <T extends Days>(all: readonly T[], newer: T): T[] => [
  ...all.filter(({ first = '', last = '9999-99-99' }) => !covers(newer, first, last)),
  newer,
];
