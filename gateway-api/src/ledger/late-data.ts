/**
 * Private data that this organisation's peer obtains later than its block (it was down, or slow, and other members'
 * peers gave it the data since). The event feed never comes back to a block, so such blocks are asked for again, one at a
 * time, until nothing of them is missing.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { loggable } from '../operations/log.ts';
import { type BlockScope, type ParsedBlock, parseBlock } from './block.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { isOversized } from './feed.ts';

/** A block and how many of its values are missing in the read model. */
export interface Incomplete {
  block: number;
  values: number;
}

export interface LateSink {
  /** The blocks whose values the peer had not all delivered, newest first. */
  incomplete(): Promise<Incomplete[]>;
  /** Takes those values of a block that are there now; answers how many. */
  complete(block: ParsedBlock): Promise<number>;
}

export interface LateDataOptions {
  connection: LedgerConnection;
  identity: () => Promise<Enrolled>;
  scope: BlockScope;
  sink: LateSink;
  log: Logger;
  pace?: Partial<Pace>;
}

export interface Pace {
  firstMs: number;
  longestMs: number;
  /** A block that cannot be delivered at all is asked for this seldom at first: the peer gathers all of it each time. */
  oversizedMs: number;
}

const PACE: Pace = { firstMs: 1_000, longestMs: 300_000, oversizedMs: 60_000 };
/** A block is asked for again after this part of the time that it has been incomplete. */
const PART_OF_AGE = 0.1;
const ANSWER_MS = 30_000;
/** Later blocks can take a lack away (a purge), and a database that was away can come back. */
const LOOK_AGAIN_MS = 10_000;

interface Asked {
  since: number;
  again: number;
}

/** Emits `block` (ParsedBlock) after values of it have arrived. */
export class LateData extends EventEmitter<{ block: [ParsedBlock] }> {
  readonly #options: LateDataOptions;
  readonly #pace: Pace;
  readonly #stopped = new AbortController();
  readonly #asked = new Map<number, Asked>();
  #incomplete: Incomplete[] = [];
  #wake = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: LateDataOptions) {
    super();
    this.#options = options;
    this.#pace = { ...PACE, ...options.pace };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** To be told of each block that the feed has applied. */
  sees(block: ParsedBlock): void {
    const writes = block.transactions.flatMap((transaction) => transaction.privateWrites);
    if (writes.some(({ anchor, plain }) => anchor !== undefined && plain?.matches !== true)) this.#wake.abort();
  }

  /** Seconds until the block that is due next is asked for again: what a caller is told to wait. */
  retryAfterSeconds(): number {
    const soonest = Math.min(...[...this.#asked.values()].map(({ again }) => again - Date.now()));
    return Number.isFinite(soonest) ? Math.max(1, Math.ceil(soonest / 1000) + 1) : 1;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#wake = new AbortController();
      try {
        await this.#look();
        await this.#askForDue();
      } catch (error) {
        if (!this.#stopped.signal.aborted) this.#options.log.warn(loggable(error), 'looking for late data failed');
      }
      const signal = AbortSignal.any([this.#stopped.signal, this.#wake.signal]);
      await sleep(this.#untilDue(), undefined, { signal }).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    this.#incomplete = await this.#options.sink.incomplete();
    const now = Date.now();
    const blocks = new Set(this.#incomplete.map(({ block }) => block));
    for (const block of this.#asked.keys()) if (!blocks.has(block)) this.#asked.delete(block);
    for (const block of blocks) {
      if (!this.#asked.has(block)) this.#asked.set(block, { since: now, again: now + this.#pace.firstMs });
    }
  }

  /** Newest first, as peers obtain them. Where one has become whole, its neighbours probably have too. */
  async #askForDue(): Promise<void> {
    const blocks = this.#incomplete.map(({ block }) => block);
    for (const [index, block] of blocks.entries()) {
      if (this.#stopped.signal.aborted) return;
      const asked = this.#asked.get(block);
      if (asked === undefined || asked.again > Date.now()) continue;
      const arrived = await this.#ask(block, asked);
      if (arrived === 0) continue;
      for (const neighbour of [blocks[index - 1], blocks[index + 1]]) {
        const next = neighbour === undefined ? undefined : this.#asked.get(neighbour);
        if (next !== undefined) next.again = Date.now();
      }
    }
    if (blocks.length > 0) await this.#look();
  }

  async #ask(number: number, asked: Asked): Promise<number> {
    const { sink, log } = this.#options;
    let pause = Math.max(this.#pace.firstMs, (Date.now() - asked.since) * PART_OF_AGE);
    try {
      const block = await blockAt(number, this.#options, this.#stopped.signal);
      const arrived = await sink.complete(block);
      if (arrived > 0) {
        log.info({ block: number, values: arrived }, 'private data has arrived late');
        this.emit('block', block);
      }
      return arrived;
    } catch (error) {
      if (isOversized(error)) pause = Math.max(pause, this.#pace.oversizedMs);
      if (!this.#stopped.signal.aborted)
        log.debug({ block: number, ...loggable(error) }, 'late data was not delivered');
      return 0;
    } finally {
      asked.again = Date.now() + Math.min(pause, this.#pace.longestMs);
    }
  }

  #untilDue(): number {
    const soonest = Math.min(LOOK_AGAIN_MS, ...[...this.#asked.values()].map(({ again }) => again - Date.now()));
    return Math.max(soonest, 10);
  }
}

/** One block with the private data that the peer holds of it now. @throws where it does not answer in time. */
export async function blockAt(
  number: number,
  { connection, identity, scope }: Pick<LateDataOptions, 'connection' | 'identity' | 'scope'>,
  stop: AbortSignal,
): Promise<ParsedBlock> {
  const network = connection.network(await identity());
  const events = await network.getBlockAndPrivateDataEvents({ startBlock: BigInt(number) });
  const end = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)]);
  const close = (): void => events.close();
  end.addEventListener('abort', close);
  try {
    for await (const delivered of events) return parseBlock(delivered, scope);
    throw new Error(`block ${number} was not delivered`);
  } finally {
    end.removeEventListener('abort', close);
    events.close();
  }
}
