/**
 * Single items of a list or a duty that cannot be read or are not what was anchored: the rest goes on without them. Each is
 * logged and counted once, by what it is and its id on the ledger, never by its content.
 */
import type { Logger } from 'pino';
import { loggable } from './log.ts';

export interface BrokenItemsOptions {
  log: Logger;
  /** Called once for each item. */
  count: (kind: string) => void;
}

/** Beyond so many the first ones are forgotten, and logged again when they are met again. */
const REMEMBERED = 10_000;

export class BrokenItems {
  readonly #options: BrokenItemsOptions;
  readonly #known = new Set<string>();

  constructor(options: BrokenItemsOptions) {
    this.#options = options;
  }

  /** @param kind what it is, a fixed name; @param id of the ledger */
  report(kind: string, id: string, error: unknown): void {
    const name = `${kind} ${id}`;
    if (this.#known.has(name)) return;
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.add(name);
    this.#options.log.error({ item: kind, id, ...loggable(error) }, 'an item cannot be read and is left out');
    this.#options.count(kind);
  }
}
