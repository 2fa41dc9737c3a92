/**
 * What the reads of one Bundle may cost together, estimated from their URLs before anything of the Bundle is done: a batch
 * of two thousand searches is many requests in one, and would hold its gateway for as long.
 */
import type { EntryRead } from './entries.ts';
import { refuse } from './outcomes.ts';
import { DEFAULT_COUNT, MAX_COUNT } from './search-query.ts';

/** A read of one resource is 1. */
const MOST = 1_000;
/** A search or a history, beside what it finds. */
const LIST = 5;
/** Found for the cost of one read. */
const MATCHES = 10;

function costOf({ url }: EntryRead): number {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const [, id, marker, version] = path.split('/');
  if (id !== undefined && (marker === undefined || version !== undefined)) return 1;
  const stated = Number(new URLSearchParams(query).get('_count') ?? DEFAULT_COUNT);
  const count = Number.isFinite(stated) ? Math.min(Math.max(stated, 0), MAX_COUNT) : DEFAULT_COUNT;
  return LIST + count / MATCHES;
}

/** @throws {Refusal} 413 too-costly, before anything was read or written */
export function demandModestReads(reads: readonly EntryRead[]): void {
  const cost = Math.ceil(reads.reduce((sum, read) => sum + costOf(read), 0));
  if (cost <= MOST) return;
  const text = `The reads of a Bundle may cost ${MOST} together, and these cost ${cost}: a read of a resource costs 1, a search or a history ${LIST} and 1 for each ${MATCHES} of its _count. Send several.`;
  refuse(413, 'too-costly', text, 'Bundle.entry');
}
