/**
 * The event feed: blocks with private data from this organisation's own peer, from the checkpoint on, each handed
 * to the read model and then to whoever waits for a transaction in it. A stream that ends is opened again.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { loggable } from '../log.ts';
import { type BlockScope, type ParsedBlock, parseBlock } from './block.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { Outcomes } from './outcomes.ts';

/** Where blocks go: rows and checkpoint in one database transaction. */
export interface BlockSink {
  /** The last block applied, with its header hash; undefined before the first. */
  checkpoint(): { block: number; hash: string } | undefined;
  apply(block: ParsedBlock): Promise<void>;
}

export interface FeedOptions {
  connection: LedgerConnection;
  identity: () => Promise<Enrolled>;
  scope: BlockScope;
  sink: BlockSink;
  log: Logger;
}

/** The next block does not follow the last one applied: the read model was filled from another ledger. */
export class ForeignLedger extends Error {}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

/** Emits `block` (ParsedBlock) after each block has been applied. */
export class Feed extends EventEmitter<{ block: [ParsedBlock] }> {
  readonly outcomes = new Outcomes();
  readonly #options: FeedOptions;
  #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #closeStream: (() => void) | undefined;
  #failure: Error | undefined;
  #connected = false;

  constructor(options: FeedOptions) {
    super();
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#closeStream?.();
    await this.#running;
  }

  /** Opens the stream anew, from the checkpoint. */
  reconnect(): void {
    this.#closeStream?.();
  }

  /** Number of the last block that the read model holds; −1 before the first. */
  position(): number {
    return this.#options.sink.checkpoint()?.block ?? -1;
  }

  /** Whether a stream is open, and what last went wrong with it. */
  status(): { connected: boolean; failure?: Error } {
    return this.#failure === undefined
      ? { connected: this.#connected }
      : { connected: this.#connected, failure: this.#failure };
  }

  async #run(): Promise<void> {
    let backoff = FIRST_BACKOFF_MS;
    while (!this.#stopped.signal.aborted) {
      const before = this.position();
      try {
        await this.#read();
        this.#failure = undefined;
      } catch (error) {
        if (this.#stopped.signal.aborted) break;
        this.#failure = error as Error;
        this.#options.log.warn({ ...loggable(error), block: this.position() }, 'event stream failed');
      }
      this.#connected = false;
      backoff = this.position() > before ? FIRST_BACKOFF_MS : Math.min(backoff * 2, LONGEST_BACKOFF_MS);
      await sleep(backoff * (0.5 + Math.random() / 2), undefined, { signal: this.#stopped.signal }).catch(() => {});
    }
  }

  /**
   * Reads one stream until it ends. It begins with the block that is already held, so that a stream is known to work,
   * and the ledger to be the same, also while nothing happens on the channel.
   */
  async #read(): Promise<void> {
    const { connection, identity, scope, sink } = this.#options;
    const network = connection.network(await identity());
    const events = await network.getBlockAndPrivateDataEvents({ startBlock: BigInt(Math.max(this.position(), 0)) });
    this.#closeStream = () => events.close();
    try {
      for await (const delivered of events) {
        if (this.#stopped.signal.aborted) return;
        this.#connected = true;
        const block = parseBlock(delivered, scope);
        const held = sink.checkpoint();
        checkFollows(block, held);
        this.#failure = undefined;
        if (block.number === held?.block) continue;
        await sink.apply(block);
        this.#publish(block);
      }
    } finally {
      this.#closeStream = undefined;
      events.close();
    }
  }

  #publish(block: ParsedBlock): void {
    for (const { transactionId, code, endorsers, time } of block.transactions) {
      this.outcomes.report({ transactionId, code, endorsers, time, block: block.number });
    }
    this.emit('block', block);
  }
}

/** The block must be the one that is held, or the next. */
function checkFollows(block: ParsedBlock, held: { block: number; hash: string } | undefined): void {
  if (held !== undefined && block.number === held.block) {
    if (block.hash === held.hash) return;
    throw new ForeignLedger(`block ${block.number} is not the block this read model holds: run reindex`);
  }
  const expected = (held?.block ?? -1) + 1;
  if (block.number !== expected) throw new Error(`block ${block.number} came where ${expected} was due`);
  if (held !== undefined && block.previousHash !== held.hash) {
    throw new ForeignLedger(`block ${block.number} does not follow the block this read model holds: run reindex`);
  }
}
