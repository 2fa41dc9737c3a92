/** Long work in short stretches: between two of them everybody else's requests are served. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A stretch is well under the 100 ms that no request may hold the event loop for. */
const STRETCH_MS = 15;

export class Pauses {
  #since = performance.now();

  /** Whether the stretch is over and `pause` is due. */
  get due(): boolean {
    return performance.now() - this.#since >= STRETCH_MS;
  }

  /** Lets the event loop go round once, where a stretch is over. To be awaited between two pieces of work. */
  async pause(): Promise<void> {
    if (!this.due) return;
    await nextTurn();
    this.#since = performance.now();
  }
}
