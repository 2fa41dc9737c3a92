/**
 * After something was deleted, has the stores take it off the disk: soon, not for each deletion, and again where somebody is
 * in the way.
 */
import type { Logger } from 'pino';
import { loggable } from '../operations/log.ts';
import type { Stores } from './schema.ts';

export interface ForgettingTimes {
  /** What is deleted at about the same time goes together. */
  delayMs: number;
  /** Writing a whole log into the file keeps the process busy for a moment. */
  pauseMs: number;
}

const TIMES: ForgettingTimes = { delayMs: 1_000, pauseMs: 10_000 };

export class Forgetting {
  readonly #forget: Stores['forget'];
  readonly #log: Logger;
  readonly #times: ForgettingTimes;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #last = Number.NEGATIVE_INFINITY;
  #isNew = false;
  #stopped = false;

  constructor(forget: Stores['forget'], log: Logger, times = TIMES) {
    this.#forget = forget;
    this.#log = log;
    this.#times = times;
  }

  /** To be called when something has been deleted. */
  nudge(): void {
    this.#isNew = true;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    const { delayMs, pauseMs } = this.#times;
    const due = Math.max(delayMs, this.#last + pauseMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#last = performance.now();
      this.#running = this.#running.then(() => this.#run());
    }, due).unref();
  }

  async #run(): Promise<void> {
    const isNew = this.#isNew;
    this.#isNew = false;
    try {
      if (await this.#forget(isNew)) return;
    } catch (error) {
      this.#isNew ||= isNew;
      this.#log.warn(loggable(error), 'what was deleted is not off the disk yet');
    }
    this.#schedule();
  }
}
