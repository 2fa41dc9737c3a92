/**
 * Compares the read model with the ledger at an interval and when asked, one comparison at a time, and keeps the last
 * report. What runs by itself rests most of the time; the interval grows with the ledger.
 */
import type { Logger } from 'pino';
import { apartFromRequests } from '../../ledger/request-deadline.ts';
import { loggable } from '../../operations/log.ts';
import type { VerifyReport } from './report.ts';

export interface Running {
  report: Promise<VerifyReport>;
  /** Somebody waits for it. */
  hurry(): void;
}

/** Begins a comparison; `unhurried`: nobody waits for it. */
export type Compare = (unhurried: boolean, stop: AbortSignal) => Running;

/** From the end of one that ran by itself: at least so many times as long as it took. */
const REST = 9;

export class Sweeper {
  readonly #compare: Compare;
  readonly #log: Logger;
  readonly #intervalMs: number;
  readonly #stopping = new AbortController();
  #running: Running | undefined;
  #last: VerifyReport | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(compare: Compare, log: Logger, intervalMs: number) {
    this.#compare = compare;
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    if (this.#intervalMs > 0) this.#later(this.#intervalMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the gateway is closing'));
    clearTimeout(this.#timer);
    await this.#running?.report.catch(() => {});
  }

  last = (): VerifyReport | undefined => this.#last;

  /** Differences of the last report. */
  differences = (): number => (this.#last === undefined ? 0 : this.#last.differences.length + this.#last.more);

  /** Begins a comparison, or joins the one under way. */
  run = (): Promise<VerifyReport> => {
    const running = this.#begin(false);
    running.hurry();
    return running.report;
  };

  #later(milliseconds: number): void {
    this.#timer = setTimeout(() => void this.#again(), milliseconds);
  }

  async #again(): Promise<void> {
    const started = Date.now();
    await this.#begin(true).report.catch((error: Error) => {
      if (!this.#stopping.signal.aborted) this.#log.warn(loggable(error), 'the sweep did not finish');
    });
    if (!this.#stopping.signal.aborted) this.#later(Math.max(this.#intervalMs, REST * (Date.now() - started)));
  }

  #begin(unhurried: boolean): Running {
    if (this.#running !== undefined) return this.#running;
    // A comparison takes longer than any request may.
    const { report, hurry } = apartFromRequests(() => this.#compare(unhurried, this.#stopping.signal));
    const running = { report: report.then((found) => this.#keep(found)), hurry };
    this.#running = running;
    const over = (): void => {
      this.#running = undefined;
    };
    running.report.then(over, over);
    return running;
  }

  #keep(report: VerifyReport): VerifyReport {
    this.#last = report;
    const { values, block, differences, more } = report;
    const total = differences.length + more;
    if (total > 0) this.#log.error({ values, block, differences: total }, 'the sweep found differences');
    else this.#log.info({ values, block }, 'the sweep found no difference');
    return report;
  }
}
