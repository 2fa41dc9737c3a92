/** Something that a person has done: under way, done, or failed. Under one key, so that trying again does it once. */
import { useCallback, useRef, useState } from 'preact/hooks';
import { Problem } from '../problem.ts';

export interface Doing {
  isBusy: boolean;
  problem: Problem | undefined;
  /** @param act is given the Idempotency-Key of this doing and when it was first tried, the same until it has succeeded: what is sent again is the same */
  run(act: (key: string, at: string) => Promise<void>): void;
}

export function useDoing(): Doing {
  const trying = useRef<{ key: string; at: string } | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>();
  const run = useCallback((act: (key: string, at: string) => Promise<void>): void => {
    trying.current ??= { key: crypto.randomUUID(), at: new Date().toISOString() };
    const { key, at } = trying.current;
    setBusy(true);
    setProblem(undefined);
    act(key, at)
      .then(
        () => {
          trying.current = undefined;
        },
        (error) => {
          const found = error instanceof Problem ? error : new Problem('broken', (error as Error).message);
          // What is known not to have happened may be asked for otherwise.
          if (found.isNothingSaved) trying.current = undefined;
          setProblem(found);
        },
      )
      .finally(() => setBusy(false));
  }, []);
  return { isBusy, problem, run };
}
