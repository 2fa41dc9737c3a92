/**
 * Runs one duty of an organisation: finds what is still to be done in the read model and does it, when woken and at an
 * interval. It reads what is to be done from ledger state each time, so a restart loses nothing.
 */
import type { Logger } from 'pino';
import { loggable } from '../operations/log.ts';

export interface Work<T> {
  name: string;
  /** What is to be done now, as it is found: what is done meanwhile may be found again. */
  find: () => AsyncIterable<T>;
  /** A name for the log: an id of the ledger, never of a patient. */
  idOf: (item: T) => string;
  /** Does it; doing it twice must be refused by the ledger. */
  perform: (item: T) => Promise<void>;
}

const AT_ONCE = 4;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 60_000;

export class DutyWorker<T> {
  readonly #duty: Work<T>;
  readonly #log: Logger;
  readonly #intervalMs: number;
  /** When an item that failed may be tried again, and what it failed with. */
  readonly #failed = new Map<string, { again: number; backoff: number; reason: string }>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #nudged = false;
  #stopped = false;

  constructor(duty: Work<T>, log: Logger, intervalMs: number) {
    this.#duty = duty;
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** How many items have failed and are to be tried again. */
  get failing(): number {
    return this.#failed.size;
  }

  start(): void {
    this.nudge();
  }

  /** Looks for work now; while a round is under way, right after it. */
  nudge(): void {
    if (this.#stopped) return;
    if (this.#round !== undefined) {
      this.#nudged = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#round = this.#run().finally(() => {
      this.#round = undefined;
      if (this.#stopped) return;
      if (this.#nudged) {
        this.#nudged = false;
        this.nudge();
        return;
      }
      this.#timer = setTimeout(() => this.nudge(), this.#pause());
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  /** Until the interval is over or the first failed item may be tried again. */
  #pause(): number {
    const soonest = Math.min(...[...this.#failed.values()].map(({ again }) => again - Date.now()));
    return Math.max(50, Math.min(this.#intervalMs, soonest));
  }

  async #run(): Promise<void> {
    const found = new Set<string>();
    try {
      const items = this.#duty.find()[Symbol.asyncIterator]();
      const lane = async (): Promise<void> => {
        for (let next = await items.next(); next.done !== true && !this.#stopped; next = await items.next()) {
          const id = this.#duty.idOf(next.value);
          if (found.has(id)) continue;
          found.add(id);
          if ((this.#failed.get(id)?.again ?? 0) <= Date.now()) await this.#perform(next.value);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      for (const id of this.#failed.keys()) if (!found.has(id)) this.#failed.delete(id);
    } catch (error) {
      this.#log.error({ duty: this.#duty.name, ...loggable(error) }, 'looking for work failed');
    }
  }

  async #perform(item: T): Promise<void> {
    const id = this.#duty.idOf(item);
    try {
      await this.#duty.perform(item);
      this.#failed.delete(id);
    } catch (error) {
      const before = this.#failed.get(id);
      const backoff = Math.min((before?.backoff ?? FIRST_BACKOFF_MS / 2) * 2, LONGEST_BACKOFF_MS);
      const reason = String(error);
      this.#failed.set(id, { again: Date.now() + backoff, backoff, reason });
      // What goes on failing in the same way is said once.
      const level = before?.reason === reason ? 'debug' : 'warn';
      if (!this.#stopped) this.#log[level]({ duty: this.#duty.name, id, ...loggable(error) }, 'duty failed');
    }
  }
}
