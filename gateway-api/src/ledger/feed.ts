/**
 * The event feed: blocks with private data from this organisation's own peer, from the checkpoint on, each handed
 * to the read model and then to whoever waits for a transaction in it. A stream that ends is opened again.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { GatewayError, type Network } from '@hyperledger/fabric-gateway';
import { peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { loggable } from '../operations/log.ts';
import { type BlockScope, type ParsedBlock, parseBlock } from './block.ts';
import { BlockWaiters } from './block-waiters.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { Outcomes } from './outcomes.ts';

/** Where blocks go: rows and checkpoint in one database transaction. */
export interface BlockSink {
  /** The last block applied, with its header hash; undefined before the first. */
  checkpoint(): { block: number; hash: string } | undefined;
  apply(block: ParsedBlock): Promise<void>;
  /** Before a stream is opened: `checkpoint` then says what is really stored. */
  reopen(): Promise<void>;
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
  readonly #waiters = new BlockWaiters();
  readonly #options: FeedOptions;
  #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #closeStream: (() => void) | undefined;
  #pause = new AbortController();
  #failure: Error | undefined;
  #connected = false;
  /** The last block that could not be delivered with its private data. */
  #oversized = -1;

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

  /** Opens the stream anew, from the checkpoint, and at once. */
  reconnect(): void {
    this.#closeStream?.();
    this.#pause.abort();
  }

  /** Number of the last block that the read model holds; −1 before the first. */
  position(): number {
    return this.#options.sink.checkpoint()?.block ?? -1;
  }

  /** Whether the read model holds a block, waiting for it until `deadline` (milliseconds since 1970). */
  until(block: number, deadline: number): Promise<boolean> {
    return this.#waiters.until(block, this.position(), deadline);
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
      this.#pause = new AbortController();
      const signal = AbortSignal.any([this.#stopped.signal, this.#pause.signal]);
      await sleep(backoff * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  /**
   * Reads one stream until it ends. It begins with the block that is already held, so that a stream is known to work,
   * and the ledger to be the same, also while nothing happens on the channel.
   */
  async #read(): Promise<void> {
    const { connection, identity, scope, sink } = this.#options;
    await sink.reopen();
    const network = connection.network(await identity());
    const position = this.position();
    let due = position >= 0 && position === this.#oversized ? position + 1 : Math.max(position, 0);
    const events = await network.getBlockAndPrivateDataEvents({ startBlock: BigInt(due) });
    this.#closeStream = () => events.close();
    try {
      for await (const delivered of events) {
        if (this.#stopped.signal.aborted) return;
        this.#connected = true;
        const block = parseBlock(delivered, scope);
        await this.#take(block);
        due = block.number + 1;
      }
    } catch (error) {
      if (!isOversized(error)) throw error;
      await this.#readWithoutPrivateData(network, due);
    } finally {
      this.#closeStream = undefined;
      events.close();
    }
  }

  async #take(block: ParsedBlock): Promise<void> {
    const { sink } = this.#options;
    const held = sink.checkpoint();
    checkFollows(block, held);
    this.#failure = undefined;
    if (block.number === held?.block) return;
    await sink.apply(block);
    this.#publish(block);
  }

  /**
   * A block whose private data is more than one message holds is read without it. Its values are then missing here, and
   * told as such; but whoever writes that much in one block must not stop this gateway.
   */
  async #readWithoutPrivateData(network: Network, number: number): Promise<void> {
    const { scope, log } = this.#options;
    this.#oversized = number;
    if (number <= this.position()) return;
    log.error({ block: number }, 'the private data of a block is too large to be delivered');
    const blocks = await network.getBlockEvents({ startBlock: BigInt(number) });
    this.#closeStream = () => blocks.close();
    try {
      for await (const block of blocks) {
        const delivered = new peer.BlockAndPrivateData();
        delivered.setBlock(block);
        await this.#take(parseBlock(delivered, scope));
        return;
      }
    } finally {
      blocks.close();
    }
  }

  #publish(block: ParsedBlock): void {
    for (const { transactionId, code, endorsers, time } of block.transactions) {
      this.outcomes.report({ transactionId, code, endorsers, time, block: block.number });
    }
    this.#waiters.holds(block.number);
    this.emit('block', block);
  }
}

/** Said by the peer of what it sends, or by this side of what it receives. */
export const isOversized = (error: unknown): boolean =>
  error instanceof GatewayError && error.code === status.RESOURCE_EXHAUSTED && /larger than max/i.test(error.message);

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
