/** A closed loop: so many callers, each of whom asks again as soon as it is answered. */

/** What one round measured. */
export interface Round {
  operations: number;
  errors: number;
  /** From the first call to the last answer. */
  elapsedMs: number;
  /** Of successful operations. */
  latenciesMs: number[];
  /** The first failure's message. */
  firstError?: string;
}

/** Runs `operation` with `callers` at once until `durationMs` are over and everything in flight is answered. */
export async function closedLoop(callers: number, durationMs: number, operation: () => Promise<void>): Promise<Round> {
  const round: Round = { operations: 0, errors: 0, elapsedMs: 0, latenciesMs: [] };
  const started = performance.now();
  const caller = async (): Promise<void> => {
    while (performance.now() - started < durationMs) {
      const asked = performance.now();
      try {
        await operation();
        round.operations += 1;
        round.latenciesMs.push(performance.now() - asked);
      } catch (error) {
        round.errors += 1;
        round.firstError ??= (error as Error).message;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  round.elapsedMs = performance.now() - started;
  return round;
}

export const perSecond = ({ operations, elapsedMs }: Round): number => (operations * 1000) / elapsedMs;

/** The value below which `share` (0 to 1) of the values lie, nearest rank; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle value, of an even number the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
