/**
 * From the signed transaction to its outcome: hands the bytes to the orderers until they are accepted, and waits until the
 * read model, or at least the peer, holds the transaction.
 */
import type { Commit, Transaction as SdkTransaction } from '@hyperledger/fabric-gateway';
import type { Logger } from 'pino';
import { outcomeUnknown } from '../http/failures.ts';
import { LedgerFailure } from './ledger-failure.ts';
import type { Outcome, Outcomes, Waiting } from './outcomes.ts';
import { persist } from './persist.ts';
import { refusedByOrderer } from './verdict.ts';

export interface SubmissionsOptions {
  outcomes: Outcomes;
  log: Logger;
  /** How long one attempt to hand over the bytes may take. */
  submitMs: number;
  /** How long the feed is waited for before the peer is asked for the commit status. */
  feedWaitMs: number;
  /** Called when the peer has committed what the feed has not brought: its stream may be dead without knowing it. */
  onFeedLate?: (() => void) | undefined;
}

export class Submissions {
  readonly #options: SubmissionsOptions;
  readonly #unresolved = new Set<string>();

  constructor(options: SubmissionsOptions) {
    this.#options = options;
  }

  /** Ids of transactions that were handed over, or are being, and whose outcome is not known yet. */
  get unresolved(): string[] {
    return [...this.#unresolved];
  }

  /**
   * Submits and answers the outcome. `endorsers` are told where the block is not seen in time.
   * @throws {Failure} 504 the outcome is not known at the deadline
   */
  async submit(transaction: SdkTransaction, endorsers: string[], deadline: number): Promise<Outcome> {
    const transactionId = transaction.getTransactionId();
    const waiting = this.#options.outcomes.wait(transactionId);
    this.#unresolved.add(transactionId);
    try {
      const sent = await this.#send(transaction, waiting, deadline);
      return 'outcome' in sent ? sent.outcome : await this.#awaitOutcome(sent.commit, waiting, endorsers, deadline);
    } finally {
      this.#unresolved.delete(transactionId);
      waiting.cancel();
    }
  }

  /** Hands the bytes to the orderers until they accept them or the outcome shows up, whichever is first. */
  async #send(
    transaction: SdkTransaction,
    waiting: Waiting,
    deadline: number,
  ): Promise<{ commit: Commit } | { outcome: Outcome }> {
    const { submitMs, log } = this.#options;
    const transactionId = transaction.getTransactionId();
    let attempts = 0;
    let isSeen = false;
    const seen = waiting.outcome.then((outcome) => {
      isSeen = true;
      return { outcome };
    });
    const attempt = async () => {
      attempts += 1;
      return { commit: await transaction.submit({ deadline: Math.min(deadline, Date.now() + submitMs) }) };
    };
    const again = (error: Error): boolean => {
      if (isSeen || (attempts === 1 && refusedByOrderer(error))) return false;
      log.warn({ transactionId, attempts }, 'submit failed; the same bytes are sent again');
      return true;
    };
    try {
      return await Promise.race([persist(attempt, { deadline, again }), seen]);
    } catch (error) {
      if (attempts === 1 && refusedByOrderer(error)) throw orderersVerdict(error as Error, transactionId);
      throw outcomeUnknown(transactionId);
    }
  }

  /** From the feed; where the feed is late, from the peer, and then the feed is given a second chance to catch up. */
  async #awaitOutcome(commit: Commit, waiting: Waiting, endorsers: string[], deadline: number): Promise<Outcome> {
    const { feedWaitMs, onFeedLate } = this.#options;
    const patience = () => Math.max(0, Math.min(feedWaitMs, deadline - Date.now()));
    const seen = await within(waiting.outcome, patience());
    if (seen !== undefined) return seen;
    const transactionId = commit.getTransactionId();
    const status = await Promise.race([commit.getStatus({ deadline }).catch(() => undefined), waiting.outcome]);
    if (status === undefined) throw outcomeUnknown(transactionId);
    if ('endorsers' in status) return status;
    onFeedLate?.();
    const caughtUp = await within(waiting.outcome, patience());
    if (caughtUp !== undefined) return caughtUp;
    const block = Number(status.blockNumber);
    return { transactionId, code: status.code, block, endorsers, time: new Date().toISOString() };
  }
}

/** Orderers look at who signed, and at the size; see orderer/common/msgprocessor in Fabric. */
function orderersVerdict({ message }: Error, transactionId: string): Error {
  if (/status=FORBIDDEN|identity expired/.test(message)) {
    return new LedgerFailure('refuses', 'The ordering service refuses the identity that this gateway signs with.');
  }
  return new Error(`the orderer refused transaction ${transactionId}: ${message}`);
}

/** The promise's value, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
