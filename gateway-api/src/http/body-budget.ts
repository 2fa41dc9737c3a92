/**
 * Memory for request bodies: a budget for each client and one for all together. A body takes its part before it is
 * read, so that what does not fit is refused and not held.
 */
import { Failure, unavailable } from './failures.ts';

export interface BodyLimits {
  /** Of one client's bodies at once, bytes. */
  clientBytes: number;
  /** Of all clients' bodies at once, bytes. */
  allBytes: number;
}

/**
 * What of each body counts for its client alone: others' large bodies keep nobody from sending a small one. The
 * client's requests in progress are limited besides, and so is the sum of these.
 */
const SMALL_BYTES = 256 * 1024;

/** One body's part of the budgets. */
export interface Reservation {
  /** Raises the part to `bytes` in all. @throws {Failure} 429 beyond the client's budget, 503 beyond the common one. */
  raise(bytes: number): void;
  /** Gives the part back; calling it again does nothing. */
  release(): void;
}

export type BodyRefusal = 'client-bodies' | 'all-bodies';

export class BodyBudget {
  readonly #limits: BodyLimits;
  readonly #onRefusal: (which: BodyRefusal) => void;
  readonly #byClient = new Map<string, number>();
  #shared = 0;

  constructor(limits: BodyLimits, onRefusal: (which: BodyRefusal) => void = () => {}) {
    this.#limits = limits;
    this.#onRefusal = onRefusal;
  }

  /** Bytes that all bodies hold at the moment. */
  get bytes(): number {
    return [...this.#byClient.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** An empty part for a body of this client. */
  open(client: string): Reservation {
    let held = 0;
    let released = false;
    return {
      raise: (bytes) => {
        if (released || bytes <= held) return;
        this.#take(client, held, bytes);
        held = bytes;
      },
      release: () => {
        if (released) return;
        released = true;
        this.#give(client, held);
      },
    };
  }

  #take(client: string, held: number, bytes: number): void {
    const { clientBytes, allBytes } = this.#limits;
    const own = (this.#byClient.get(client) ?? 0) + bytes - held;
    if (own > clientBytes) {
      this.#onRefusal('client-bodies');
      throw new Failure(429, 'throttled', 'This client has as much under way as it may send at once.', {
        headers: { 'Retry-After': '1' },
        expression: 'body',
      });
    }
    const shared = this.#shared + sharedOf(bytes) - sharedOf(held);
    if (shared > allBytes) {
      this.#onRefusal('all-bodies');
      throw unavailable('The bodies under way fill the memory that this gateway has for them; nothing was written.');
    }
    this.#byClient.set(client, own);
    this.#shared = shared;
  }

  #give(client: string, held: number): void {
    const left = (this.#byClient.get(client) ?? 0) - held;
    if (left > 0) this.#byClient.set(client, left);
    else this.#byClient.delete(client);
    this.#shared -= sharedOf(held);
  }
}

const sharedOf = (bytes: number): number => Math.max(0, bytes - SMALL_BYTES);
