/**
 * The chaincode servers of several organisations in one process, a worker thread each, so that endorsements
 * are computed apart. A worker that dies is started again on its port.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { consortiumSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import type { ServeOptions } from './server.ts';

/** What the parent process sends first. */
export const hostRequestSchema = z.strictObject({
  consortium: consortiumSchema,
  ccid: z.string().min(1),
  /** Names of the organisations to serve. */
  organisations: z.array(z.string()).min(1),
});
export type HostRequest = z.infer<typeof hostRequestSchema>;

export interface RunningHost {
  /** host:port by organisation name; stays the same when a worker is started again. */
  addresses: Record<string, string>;
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** Enough for a transaction of 2,000 resources; without a bound V8 lets six idle heaps grow. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 };

/** @throws when a server cannot listen at first; later failures are retried */
export async function startHost({ consortium, ccid, organisations }: HostRequest): Promise<RunningHost> {
  const places = organisations.map(() => new Place({ consortium, ccid, address: '127.0.0.1:0' }));
  const addresses = await Promise.all(places.map((place) => place.start()));
  return {
    addresses: Object.fromEntries(organisations.map((name, index) => [name, addresses[index]!])),
    close: async () => {
      await Promise.all(places.map((place) => place.stop()));
    },
  };
}

/** The place of one worker, which outlives the worker in it. */
class Place {
  readonly #options: ServeOptions;
  #worker: Worker | undefined;
  #stopped = false;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  /** Starts a worker and watches it from then on. Answers its address. */
  async start(): Promise<string> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#options,
      resourceLimits: RESOURCE_LIMITS,
    });
    this.#worker = worker;
    this.#options.address = await addressFrom(worker);
    worker.on('error', ({ name }) => report('a chaincode worker failed', name));
    worker.once('exit', (code) => void this.#restart(code));
    return this.#options.address;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#worker?.terminate();
  }

  async #restart(code: number): Promise<void> {
    if (!this.#stopped) report('a chaincode worker ended and is started again', `exit ${code}`);
    for (let retryMs = FIRST_RETRY_MS; !this.#stopped; retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)) {
      try {
        await this.start();
        return;
      } catch (error) {
        report('a chaincode worker did not start', (error as Error).name);
        await delay(retryMs);
      }
    }
  }
}

/** The first message of a worker, or the reason why there is none. */
function addressFrom(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once('message', ({ address }: { address: string }) => resolve(address));
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the worker ended before it listened')));
  });
}

/** One line of JSON on standard error; kinds of failures, never what was being worked on. */
function report(message: string, failure: string): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level: 'error', message, failure })}\n`);
}
