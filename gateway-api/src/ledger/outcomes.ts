/**
 * Who waits for which transaction: the feed reports each transaction of a block once the read model holds it,
 * and wakes the writer that waits for it.
 */

/** How a submitted transaction ended. */
export interface Outcome {
  transactionId: string;
  /** peer.TxValidationCode; 0 is VALID. */
  code: number;
  block: number;
  /** MSP ids. */
  endorsers: string[];
  /** Transaction time, ISO 8601 UTC. */
  time: string;
}

export interface Waiting {
  outcome: Promise<Outcome>;
  /** Call when nobody waits any more. */
  cancel: () => void;
}

/** The same bytes were ordered twice: the first of them has the outcome (peer.TxValidationCode.DUPLICATE_TXID). */
const DUPLICATE = 9;

/** A registry of waiting writers by transaction id. */
export class Outcomes {
  readonly #waiting = new Map<string, Set<(outcome: Outcome) => void>>();

  /** Register before the transaction is submitted: an outcome reported earlier isn't kept. */
  wait(transactionId: string): Waiting {
    let wake: (outcome: Outcome) => void = () => {};
    const outcome = new Promise<Outcome>((resolve) => {
      wake = resolve;
    });
    const waiters = this.#waiting.get(transactionId) ?? new Set();
    waiters.add(wake);
    this.#waiting.set(transactionId, waiters);
    return { outcome, cancel: () => this.#forget(transactionId, wake) };
  }

  report(outcome: Outcome): void {
    if (outcome.code === DUPLICATE) return;
    const waiters = this.#waiting.get(outcome.transactionId);
    if (waiters === undefined) return;
    this.#waiting.delete(outcome.transactionId);
    for (const wake of waiters) wake(outcome);
  }

  get size(): number {
    return this.#waiting.size;
  }

  #forget(transactionId: string, wake: (outcome: Outcome) => void): void {
    const waiters = this.#waiting.get(transactionId);
    waiters?.delete(wake);
    if (waiters?.size === 0) this.#waiting.delete(transactionId);
  }
}
