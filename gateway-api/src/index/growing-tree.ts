/**
 * A Merkle tree (RFC 6962, section 2.1) that grows by leaves: which nodes over complete subtrees are kept, and what root and
 * audit path come from them at any size it has had. Pure; whoever keeps the nodes reads them. Hashes are hex.
 */
import { nodeHash } from '@telemed-ledger/chaincode/model/merkle.ts';

/** A complete subtree: the 2^level leaves from position × 2^level on. */
export interface NodePlace {
  level: number;
  position: number;
}

export interface TreeNode extends NodePlace {
  hash: string;
}

/** The complete subtrees that the leaves from `start` to before `end` split into, the greatest first; `start` fits each. */
function subtreesOf(start: number, end: number): NodePlace[] {
  const found: NodePlace[] = [];
  for (let from = start; from < end; ) {
    const level = Math.floor(Math.log2(end - from));
    const size = 2 ** level;
    found.push({ level, position: from / size });
    from += size;
  }
  return found;
}

/** The subtrees whose roots make up the root of a tree of that size. */
export const peaksOf = (size: number): NodePlace[] => subtreesOf(0, size);

/** The root over neighbouring subtrees, the greatest first; at least one. */
export const joined = (peaks: readonly string[]): string =>
  peaks.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), peaks.at(-1)!);

/**
 * The audit path of a leaf in a tree of that size, from the leaf's sibling to the root's child: each of its hashes is
 * `joined` of the nodes at these places.
 */
export function pathOf(leaf: number, size: number): NodePlace[][] {
  const path: NodePlace[][] = [];
  for (let level = 0; 2 ** level < size; level += 1) {
    const at = Math.floor(leaf / 2 ** level);
    const start = (at % 2 === 0 ? at + 1 : at - 1) * 2 ** level;
    if (start < size) path.push(subtreesOf(start, Math.min(start + 2 ** level, size)));
  }
  return path;
}

/** A tree as far as it has grown. */
export class GrowingTree {
  readonly size: number;
  /** Hashes of `peaksOf(size)`. */
  readonly peaks: readonly string[];

  constructor(size = 0, peaks: readonly string[] = []) {
    this.size = size;
    this.peaks = peaks;
  }

  /** With these leaves behind its own, and the nodes over subtrees that have become complete. */
  with(leaves: readonly string[]): { tree: GrowingTree; nodes: TreeNode[] } {
    const peaks = [...this.peaks];
    const nodes: TreeNode[] = [];
    let { size } = this;
    for (const leaf of leaves) {
      let node: TreeNode = { level: 0, position: size, hash: leaf };
      nodes.push(node);
      while (node.position % 2 === 1) {
        const { level, position, hash } = node;
        node = { level: level + 1, position: (position - 1) / 2, hash: nodeHash(peaks.pop()!, hash) };
        nodes.push(node);
      }
      peaks.push(node.hash);
      size += 1;
    }
    return { tree: new GrowingTree(size, peaks), nodes };
  }
}
