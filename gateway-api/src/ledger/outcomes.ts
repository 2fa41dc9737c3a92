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
  /** Ids that the write gave its resources in the place of those that it was asked with. */
  renamed?: Renamed;
}

/** The final id of each provisional one. */
export type Renamed = ReadonlyMap<string, string>;

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** A text with final ids in the place of provisional ones, which are random and stand for nothing else. */
export const withFinalIds = (text: string, renamed: Renamed | undefined): string =>
  renamed === undefined || renamed.size === 0 ? text : text.replace(UUID, (id) => renamed.get(id) ?? id);

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
