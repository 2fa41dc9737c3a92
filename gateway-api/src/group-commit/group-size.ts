/** How many writes a group may hold, by how long those before it took. */

/** Until it is known how fast the ledger is. */
const FIRST = 8;
/** How much of the newest transaction's time goes into the average. */
const WEIGHT = 0.25;
/** Of how many writes a group at most shows what a transaction takes whatever is in it. */
const FEW = 2;

export interface SlowTimes {
  /** What a group's writes may take beyond a transaction of few. */
  slowMs: number;
  /** What is too long, whatever a transaction of few takes. */
  mostMs: number;
}

/**
 * What all of a group's writes take together must fit into the time that each of them has: a
 * group that is too large for a slow ledger would fail, be put together again and fail again.
 * Where a transaction of one is as slow, smaller groups would only make more of them: that is not counted.
 */
export class GroupSize {
  readonly #slow: SlowTimes | undefined;
  #most: number;
  #fewMs = 0;

  /** @param slow what is too long; undefined: groups are of any size */
  constructor(slow?: SlowTimes) {
    this.#slow = slow;
    this.#most = slow === undefined ? Number.POSITIVE_INFINITY : FIRST;
  }

  get most(): number {
    return this.#most;
  }

  /** A group of so many writes ended after so many milliseconds. */
  ended(writes: number, milliseconds: number): void {
    if (writes <= FEW) this.#fewMs += (this.#fewMs === 0 ? 1 : WEIGHT) * (milliseconds - this.#fewMs);
    if (this.#isSlow(milliseconds)) this.#most = writes === 1 ? this.#most : halfOf(Math.min(writes, this.#most));
    else if (writes >= this.#most) this.#most *= 2;
  }

  #isSlow(milliseconds: number): boolean {
    if (this.#slow === undefined) return false;
    const { slowMs, mostMs } = this.#slow;
    return milliseconds > Math.min(this.#fewMs + slowMs, mostMs);
  }
}

const halfOf = (writes: number): number => Math.max(1, Math.floor(writes / 2));
