/** At most so many calls of one service at a time on one peer; what is over is refused at once. */
import { status } from '@grpc/grpc-js';
import { GatewayError } from './error.ts';

export class ConcurrencyLimit {
  readonly #service: string;
  readonly #limit: number;
  #running = 0;

  /** `service` as Fabric names it, for instance `/gateway.Gateway`. */
  constructor(service: string, limit: number) {
    this.#service = service;
    this.#limit = limit;
  }

  /** @throws GatewayError UNKNOWN where the limit is reached. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) {
      const message = `too many requests for ${this.#service}, exceeding concurrency limit (${this.#limit})`;
      throw new GatewayError(status.UNKNOWN, message);
    }
    this.#running++;
    try {
      return await call();
    } finally {
      this.#running--;
    }
  }
}
