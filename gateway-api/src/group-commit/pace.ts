/**
 * How long a group waits for company before it departs. Callers that were answered together come back together: without
 * a moment's wait the first of them would take a transaction of its own and the others would wait for all of it.
 */

export interface PaceSettings {
  /** Share of a transaction's time that a group waits, 0 to 1. */
  gatherShare: number;
  /** The longest wait. */
  gatherMs: number;
  /** How long after a group of several others are still expected, until two in a row went alone; default: as long as a transaction takes. */
  companyMs?: number;
}

/** How much of the newest transaction's time goes into the average. */
const WEIGHT = 0.25;
/** So many groups of one, one after the other, and nobody else is expected. */
const LONE = 2;

export class Pace {
  readonly #settings: PaceSettings;
  #averageMs = 0;
  /** Of the last group that ended with more than one write. */
  #endedAt = Number.NEGATIVE_INFINITY;
  /** Groups of one since then. */
  #lone = 0;

  constructor(settings: PaceSettings) {
    this.#settings = settings;
  }

  /** Milliseconds to wait at `now`: 0 where nobody else is about. */
  waitMs(underWay: number, now: number): number {
    const { gatherShare, gatherMs, companyMs = 0 } = this.#settings;
    const quietMs = now - this.#endedAt;
    const isOver = quietMs > companyMs || this.#lone >= LONE;
    const isAlone = underWay === 0 && quietMs > this.#averageMs && isOver;
    return isAlone ? 0 : Math.min(this.#averageMs * gatherShare, gatherMs);
  }

  /** A group of so many writes ended at `now` after so many milliseconds. */
  ended(writes: number, milliseconds: number, now: number): void {
    const average = this.#averageMs;
    this.#averageMs = average === 0 ? milliseconds : average + WEIGHT * (milliseconds - average);
    this.#lone = writes > 1 ? 0 : this.#lone + 1;
    if (writes > 1) this.#endedAt = now;
  }
}
