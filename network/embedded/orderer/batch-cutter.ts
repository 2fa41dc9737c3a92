/** Cuts accepted envelopes into blocks by count and size (spec 2.4); the time limit is the orderer's. */
import type { BatchConfig } from '@telemed-ledger/formats/channel/config-group.ts';

export class BatchCutter {
  readonly #limits: BatchConfig;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(limits: BatchConfig) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /**
   * Takes an envelope whose payload and signature have `size` bytes, and answers the batches that are full with it.
   * What is larger than preferredMaxBytes stands alone; what would overflow the pending batch goes into the next.
   */
  add(envelope: Uint8Array, size: number): Uint8Array[][] {
    const { preferredMaxBytes, maxMessageCount } = this.#limits;
    const full: Uint8Array[][] = [];
    if (this.#pendingBytes + size > preferredMaxBytes && !this.isEmpty) full.push(this.cut());
    if (size > preferredMaxBytes) return [...full, [envelope]];
    this.#pending.push(envelope);
    this.#pendingBytes += size;
    if (this.#pending.length >= maxMessageCount) full.push(this.cut());
    return full;
  }

  /** The pending batch, which may be empty. */
  cut(): Uint8Array[] {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return batch;
  }
}
