/** Calls that come while one is under way are done together by the next: one wait for the disk instead of one each. */
import { setImmediate } from 'node:timers/promises';

interface Waiting<T> {
  item: T;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class Gathered<T> {
  readonly #run: (items: T[]) => Promise<void>;
  readonly #turns: number;
  #waiting: Waiting<T>[] = [];
  #isRunning = false;

  /**
   * `run` does all items or none.
   * @param turns of the event loop that each run waits for what else is under way; without any what comes in the same turn
   * goes along
   */
  constructor(run: (items: T[]) => Promise<void>, turns = 0) {
    this.#run = run;
    this.#turns = turns;
  }

  /** Done when the run that took the item is. @throws what that run throws */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isRunning) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    // What is added in the same turn of the event loop goes along.
    await undefined;
    while (this.#waiting.length > 0) {
      for (let turn = 0; turn < this.#turns; turn += 1) await setImmediate();
      const taken = this.#waiting.splice(0);
      try {
        await this.#run(taken.map(({ item }) => item));
        for (const { resolve } of taken) resolve();
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
