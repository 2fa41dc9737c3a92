/**
 * Lets one run at a time have a key: two requests with the same If-None-Exist, or the same Idempotency-Key, must not
 * both find nothing. One gateway process per organisation makes this enough; several would need it in the ledger.
 */
export class Turns {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Whether anybody holds or waits for one of the keys. */
  areHeld(keys: readonly string[]): boolean {
    return keys.some((key) => this.#tails.has(key));
  }

  /** Runs when every earlier holder of any of the keys is done. All keys are queued for at once, so there is no deadlock. */
  async hold<T>(keys: readonly string[], run: () => Promise<T>): Promise<T> {
    if (keys.length === 0) return run();
    const before = Promise.all(keys.map((key) => this.#tails.get(key)));
    let release = (): void => {};
    const tail = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const key of keys) this.#tails.set(key, tail);
    try {
      await before;
      return await run();
    } finally {
      release();
      for (const key of keys) if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
