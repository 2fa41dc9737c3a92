/**
 * Sees to it that the event feed follows the chain: a stream can be dead without an error (its server gone, its
 * connection kept). Where the peer is ahead and the feed stands still, the stream is opened anew.
 */
import type { Logger } from 'pino';
import type { LedgerClient } from './client.ts';
import type { Feed } from './feed.ts';

const INTERVAL_MS = 5_000;

export class FeedWatch {
  readonly #feed: Feed;
  readonly #ledger: LedgerClient;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #position = -1;
  #stopped = false;

  constructor(feed: Feed, ledger: LedgerClient, log: Logger) {
    this.#feed = feed;
    this.#ledger = ledger;
    this.#log = log;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#look(), INTERVAL_MS).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const position = this.#feed.position();
    const height = await this.#ledger.height().catch(() => 0);
    if (this.#stopped) return;
    if (height - 1 > position && position === this.#position && position === this.#feed.position()) {
      this.#log.warn({ block: position, height }, 'the event stream stands still and is opened anew');
      this.#feed.reconnect();
    }
    this.#position = this.#feed.position();
    this.start();
  }
}
