/**
 * How long a group waits for company before it departs. Callers that were answered together come back together: without
 * a moment's wait the first of them would take a transaction of its own and the others would wait for all of it.
 */

export interface PaceSettings {
  /** Share of a transaction's time that a group waits, 0 to 1. */
  gatherShare: number;
  /** The longest wait. */
  gatherMs: number;
  /** How long after a group of several others are still expected; default: as long as a transaction takes. */
  companyMs?: number;
}

/** How much of the newest transaction's time goes into the average. */
const WEIGHT = 0.25;

export class Pace {
  readonly #settings: PaceSettings;
  #averageMs = 0;
  /** Of the last group that ended with more than one write. */
  #endedAt = Number.NEGATIVE_INFINITY;

  constructor(settings: PaceSettings) {
    this.#settings = settings;
  }

  /** Milliseconds to wait at `now`: 0 where nobody else is about. */
  waitMs(underWay: number, now: number): number {
    const { gatherShare, gatherMs, companyMs = 0 } = this.#settings;
    const isAlone = underWay === 0 && now - this.#endedAt > Math.max(this.#averageMs, companyMs);
    return isAlone ? 0 : Math.min(this.#averageMs * gatherShare, gatherMs);
  }

  /** A group of so many writes ended at `now` after so many milliseconds. */
  ended(writes: number, milliseconds: number, now: number): void {
    const average = this.#averageMs;
    this.#averageMs = average === 0 ? milliseconds : average + WEIGHT * (milliseconds - average);
    if (writes > 1) this.#endedAt = now;
  }
}
