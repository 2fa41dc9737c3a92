/**
 * Callers who wait for what becomes of an access instead of asking again and again: `Prefer: wait` (RFC 7240, section 4.3). They
 * are woken by the ledger's events of that access, and look for themselves.
 */
import { EventEmitter, on } from 'node:events';
import type { ParsedBlock } from '../../ledger/block.ts';
import { accessIn } from './access-events.ts';

/** Longer than this nobody waits: proxies and clients give up on an answer that does not come. Seconds. */
export const LONGEST_WAIT_S = 30;

export class AccessWaits {
  /** Emits the ids of accesses. */
  readonly #changed = new EventEmitter().setMaxListeners(0);
  readonly #ending = new AbortController();
  #open = 0;

  /** How many wait. */
  get open(): number {
    return this.#open;
  }

  /**
   * Returns when `isOver` says so, the time is over, the caller has gone or the gateway ends; whichever it is, the caller is
   * answered with how the access stands. @param seconds at most LONGEST_WAIT_S of them @throws what `isOver` throws
   */
  async until(
    access: string,
    isOver: () => Promise<boolean>,
    { seconds, gone }: { seconds: number; gone: AbortSignal },
  ): Promise<void> {
    const late = AbortSignal.timeout(Math.min(seconds, LONGEST_WAIT_S) * 1000);
    const signal = AbortSignal.any([late, gone, this.#ending.signal]);
    // Before it is looked at for the first time: what comes meanwhile is not missed.
    const changes = on(this.#changed, access, { signal });
    this.#open += 1;
    try {
      while (!(await isOver())) await changes.next();
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#open -= 1;
      await changes.return?.();
    }
  }

  /** Call it with each block that the read model holds, and with what came late of one. */
  sees(block: Pick<ParsedBlock, 'transactions'>): void {
    if (this.#open === 0) return;
    for (const access of new Set(block.transactions.flatMap(({ event }) => accessIn(event))))
      this.#changed.emit(access);
  }

  /** Has everybody who waits answered. */
  end(): void {
    this.#ending.abort();
  }
}
