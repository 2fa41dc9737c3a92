/** Holds the log of reads to its own chain and to what the ledger has of it: which rows were changed, removed or put in between. */
import { setImmediate } from 'node:timers/promises';
import { type LogPlace, rowHash, rowText } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import type { Selectable } from 'kysely';
import type { ReadsTable } from '../../index/schema.ts';
import type { Difference } from '../../index/verification/report.ts';

type Read = Selectable<ReadsTable>;

/** Differences that are listed. */
const LISTED = 100;

/** A stretch of this log as an anchor on the ledger states it. */
export interface Anchored {
  n: number;
  from: LogPlace;
  to: LogPlace;
  /** The texts of its rows, in their order, undefined where one is about no patient; undefined where the ledger has none. */
  texts(): Promise<(string | undefined)[] | undefined>;
}

/** The rows as they are stored. */
export interface StoredLog {
  /** Some rows behind a number, or from the first on, in their order; none where there are no more. */
  after(sequence?: number): Promise<Read[]>;
  stretch(after: number, to: number): Promise<Read[]>;
  /** The number of the last row that this process has written. */
  known: number;
  /** Whether what was written at a time is kept no longer. */
  isDue(at: string): boolean;
}

/**
 * By the chain, and by what is anchored also where the chain was written anew, or its end removed while no gateway ran.
 * @param anchored stretches of the log as the ledger has them, the oldest first
 */
export async function logDifferences(
  log: StoredLog,
  anchored: AsyncIterable<Anchored>,
  stop?: AbortSignal,
): Promise<Difference[]> {
  const found = new Found();
  const last = await checkChain(log, found, stop);
  if (log.known > last) found.add(lacking(last, log.known));
  let end = 0;
  for await (const one of anchored) {
    stop?.throwIfAborted();
    if (found.isFull) break;
    end = Math.max(end, one.to.sequence);
    await checkStretch(log, one, found);
  }
  if (end > Math.max(last, log.known)) found.add(lacking(Math.max(last, log.known), end));
  return found.listed;
}

/** Answers the number of the last row. */
async function checkChain(log: StoredLog, found: Found, stop: AbortSignal | undefined): Promise<number> {
  let last: LogPlace | undefined;
  let after: number | undefined;
  for (;;) {
    stop?.throwIfAborted();
    const rows = await log.after(after);
    for (const row of rows) {
      found.add(...differenceBetween(last, row), ...prunedEarly(row, log));
      // The first has the number 1.
      if (Number(row.sequence) > 0) last = { sequence: Number(row.sequence), hash: row.hash };
    }
    after = rows.at(-1)?.sequence;
    if (after === undefined || found.isFull) return last?.sequence ?? 0;
    await setImmediate();
  }
}

/** What stands for removed rows is as old as they were. */
const prunedEarly = ({ outcome, at, sequence }: Read, { isDue }: StoredLog): Difference[] =>
  outcome === 'pruned' && !isDue(at) ? [lacking(0, Number(sequence))] : [];

async function checkStretch(log: StoredLog, { from, to, texts }: Anchored, found: Found): Promise<void> {
  if (to.sequence === from.sequence) return;
  const rows = await log.stretch(from.sequence, to.sequence);
  const end = rows.at(-1);
  if (end === undefined || Number(end.sequence) !== to.sequence || end.hash === to.hash) return;
  const anchored = await texts();
  const wrong = rows.filter((row) => {
    const text = anchored?.[Number(row.sequence) - from.sequence - 1];
    return row.outcome !== 'pruned' && text !== undefined && rowText(row) !== text;
  });
  found.add(...wrong.map(({ sequence }) => changed(`reads ${sequence}`)));
  // Of what was written anew behind it only the hashes differ.
  if (found.listed.length === 0) found.add(changed(`reads ${from.sequence + 1} to ${to.sequence}`));
}

/** What is wrong with a row that follows another. @param last undefined for the first row that is left */
function differenceBetween(last: LogPlace | undefined, row: Read): Difference[] {
  const sequence = Number(row.sequence);
  const place = `reads ${sequence}`;
  if (sequence < 1) return [{ kind: 'additional', remedy: 'log', place }];
  const isFirst = last === undefined;
  // Rows of versions that had no chain come before all others, and the last of the removed stands for them.
  if (isFirst && row.outcome === 'pruned') return [];
  if (row.hash === '') return last === undefined || last.hash === '' ? [] : [changed(place)];
  const before = last?.sequence ?? 0;
  if (sequence !== before + 1 && last?.hash !== '') return [lacking(before, sequence - 1)];
  return row.hash === rowHash(last?.hash ?? '', rowText(row)) ? [] : [changed(place)];
}

/** Differences, each place once, as many as are listed. */
class Found {
  readonly listed: Difference[] = [];

  get isFull(): boolean {
    return this.listed.length >= LISTED;
  }

  add(...differences: Difference[]): void {
    for (const one of differences)
      if (!this.isFull && !this.listed.some(({ place }) => place === one.place)) this.listed.push(one);
  }
}

const changed = (place: string): Difference => ({ kind: 'changed', remedy: 'log', place });

const lacking = (after: number, to: number): Difference => ({
  kind: 'absent',
  remedy: 'log',
  place: to === after + 1 ? `reads ${to}` : `reads ${after + 1} to ${to}`,
});
