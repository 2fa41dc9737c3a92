/**
 * What a transaction shows to its endorsers comes from the read model, and the ledger may be ahead of that by a moment:
 * another write has put a newer value in its place. Then what is shown is gathered again.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { persist } from '../ledger/persist.ts';

/** How long the read model is waited for; a few blocks at most. */
const WAIT_MS = 5_000;
/** Where the chaincode says that it was shown what is not the newest. */
const SHOWN = /^(private\.)?(coverage|feeSchedule|fingerprintKey|buckets?)\b/;

/**
 * Gathers and sends, again where the ledger has newer values than were shown.
 * @throws as `attempt` did last
 */
export const upToDate = <T>(attempt: () => Promise<T>): Promise<T> =>
  persist(attempt, { deadline: Date.now() + WAIT_MS, again: isBehind });

const isBehind = (error: Error): boolean =>
  error instanceof LedgerError && error.code === 'CONFLICT' && SHOWN.test(error.expression ?? '');
