/**
 * What a transaction shows to its endorsers comes from the read model, and the ledger may be ahead of that by a moment:
 * another write has put a newer value in its place. Then what is shown is gathered again.
 */
import { LedgerFailure } from '../ledger/ledger-failure.ts';
import { isOutdated } from '../ledger/outdated.ts';
import { persist } from '../ledger/persist.ts';

/** How long the read model is waited for; a few blocks at most. */
const WAIT_MS = 5_000;
/**
 * Gathers and sends, again where the ledger has newer values than were shown.
 * @param waitMs how long the read model is waited for
 * @throws {LedgerFailure} lag where it does not come so far in that time; otherwise as `attempt` did last
 */
export async function upToDate<T>(attempt: () => Promise<T>, waitMs = WAIT_MS): Promise<T> {
  try {
    return await persist(attempt, { deadline: Date.now() + waitMs, again: isOutdated });
  } catch (error) {
    if (!isOutdated(error)) throw error;
    const what = 'Not here yet: the ledger holds newer values than this gateway was given';
    throw new LedgerFailure('lag', `${what} (${error.expression}). Nothing was written.`);
  }
}
