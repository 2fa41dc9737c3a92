/** Knows whether the PostgreSQL of a gateway is away, and notices by itself when it is back. */
import type { Logger } from 'pino';
import { DatabaseLost, type StoreHealth } from '../health.ts';
import { reasonOf } from './errors.ts';

const PROBE_MS = 500;

export class PostgresWatch implements StoreHealth {
  readonly #place: string;
  readonly #log: Logger;
  #probe: () => Promise<void> = async () => {};
  #ask: () => Promise<void> = async () => {};
  #failure: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tell: () => void = () => {};
  /** Losses are reported only between a successful start and the end. */
  #watching = false;

  constructor(place: string, log: Logger) {
    this.#place = place;
    this.#log = log;
  }

  /** `probe` opens what the gateway writes with; `ask` uses what it reads with. */
  start(probe: () => Promise<void>, ask: () => Promise<void>): void {
    this.#probe = probe;
    this.#ask = ask;
    this.#watching = true;
  }

  stop(): void {
    this.#watching = false;
    clearTimeout(this.#timer);
  }

  onBack(listener: () => void): void {
    this.#tell = listener;
  }

  failure = (): string | undefined => this.#failure;

  async ask(): Promise<void> {
    if (this.#failure !== undefined) throw new DatabaseLost(this.#failure);
    await this.#ask().catch((error: unknown) => {
      this.lost(error);
      throw new DatabaseLost(reasonOf(error));
    });
  }

  lost = (error: unknown): void => {
    if (!this.#watching || this.#failure !== undefined) return;
    this.#failure = this.#said(error);
    this.#log.warn({ reason: this.#failure }, 'the database is away');
    this.#later();
  };

  #later(): void {
    this.#timer = setTimeout(() => void this.#look(), PROBE_MS).unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#probe();
      this.#failure = undefined;
      this.#log.info('the database is back');
      this.#tell();
    } catch (error) {
      if (!this.#watching) return;
      this.#failure = this.#said(error);
      this.#later();
    }
  }

  #said(error: unknown): string {
    return error instanceof LockHeld ? error.message : `the database ${this.#place} is away: ${reasonOf(error)}`;
  }
}

/** Another process has this database open for writing. */
export class LockHeld extends Error {
  constructor(place: string) {
    super(`another gateway has the database ${place} open: each gateway needs one of its own`);
  }
}
