/** A queue that takes from its callers in turn: who has much waiting waits behind own entries, not others behind them. */

export interface Queued {
  /** Whose turn it takes. */
  caller: string;
}

export class FairQueue<T extends Queued> {
  /** In the order of turns: the first caller is next. */
  readonly #byCaller = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(entry: T): void {
    const own = this.#byCaller.get(entry.caller);
    if (own === undefined) this.#byCaller.set(entry.caller, [entry]);
    else own.push(entry);
    this.#size += 1;
  }

  /**
   * Takes one entry of each caller in turn, again and again, until the queue is empty or `fits` says no: then the caller
   * whose entry did not fit is first the next time. What `fits` says of the first entry does not matter.
   */
  take(fits: (entry: T) => boolean): T[] {
    const taken: T[] = [];
    for (const [caller, entries] of this.#turns()) {
      const entry = entries[0] as T;
      if (!fits(entry) && taken.length > 0) break;
      taken.push(entry);
      this.#size -= 1;
      entries.shift();
      this.#byCaller.delete(caller);
      if (entries.length > 0) this.#byCaller.set(caller, entries);
    }
    return taken;
  }

  /** A Map goes on with what is set again while it is walked: each caller comes around as long as it has entries. */
  #turns(): IterableIterator<[string, T[]]> {
    return this.#byCaller.entries();
  }
}
