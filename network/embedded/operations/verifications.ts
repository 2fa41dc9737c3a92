/**
 * Verifications of the running network's ledger, one at a time, in a thread of its own: the store is open in this
 * process and nobody else may open it, and a replay of all blocks would hold this thread for minutes.
 */
import { Worker } from 'node:worker_threads';
import type { NetworkConfig } from '../config.ts';
import type { Verification } from '../ledger/verification/verify.ts';

/** What the worker posts: blocks as it goes, and one of the others at its end. */
export type VerificationMessage = { block: number } | { verification: Verification } | { failed: string };

export type OnBlock = (number: number) => void;

interface Run {
  listeners: Set<OnBlock>;
  outcome: Promise<Verification>;
}

export class Verifications {
  readonly #config: NetworkConfig;
  #current: Run | undefined;
  #next: Run | undefined;
  #worker: Worker | undefined;
  #isClosed = false;

  constructor(config: NetworkConfig) {
    this.#config = config;
  }

  /**
   * A verification that begins after this call; those who ask while one runs share the next.
   *
   * @throws Error where it fails, or the network closes before it is done.
   */
  async verify(onBlock: OnBlock): Promise<Verification> {
    const before = this.#current?.outcome ?? Promise.resolve();
    this.#next ??= this.#prepare(before);
    const run = this.#next;
    run.listeners.add(onBlock);
    try {
      return await run.outcome;
    } finally {
      run.listeners.delete(onBlock);
    }
  }

  #prepare(before: Promise<unknown>): Run {
    const listeners = new Set<OnBlock>();
    const begin = async (): Promise<Verification> => {
      await before.catch(() => undefined);
      this.#current = run;
      this.#next = undefined;
      return this.#start((block) => {
        for (const listener of listeners) listener(block);
      }).finally(() => {
        this.#current = undefined;
      });
    };
    const run: Run = { listeners, outcome: begin() };
    run.outcome.catch(() => undefined);
    return run;
  }

  #start(onBlock: OnBlock): Promise<Verification> {
    if (this.#isClosed) return Promise.reject(new Error('the network is closing'));
    const worker = new Worker(new URL('./verification-worker.ts', import.meta.url), {
      workerData: this.#config,
      // What a block needs is short-lived; a large young generation only grows the process.
      resourceLimits: { maxYoungGenerationSizeMb: 16 },
    });
    this.#worker = worker;
    return new Promise<Verification>((resolve, reject) => {
      worker.on('message', (message: VerificationMessage) => {
        if ('block' in message) onBlock(message.block);
        else if ('failed' in message) reject(new Error(message.failed));
        else resolve(message.verification);
      });
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the verification was ended')));
    });
  }

  /** Ends what runs. The store must not be closed before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }
}
