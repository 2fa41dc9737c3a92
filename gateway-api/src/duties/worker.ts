/**
 * Runs one duty of an organisation: finds what is still to be done in the read model and does it, when woken and at an
 * interval. It reads what is to be done from ledger state each time, so a restart loses nothing. What waits for one
 * organisation waits in a lane of its own: while one is away, what needs others is found and done.
 */
import type { Logger } from 'pino';
import { loggable } from '../operations/log.ts';

export interface Work<T> {
  name: string;
  /** What is to be done now, as it is found: what is done meanwhile may be found again. */
  find: () => AsyncIterable<T>;
  /** When there will be more without a nudge, milliseconds since 1970; undefined where that is not known. */
  soonest?: () => Promise<number | undefined>;
  /** A name for the log: an id of the ledger, never of a patient. */
  idOf: (item: T) => string;
  /** The lane it waits in: name of the organisation that it cannot be done without. Default: all in one. */
  laneOf?: (item: T) => string;
  /** How many of one lane are done at once. */
  atOnce?: number;
  /** Does it; doing it twice must be refused by the ledger. */
  perform: (item: T) => Promise<void>;
}

/** Of one lane, where its duty does not say. */
const AT_ONCE = 16;
/** What is found beyond this is found again when these are done. */
const MOST_WAITING = 250;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 60_000;

interface Lane<T> {
  running: number;
  waiting: T[];
  /** There was more than may wait. */
  isMore: boolean;
}

export class DutyWorker<T> {
  readonly #duty: Work<T>;
  readonly #log: Logger;
  readonly #intervalMs: number;
  /** When an item that failed may be tried again, and what it failed with. */
  readonly #failed = new Map<string, { again: number; backoff: number; reason: string }>();
  readonly #lanes = new Map<string, Lane<T>>();
  /** Items that wait in a lane or are under way, by id. */
  readonly #taken = new Map<string, Promise<void> | undefined>();
  /** What was done since the search under way began: it may still find that. */
  readonly #done = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** As it was said at the end of the last search, or of what was done after it. */
  #soonest: number | undefined;
  #search: Promise<void> | undefined;
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

  /** Looks for work now; while it is being looked for, right after that. */
  nudge(): void {
    if (this.#stopped) return;
    if (this.#search !== undefined) {
      this.#nudged = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#search = this.#look().finally(() => {
      this.#search = undefined;
      if (!this.#nudged) return this.#schedule();
      this.#nudged = false;
      this.nudge();
    });
  }

  /** Ends with the work in hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#search;
    await Promise.all(this.#taken.values());
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => this.nudge(), this.#pause());
  }

  /** Until the interval is over, the first failed item may be tried again, or there is more. */
  #pause(): number {
    const times = [...[...this.#failed.values()].map(({ again }) => again), ...(this.#soonest ? [this.#soonest] : [])];
    return Math.max(50, Math.min(this.#intervalMs, ...times.map((time) => time - Date.now())));
  }

  async #look(): Promise<void> {
    const found = new Set<string>();
    this.#done.clear();
    try {
      for await (const item of this.#duty.find()) {
        if (this.#stopped) return;
        const id = this.#duty.idOf(item);
        if (!found.has(id)) this.#take(id, item);
        found.add(id);
      }
      for (const id of this.#failed.keys()) if (!found.has(id) && !this.#taken.has(id)) this.#failed.delete(id);
      this.#soonest = await this.#duty.soonest?.();
    } catch (error) {
      this.#log.error({ duty: this.#duty.name, ...loggable(error) }, 'looking for work failed');
    }
  }

  #take(id: string, item: T): void {
    if (this.#taken.has(id) || this.#done.has(id) || (this.#failed.get(id)?.again ?? 0) > Date.now()) return;
    const name = this.#duty.laneOf?.(item) ?? '';
    const lane = this.#lanes.get(name) ?? { running: 0, waiting: [], isMore: false };
    this.#lanes.set(name, lane);
    if (lane.waiting.length >= MOST_WAITING) {
      lane.isMore = true;
      return;
    }
    this.#taken.set(id, undefined);
    lane.waiting.push(item);
    this.#startNext(lane);
  }

  #startNext(lane: Lane<T>): void {
    if (lane.running >= (this.#duty.atOnce ?? AT_ONCE) || this.#stopped) return;
    const item = lane.waiting.shift();
    if (item === undefined) return;
    lane.running += 1;
    const id = this.#duty.idOf(item);
    const performed = this.#perform(id, item).finally(() => {
      lane.running -= 1;
      this.#taken.delete(id);
      this.#goOn(lane);
    });
    this.#taken.set(id, performed);
  }

  /** After an item of a lane: its next one, or what did not fit into it, or what is to be tried again. */
  #goOn(lane: Lane<T>): void {
    this.#startNext(lane);
    if (lane.isMore && lane.waiting.length === 0) {
      lane.isMore = false;
      this.nudge();
    } else if (this.#search === undefined) this.#schedule();
  }

  async #perform(id: string, item: T): Promise<void> {
    try {
      await this.#duty.perform(item);
      this.#failed.delete(id);
      this.#done.add(id);
      this.#soonest = await this.#duty.soonest?.();
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
