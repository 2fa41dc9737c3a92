/** The ledger's tree as this organisation's peer has it: roots, leaves and audit paths. Each node that is used is checked. */
import type { Kysely } from 'kysely';
import { joined, type NodePlace, pathOf, peaksOf } from '../growing-tree.ts';
import type { IndexTables } from '../schema.ts';
import type { LeavesTable } from '../tree-tables.ts';
import type { Checks } from './checks.ts';

export class LedgerTree {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** How many leaves it has. */
  async size(): Promise<number> {
    const { last } = await this.#db
      .selectFrom('leaves')
      .select((select) => select.fn.max<number | null>('leaf').as('last'))
      .executeTakeFirstOrThrow();
    return last === null ? 0 : Number(last) + 1;
  }

  /** Number of the last block of which anything is in it; 0 where nothing is. */
  async newestBlock(): Promise<number> {
    const { last } = await this.#db
      .selectFrom('leaves')
      .select((select) => select.fn.max<number | null>('block').as('last'))
      .executeTakeFirstOrThrow();
    return Number(last ?? 0);
  }

  /** The root over the first leaves, hex; undefined where it has not grown so far, or none is asked for. */
  async root(size: number): Promise<string | undefined> {
    if (size < 1 || size > (await this.size())) return undefined;
    return this.#joined(peaksOf(size));
  }

  /** From the leaf's sibling to the root's child, hex, in the tree of that size, which it has grown to. */
  async path(leaf: number, size: number): Promise<string[]> {
    const path: string[] = [];
    for (const places of pathOf(leaf, size)) path.push(await this.#joined(places));
    return path;
  }

  /** The leaf of an envelope; undefined where there is none. */
  async leaf(block: number, position: number): Promise<LeavesTable | undefined> {
    const row = await this.#db
      .selectFrom('leaves')
      .selectAll()
      .where('block', '=', block)
      .where('position', '=', position)
      .executeTakeFirst();
    return row && this.#checks.row('leaves', row);
  }

  async #joined(places: readonly NodePlace[]): Promise<string> {
    const hashes: string[] = [];
    for (const place of places) hashes.push(await this.#hash(place));
    return joined(hashes);
  }

  /** @throws {IntegrityFailure} where the node is not there, or not as this gateway wrote it */
  async #hash({ level, position }: NodePlace): Promise<string> {
    const row = await this.#db
      .selectFrom('tree_nodes')
      .selectAll()
      .where('level', '=', level)
      .where('position', '=', position)
      .executeTakeFirst();
    if (row === undefined) return this.#checks.refuse('tree_nodes', { level, position, hash: '', seal: '' });
    return this.#checks.row('tree_nodes', row).hash;
  }
}
