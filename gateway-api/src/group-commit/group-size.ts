/**
 * How many writes a group may hold. What all of a group's writes take together must fit into the time that each of them has: a
 * group that is too large for a slow ledger would fail, be put together again and fail again.
 */
export class GroupSize {
  readonly #slowMs: number;
  #most = Number.POSITIVE_INFINITY;

  constructor(slowMs = Number.POSITIVE_INFINITY) {
    this.#slowMs = slowMs;
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
