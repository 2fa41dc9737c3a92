/** How the ledger client tries again: with growing, jittered pauses, and never beyond a deadline. The one loop there is. */
import pRetry from 'p-retry';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

export interface Persistence {
  /** Milliseconds since 1970. An attempt that is under way then must end by a deadline of its own. */
  deadline: number;
  /** Whether a failure may be another one a moment later. */
  again: (error: Error) => boolean | Promise<boolean>;
}

/** What `attempt` answers, at the first try or a later one. @throws what it threw last. */
export function persist<T>(attempt: () => Promise<T>, { deadline, again }: Persistence): Promise<T> {
  return pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: FIRST_PAUSE_MS,
    maxTimeout: LONGEST_PAUSE_MS,
    randomize: true,
    maxRetryTime: Math.max(0, deadline - Date.now()),
    shouldRetry: ({ error }) => again(error),
  });
}
