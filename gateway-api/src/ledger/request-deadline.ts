/**
 * Until when the request that is being answered may ask the ledger. One request may ask several times (a batch, a
 * resolved Idempotency-Key and then a write); all of it shares one budget, which begins when the ledger is first asked,
 * so that a slow upload does not use it up.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const requests = new AsyncLocalStorage<{ deadline?: number }>();

/** Runs what answers one request. */
export const asOneRequest = <T>(run: () => T): T => requests.run({}, run);

/** Runs what a request may have begun and others wait for too: it has a time of its own. */
export const apartFromRequests = <T>(run: () => T): T => requests.exit(run);

/** The end of a budget that begins now, or of the request's own where that is sooner. Milliseconds since 1970. */
export function deadlineWithin(budgetMs: number): number {
  const end = Date.now() + budgetMs;
  const request = requests.getStore();
  if (request === undefined) return end;
  request.deadline ??= end;
  return Math.min(end, request.deadline);
}
