/** Something that a person has done: under way, done, or failed. Under one key, so that trying again does it once. */
import { useCallback, useRef, useState } from 'preact/hooks';
import { Problem } from '../problem.ts';

export interface Doing {
  isBusy: boolean;
  problem: Problem | undefined;
  /** @param act is given the Idempotency-Key of this doing, the same until it has succeeded */
  run(act: (key: string) => Promise<void>): void;
}

export function useDoing(): Doing {
  const key = useRef<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>();
  const run = useCallback((act: (key: string) => Promise<void>): void => {
    key.current ??= crypto.randomUUID();
    setBusy(true);
    setProblem(undefined);
    act(key.current)
      .then(
        () => {
          key.current = undefined;
        },
        (error) => {
          const found = error instanceof Problem ? error : new Problem('broken', (error as Error).message);
          // What is known not to have happened may be asked for otherwise.
          if (found.isNothingSaved) key.current = undefined;
          setProblem(found);
        },
      )
      .finally(() => setBusy(false));
  }, []);
  return { isBusy, problem, run };
}
