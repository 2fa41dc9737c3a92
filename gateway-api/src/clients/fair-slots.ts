/**
 * Slots for work that many clients want done: only so many are taken at once, one client takes only its part of them, and
 * who waits is served in turn, one of each client. A client with a thousand requests waits behind its own. A slot is also
 * waited for where this turn of the event loop has had its stretch (http/pauses.ts).
 */
import { Failure, unavailable } from '../http/failures.ts';
import { isTurnOver } from '../http/pauses.ts';

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
   * @throws {Failure} 429 where the client itself had all its slots taken for too long, 503 where others had
   */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const release = await this.#slot(name);
    try {
      return await work();
    } finally {
      release();
    }
  }

  #slot(name: string): Release | Promise<Release> {
    const client = this.#clients.get(name) ?? { running: 0, waiters: [] };
    this.#clients.set(name, client);
    const isFree = this.#isFree(client);
    if (client.waiters.length === 0 && isFree && !isTurnOver()) return this.#take(name, client);
    if (isFree) this.#serveSoon();
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
      if (this.#waiting > 0) this.#serveSoon();
    };
  }

  /** Not at once, and not in a turn that has had its stretch: whoever has sent something meanwhile is heard first. */
  #serveSoon(): void {
    setImmediate(() => {
      if (isTurnOver()) this.#serveSoon();
      else this.#serve();
    });
  }

  /** One that waits, of the client whose turn it is; that client is last the next time. */
  #serve(): void {
    for (const [name, client] of this.#clients) {
      if (client.waiters.length === 0 || !this.#isFree(client)) continue;
      const waiter = client.waiters.shift() as Waiter;
      clearTimeout(waiter.timer);
      this.#waiting -= 1;
      waiter.start();
      this.#clients.delete(name);
      this.#clients.set(name, client);
      return;
    }
  }

  #giveUp(name: string, client: Client, waiter: Waiter): void {
    client.waiters.splice(client.waiters.indexOf(waiter), 1);
    this.#waiting -= 1;
    const own = client.running >= this.#limits.client;
    this.#forget(name, client);
    waiter.giveUp(own ? busy() : unavailable('This gateway is busy; nothing was done.'));
  }

  #forget(name: string, client: Client): void {
    if (client.running === 0 && client.waiters.length === 0) this.#clients.delete(name);
  }
}

const busy = (): Failure =>
  new Failure(429, 'throttled', 'This client has too much under way.', { headers: { 'Retry-After': '1' } });
