/** The ledger's tree as the projector lets it grow: each block's entries behind those of the blocks before. */
import { leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import { type Entry, entryText } from '@telemed-ledger/verifier/entry.ts';
import type { Kysely } from 'kysely';
import { GrowingTree, peaksOf } from '../growing-tree.ts';
import type { IndexTables } from '../schema.ts';
import type { Seals } from '../seals.ts';
import type { Inserts } from './inserts.ts';

export class Tree {
  readonly #inserts: Inserts;
  readonly #seals: Seals;
  /** As the database has it; undefined until it is read. */
  #known: GrowingTree | undefined;

  constructor(inserts: Inserts, seals: Seals) {
    this.#inserts = inserts;
    this.#seals = seals;
  }

  /** What the database holds counts. */
  forget(): void {
    this.#known = undefined;
  }

  /** Writes the leaves of a block; `has` is to be called with the answer once that is committed. */
  async grow(db: Kysely<IndexTables>, entries: readonly Entry[]): Promise<GrowingTree> {
    const before = this.#known ?? (await this.#read(db));
    const texts = entries.map(entryText);
    const { tree, nodes } = before.with(texts.map(leafHash));
    const leaves = entries.map(({ block, position, transactionId = null }, at) => ({
      ...{ leaf: before.size + at, block, position },
      ...{ transaction_id: transactionId, entry: texts[at]! },
    }));
    await this.#inserts.leaves.into(db, leaves);
    await this.#inserts.treeNodes.into(db, nodes);
    return tree;
  }

  has(tree: GrowingTree): void {
    this.#known = tree;
  }

  /** @throws Error where a node is not as this gateway wrote it: on it no other would be believed */
  async #read(db: Kysely<IndexTables>): Promise<GrowingTree> {
    const { last } = await db
      .selectFrom('leaves')
      .select((select) => select.fn.max<number | null>('leaf').as('last'))
      .executeTakeFirstOrThrow();
    const size = last === null ? 0 : Number(last) + 1;
    const peaks: string[] = [];
    for (const { level, position } of peaksOf(size)) {
      const node = await db
        .selectFrom('tree_nodes')
        .selectAll()
        .where('level', '=', level)
        .where('position', '=', position)
        .executeTakeFirst();
      if (node === undefined || !this.#seals.isOn('tree_nodes', node))
        throw new Error('a node of the tree is not what this gateway wrote: run reindex');
      peaks.push(node.hash);
    }
    return new GrowingTree(size, peaks);
  }
}
