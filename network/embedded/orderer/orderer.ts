/**
 * The orderer: admits envelopes, cuts them into batches and hands these to the ledger one after the other. While one
 * block commits, the next accumulates, so blocks grow with the load.
 */

import { CONFIG, CONFIG_UPDATE } from '@telemed-ledger/formats/blocks/transaction.ts';
import type { BatchConfig } from '@telemed-ledger/formats/channel/config-group.ts';
import type { ParsedTransaction } from '../ledger/blocks/transaction.ts';
import { parseTransaction } from '../ledger/blocks/transaction.ts';
import { warmSignatures } from '../ledger/validation/stage-one.ts';
import type { Channel, Ledger, Orderer } from '../seams.ts';
import { BatchCutter } from './batch-cutter.ts';

/** common.HeaderType of a transaction that made a channel in Fabric 1 and 2. */
const ORDERER_TRANSACTION = 4;
/** common.Status */
const SUCCESS = 200;
const BAD_REQUEST = 400;
const FORBIDDEN = 403;
const SERVICE_UNAVAILABLE = 503;

export interface OrdererOptions {
  channel: Channel;
  ledger: Ledger;
  batch: BatchConfig;
}

interface Answer {
  status: number;
  info: string;
}

export function createOrderer(options: OrdererOptions): Orderer {
  return new SoloOrderer(options);
}

class SoloOrderer implements Orderer {
  readonly #options: OrdererOptions;
  readonly #cutter: BatchCutter;
  #timer: NodeJS.Timeout | undefined;
  /** The pending batch has waited long enough; it is cut as soon as no block is being committed. */
  #isDue = false;
  #isStopped = false;
  #isClosed = false;
  readonly #committing = new Set<Promise<void>>();
  #failure: string | undefined;

  constructor(options: OrdererOptions) {
    this.#options = options;
    this.#cutter = new BatchCutter(options.batch);
  }

  async broadcast(envelope: Uint8Array): Promise<Answer> {
    const transaction = parseTransaction(envelope);
    const refusal = this.#unavailable() ?? (await this.#refusal(transaction)) ?? this.#unavailable();
    if (refusal) return refusal;
    this.#enqueue(transaction);
    return { status: SUCCESS, info: '' };
  }

  #unavailable(): Answer | undefined {
    if (this.#failure !== undefined) return { status: SERVICE_UNAVAILABLE, info: this.#failure };
    if (this.#isStopped || this.#isClosed) return { status: SERVICE_UNAVAILABLE, info: 'the orderer is stopped' };
    return undefined;
  }

  /** The checks of spec 1.5, in their order. */
  async #refusal(transaction: ParsedTransaction): Promise<Answer | undefined> {
    const { channel, batch } = this.#options;
    const { header, payload, signature } = transaction;
    if (header && header.channel !== channel.name) return { status: BAD_REQUEST, info: 'channel does not exist' };
    if (!header) return { status: BAD_REQUEST, info: payload.length === 0 ? 'Message was empty' : 'bad header' };
    if (header.type === CONFIG_UPDATE) return { status: BAD_REQUEST, info: 'configuration updates are not supported' };
    // As Fabric's orderer, it lets every type pass that changes no configuration; validation judges them.
    if (header.type === CONFIG || header.type === ORDERER_TRANSACTION) {
      return { status: BAD_REQUEST, info: `bad header type ${header.type}` };
    }
    const size = payload.length + signature.length;
    if (size > batch.absoluteMaxBytes) {
      const limit = batch.absoluteMaxBytes;
      return {
        status: BAD_REQUEST,
        info: `message payload is ${size} bytes and exceeds maximum allowed ${limit} bytes`,
      };
    }
    const creator = channel.identities.parse(header.creator);
    if (creator && creator.notAfter.getTime() < Date.now()) {
      return { status: BAD_REQUEST, info: 'broadcast client identity expired' };
    }
    const denied = await channel.checkAcl('broadcast', { creator: header.creator, data: payload, signature });
    return denied === undefined ? undefined : { status: FORBIDDEN, info: denied };
  }

  #enqueue(transaction: ParsedTransaction): void {
    const { envelope, payload, signature } = transaction;
    warmSignatures(transaction, this.#options.channel).catch(() => undefined);
    for (const batch of this.#cutter.add(envelope, payload.length + signature.length)) this.#commit(batch);
    if (this.#cutter.isEmpty) this.#disarm();
    else this.#arm();
  }

  /** The time limit runs from when the pending batch became non-empty. */
  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#isDue = true;
      this.#cutWhenDue();
    }, this.#options.batch.timeoutMs);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
  }

  #cutWhenDue(): void {
    if (!this.#isDue || this.#isStopped || this.#committing.size > 0) return;
    this.#disarm();
    if (!this.#cutter.isEmpty) this.#commit(this.#cutter.cut());
  }

  #commit(batch: Uint8Array[]): void {
    const { ledger } = this.#options;
    const committing = ledger.commit(batch).then(
      () => undefined,
      (error: unknown) => this.#fail(error),
    );
    this.#committing.add(committing);
    void committing.then(() => {
      this.#committing.delete(committing);
      this.#cutWhenDue();
    });
  }

  #fail(error: unknown): void {
    this.#failure = 'the ledger could not commit a block';
    process.emitWarning(error instanceof Error ? error : String(error));
  }

  stop(stopped: boolean): void {
    this.#isStopped = stopped;
    if (!stopped) this.#cutWhenDue();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#disarm();
    if (!this.#cutter.isEmpty && this.#failure === undefined) this.#commit(this.#cutter.cut());
    await Promise.all(this.#committing);
  }
}
