/**
 * Slots for work that many clients want done: only so many are taken at once, one client takes only its part of them, and
 * who waits is served in turn, one of each client. A client with a thousand requests waits behind its own.
 */
import { Failure, unavailable } from '../http/failures.ts';
import { inTurn } from '../http/pauses.ts';

export interface SlotLimits {
  /** Taken at once, of all clients. */
  all: number;
  /** Taken at once, of one client. */
  client: number;
  /** How long a slot is waited for, ms. */
  waitMs: number;
}

/** A slot that is taken; to be called once when the work is done. */
export type Release = () => void;

interface Waiter {
  start: () => void;
  giveUp: (failure: Failure) => void;
  timer: NodeJS.Timeout;
}

interface Client {
  running: number;
  waiters: Waiter[];
}

export class FairSlots {
  readonly #limits: SlotLimits;
  /** Those with work running or waiting, in the order of their turns. */
  readonly #clients = new Map<string, Client>();
  #taken = 0;
  #waiting = 0;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  /** Slots that are taken at the moment. */
  get taken(): number {
    return this.#taken;
  }

  /** Pieces of work that wait for a slot. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Does the work in a slot, when it is this client's turn.
   * @throws {Failure} where it waited too long: 429 where the client has more under way, 503 where others have all
   */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const release = await this.#slot(name);
    try {
      return await inTurn(work);
    } finally {
      release();
    }
  }

  /**
   * A slot now, or none: to be held until the work is done, wherever that ends.
   * @throws {Failure} 429 where the client has all of its own, 503 where others have all
   * @returns to be called once; what is called again releases nothing more
   */
  takeNow(name: string): Release {
    const client = this.#clients.get(name) ?? { running: 0, waiters: [] };
    if (!this.#isFree(client))
      throw client.running > 0 ? busy() : unavailable('This gateway is busy; nothing was done.');
    this.#clients.set(name, client);
    const release = this.#take(name, client);
    let isHeld = true;
    return () => {
      if (isHeld) release();
      isHeld = false;
    };
  }

  #slot(name: string): Release | Promise<Release> {
    const client = this.#clients.get(name) ?? { running: 0, waiters: [] };
    this.#clients.set(name, client);
    if (client.waiters.length === 0 && this.#isFree(client)) return this.#take(name, client);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        start: () => resolve(this.#take(name, client)),
        giveUp: reject,
        timer: setTimeout(() => this.#giveUp(name, client, waiter), this.#limits.waitMs),
      };
      client.waiters.push(waiter);
      this.#waiting += 1;
    });
  }

  #isFree({ running }: Client): boolean {
    return this.#taken < this.#limits.all && running < this.#limits.client;
  }

  #take(name: string, client: Client): Release {
    client.running += 1;
    this.#taken += 1;
    return () => {
      client.running -= 1;
      this.#taken -= 1;
      this.#forget(name, client);
      this.#serve();
    };
  }

  /** Those that wait and may be served now, one of each client in turn. A Map goes on with what is set again. */
  #serve(): void {
    for (const [name, client] of this.#clients) {
      if (this.#taken >= this.#limits.all || this.#waiting === 0) return;
      if (client.waiters.length === 0 || !this.#isFree(client)) continue;
      const waiter = client.waiters.shift() as Waiter;
      clearTimeout(waiter.timer);
      this.#waiting -= 1;
      waiter.start();
      this.#clients.delete(name);
      this.#clients.set(name, client);
    }
  }

  #giveUp(name: string, client: Client, waiter: Waiter): void {
    client.waiters.splice(client.waiters.indexOf(waiter), 1);
    this.#waiting -= 1;
    const isOwn = client.running > 0 || client.waiters.length > 0;
    this.#forget(name, client);
    waiter.giveUp(isOwn ? busy() : unavailable('This gateway is busy; nothing was done.'));
  }

  #forget(name: string, client: Client): void {
    if (client.running === 0 && client.waiters.length === 0) this.#clients.delete(name);
  }
}

const busy = (): Failure =>
  new Failure(429, 'throttled', 'This client has too much under way.', { headers: { 'Retry-After': '1' } });
