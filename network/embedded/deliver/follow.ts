/** Walks the chain as one organisation's peer sees it and waits at its tip for the next block. */
import type { Ledger } from '../seams.ts';

export interface Chain {
  ledger: Ledger;
  organisation: string;
}

/**
 * Visits blocks in ascending order from `from`, waiting for those that are not there yet, until `visit` answers
 * false or the signal aborts.
 */
export async function followBlocks(
  { ledger, organisation }: Chain,
  from: number,
  signal: AbortSignal,
  visit: (number: number) => Promise<boolean>,
): Promise<void> {
  let wake = () => {};
  const unsubscribe = ledger.subscribe(organisation, () => wake());
  const abort = () => wake();
  signal.addEventListener('abort', abort);
  try {
    for (let number = from; !signal.aborted; number++) {
      while (number >= ledger.height(organisation) && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (signal.aborted || !(await visit(number))) return;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    unsubscribe();
  }
}
