/** `npm run network -- certs`: every certificate, the days that are left of it, and what stops when it ends. */
import { join } from 'node:path';
import { certificatesIn, type Listed, unreadable } from '@telemed-ledger/network/ca/certificates.ts';
import { table } from '../table.ts';
import { networkContext } from './context.ts';

/** From here on an operator is told. */
export const SOON_DAYS = 30;
const DAY_MS = 86_400_000;

export const daysLeft = (until: Date, now: Date): number => Math.floor((until.getTime() - now.getTime()) / DAY_MS);

export const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

/** Exits with 1 where one has ended or cannot be read. */
export async function certs(): Promise<number> {
  const { layout } = networkContext();
  const { lines, hasEnded } = certificateLines(certificatesIn(join(layout.dataDir, 'organisations')), new Date());
  for (const line of lines) console.log(line);
  return hasEnded ? 1 : 0;
}

/** A table, those that end first at the top, and what to do about those that end soon. */
export function certificateLines(listed: readonly Listed[], now: Date): { lines: string[]; hasEnded: boolean } {
  if (listed.length === 0) return { lines: ['there are no certificates yet: npm run network -- up'], hasEnded: false };
  const readable = listed.flatMap(({ until, ...one }) => (until === undefined ? [] : [{ ...one, until }]));
  // Users of one role are one line, with the first of them that ends.
  const alike = Map.groupBy(readable, ({ whose }) => whose);
  const rows = [...alike.values()].map((several) => {
    const [{ whose, until, stops }] = several as [(typeof several)[0], ...typeof several];
    const count = several.length === 1 ? '' : ` (the first of ${several.length})`;
    return [`${whose}${count}`, String(daysLeft(until, now)), dayOf(until), stops];
  });
  const soon = readable.filter(({ until }) => daysLeft(until, now) < SOON_DAYS);
  const remedies = soon.map(({ whose, until, remedy }) =>
    until < now ? `${whose} has ended: ${remedy}` : `${whose} ends in ${daysLeft(until, now)} days: ${remedy}`,
  );
  const lost = listed.filter(({ until }) => until === undefined).map(unreadable);
  return {
    lines: [
      table([['certificate of', 'days', 'until', 'when it ends'], ...rows], [0, 3]),
      ...new Set(remedies),
      ...lost,
    ],
    hasEnded: lost.length > 0 || readable.some(({ until }) => until < now),
  };
}
