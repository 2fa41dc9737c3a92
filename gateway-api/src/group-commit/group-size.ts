/** How many writes a group may hold, by how long those before it took. */

/** Until it is known how fast the ledger is. */
const FIRST = 8;

/**
 * What all of a group's writes take together must fit into the time that each of them has: a
 * group that is too large for a slow ledger would fail, be put together again and fail again.
 */
export class GroupSize {
  readonly #slowMs: number;
  #most: number;

  /** @param slowMs what is too long; undefined: groups are of any size */
  constructor(slowMs?: number) {
    this.#slowMs = slowMs ?? Number.POSITIVE_INFINITY;
    this.#most = slowMs === undefined ? Number.POSITIVE_INFINITY : FIRST;
  }

  get most(): number {
    return this.#most;
  }

  /** A group of so many writes ended after so many milliseconds. */
  ended(writes: number, milliseconds: number): void {
    if (milliseconds > this.#slowMs) this.#most = Math.max(1, Math.floor(Math.min(writes, this.#most) / 2));
    else if (writes >= this.#most) this.#most *= 2;
  }
}
