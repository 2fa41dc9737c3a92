/** What a run prints: its faults by kind, its checks, and one closing line as the tests have it. */
import { table } from '@telemed-ledger/scripts/table.ts';
import type { Check } from './check.ts';
import type { History } from './history.ts';
import type { Fault } from './schedule.ts';

/** A fault as it was carried out. Times are milliseconds since 1970. */
export interface Carried {
  fault: Fault;
  at: number;
  /** When the next write succeeded after it was over. */
  answeredAt: number;
}

/** The longest time between two successes of a window, which begins with the last success before it. */
export function longestGap(successes: readonly number[], from: number, to: number): number {
  const inside = successes.filter((time) => time > from && time <= to);
  const before = successes.findLast((time) => time <= from) ?? from;
  let longest = 0;
  let last = before;
  for (const time of [...inside, to]) {
    longest = Math.max(longest, time - last);
    last = time;
  }
  return longest;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** One row a kind: how many, the longest gap between good answers to writes, and the slowest answer of any meaning. */
export function faultTable(carried: readonly Carried[], history: History): string {
  const all = history.successes();
  const kinds = [...new Set(carried.map(({ fault }) => fault.kind))].sort();
  const attempts = history.requests.flatMap((request) => request.attempts);
  const rows = kinds.map((kind) => {
    const ofKind = carried.filter(({ fault }) => fault.kind === kind);
    const gaps = ofKind.map(({ at, answeredAt }) => longestGap(all, at, answeredAt));
    const slowest = ofKind.map(({ at, answeredAt }) =>
      Math.max(0, ...attempts.filter((one) => one.at + one.ms > at && one.at < answeredAt).map(({ ms }) => ms)),
    );
    return [kind, String(ofKind.length), seconds(Math.max(...gaps)), seconds(Math.max(...slowest))];
  });
  return table([['fault', 'count', 'longest gap s', 'slowest answer s'], ...rows]);
}

export function answersTable(history: History): string {
  const counts = new Map<string, number>();
  for (const { key, attempts } of history.requests)
    for (const { meaning, status } of attempts) {
      const name = `${key === undefined ? 'read' : 'write'} ${status ?? 'no answer'} ${meaning}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  const rows = [...counts].sort().map(([name, count]) => [...name.replace('no answer', '-').split(' '), String(count)]);
  return table([['request', 'status', 'means', 'count'], ...rows]);
}

const SHOWN = 8;

/** Each check with what is wrong, and how many passed and failed. */
export function checkLines(checks: readonly Check[]): string[] {
  const lines = checks.flatMap(({ title, problems }) => [
    `${problems.length === 0 ? '✔' : '✘'} ${title}`,
    ...problems.slice(0, SHOWN).map((problem) => `    ${problem}`),
    ...(problems.length > SHOWN ? [`    … and ${problems.length - SHOWN} more`] : []),
  ]);
  const failed = checks.filter(({ problems }) => problems.length > 0).length;
  return [...lines, '', `${checks.length - failed} passed, ${failed} failed`];
}
