/** Long work in short stretches: between two of them everybody else's requests are served. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A stretch is well under the 100 ms that no request may hold the event loop for. */
const STRETCH_MS = 15;

export class Pauses {
  #since = performance.now();

  /** Lets the event loop go round once, where a stretch is over. To be awaited between two pieces of work. */
  async pause(): Promise<void> {
    if (performance.now() - this.#since < STRETCH_MS) return;
    await nextTurn();
    this.#since = performance.now();
  }
}

/** Does something with each item, `atOnce` of them at a time, in stretches. The first failure ends it. */
export async function inStretches<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void> | void,
  atOnce = 1,
): Promise<void> {
  const pauses = new Pauses();
  const all = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = all.next(); next.done !== true; next = all.next()) {
      await work(next.value);
      await pauses.pause();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
