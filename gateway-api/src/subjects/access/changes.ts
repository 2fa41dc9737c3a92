/**
 * Deliveries that are still to be looked at because something was changed after them: kept in memory, found by the order of
 * the ledger. A gateway that starts, or to which something arrives late, looks through all of them once.
 */
import type { Delivered } from '../../index/read/delivered.ts';

const PAGE = 100;

export class Changes {
  readonly #delivered: Pick<Delivered, 'head' | 'touched' | 'outdated'>;
  readonly #lacks: () => number;
  /** How far the order of the ledger has been looked through, and how many values were lacking then. */
  #seen: { head: number; lacked: number } | undefined;
  /** Accesses, with how often something was found of each. */
  readonly #open = new Map<string, number>();

  /** @param lacks how many values have not arrived: they stand earlier in the order than what is there already */
  constructor(delivered: Pick<Delivered, 'head' | 'touched' | 'outdated'>, lacks: () => number) {
    this.#delivered = delivered;
    this.#lacks = lacks;
  }

  /** Accesses that are to be looked at, with what `looked` is to be told. */
  async open(): Promise<[access: string, changes: number][]> {
    const lacked = this.#lacks();
    const head = await this.#delivered.head();
    const from = this.#seen?.lacked === lacked ? this.#seen.head : undefined;
    if (from === undefined) await this.#all();
    else for (const access of await this.#delivered.touched(from, head)) this.#add(access);
    this.#seen = { head, lacked };
    return [...this.#open];
  }

  /** That an access was looked at as it stood after so many changes. */
  looked(access: string, changes: number): void {
    if (this.#open.get(access) === changes) this.#open.delete(access);
  }

  async #all(): Promise<void> {
    for (let after: string | undefined; ; ) {
      const { ids, next } = await this.#delivered.outdated({ count: PAGE, after });
      for (const access of ids) this.#add(access);
      if (next === undefined) return;
      after = next;
    }
  }

  #add(access: string): void {
    this.#open.set(access, (this.#open.get(access) ?? 0) + 1);
  }
}
