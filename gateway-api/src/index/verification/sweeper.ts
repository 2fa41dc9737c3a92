/** Runs the sweep at an interval and when asked, one at a time, and keeps the last report. */
import type { Logger } from 'pino';
import { apartFromRequests } from '../../ledger/request-deadline.ts';
import { loggable } from '../../operations/log.ts';
import type { VerifyReport } from './verify.ts';

export class Sweeper {
  readonly #sweep: (stop: AbortSignal) => Promise<VerifyReport>;
  readonly #log: Logger;
  readonly #intervalMs: number;
  readonly #stopping = new AbortController();
  #running: Promise<VerifyReport> | undefined;
  #last: VerifyReport | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(sweep: (stop: AbortSignal) => Promise<VerifyReport>, log: Logger, intervalMs: number) {
    this.#sweep = sweep;
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    if (this.#intervalMs > 0) this.#timer = setTimeout(() => this.#again(), this.#intervalMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the gateway is closing'));
    clearTimeout(this.#timer);
    await this.#running?.catch(() => {});
  }

  last = (): VerifyReport | undefined => this.#last;

  /** Starts a sweep, or joins the one under way. */
  run = (): Promise<VerifyReport> => {
    // A sweep takes longer than any request may.
    this.#running ??= apartFromRequests(() => this.#once()).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  };

  async #again(): Promise<void> {
    await this.run().catch((error: Error) => {
      if (!this.#stopping.signal.aborted) this.#log.warn(loggable(error), 'the sweep did not finish');
    });
    if (!this.#stopping.signal.aborted) this.start();
  }

  async #once(): Promise<VerifyReport> {
    const report = await this.#sweep(this.#stopping.signal);
    this.#last = report;
    const { values, differences } = report;
    if (differences.length > 0)
      this.#log.error({ values, differences: differences.length }, 'the sweep found differences');
    else this.#log.info({ values }, 'the sweep found no difference');
    return report;
  }
}
