/**
 * Requests for access that are to be looked at: new ones, and of those that wait for the patient the ones of whom something
 * came onto the ledger, or whose time has come. Kept in memory, found by the order of the ledger: a gateway that starts, or to
 * which something arrives late, looks through all of them once.
 */
import type { Accesses } from '../../index/read/accesses.ts';
import type { ConcernedPatients, Heads } from '../../index/read/concerned.ts';
import type { OwnStates } from '../../index/read/own-states.ts';

const PAGE = 100;

export interface UndecidedOptions {
  own: Pick<OwnStates, 'page'>;
  accesses: Pick<Accesses, 'requestsFor'>;
  concerned: Pick<ConcernedPatients, 'heads' | 'between'>;
  /** How many values have not arrived: they stand earlier in the order than what is there already. */
  lacks: () => number;
}

export class Undecided {
  readonly #options: UndecidedOptions;
  /** How far the order of the ledger has been looked through, and how many values were lacking then. */
  #seen: { requests: string | undefined; heads: Heads; lacked: number } | undefined;
  /** Accesses, with how often something was found of each. */
  readonly #open = new Map<string, number>();
  /** Those that wait, with when they are to be looked at whatever happens, milliseconds since 1970. */
  readonly #waiting = new Map<string, number>();

  constructor(options: UndecidedOptions) {
    this.#options = options;
  }

  /** How many wait for the patient. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Accesses that are to be looked at, with what `looked` and `waits` are to be told. */
  async open(): Promise<[access: string, changes: number][]> {
    const lacked = this.#options.lacks();
    const heads = await this.#options.concerned.heads();
    const known = this.#seen?.lacked === lacked ? this.#seen : undefined;
    const requests = await this.#requested(known?.requests);
    if (known !== undefined && this.#waiting.size > 0) await this.#concerned(known.heads, heads);
    this.#due();
    this.#seen = { requests, heads, lacked };
    return [...this.#open];
  }

  /** When one that waits is to be looked at without anything having happened; milliseconds since 1970. */
  soonest(): number | undefined {
    return this.#waiting.size === 0 ? undefined : Math.min(...this.#waiting.values());
  }

  /** That nothing is to be done about an access, as it stood after so many changes. */
  looked(access: string, changes: number): void {
    if (this.#open.get(access) === changes) this.#open.delete(access);
    if (!this.#open.has(access)) this.#waiting.delete(access);
  }

  /** That nothing permits it yet. @param until when it is to be looked at again, milliseconds since 1970 */
  waits(access: string, changes: number, until: number): void {
    this.#waiting.set(access, until);
    if (this.#open.get(access) === changes) this.#open.delete(access);
  }

  /** Those that came behind this one in the order of the ledger; where the last of them stands. */
  async #requested(from: string | undefined): Promise<string | undefined> {
    let after = from;
    for (;;) {
      const page = await this.#options.own.page('access', { status: 'requested', count: PAGE, after });
      for (const { id } of page.rows) this.#add(id);
      after = page.last ?? after;
      if (page.next === undefined) return after;
    }
  }

  async #concerned(from: Heads, to: Heads): Promise<void> {
    for (const patient of await this.#options.concerned.between(from, to)) {
      for (let after: string | undefined; ; ) {
        const found = await this.#options.accesses.requestsFor([patient], { count: PAGE, after });
        for (const { id } of found) if (this.#waiting.has(id)) this.#add(id);
        if (found.length < PAGE) break;
        after = String(found.at(-1)!.sequence);
      }
    }
  }

  #due(): void {
    const now = Date.now();
    for (const [access, until] of this.#waiting) {
      if (until > now) continue;
      // Once: it stays open until it has been looked at.
      this.#waiting.set(access, Number.POSITIVE_INFINITY);
      this.#add(access);
    }
  }

  #add(access: string): void {
    this.#open.set(access, (this.#open.get(access) ?? 0) + 1);
  }
}
