/**
 * The Merkle tree of RFC 6962, section 2.1, with SHA-256: its root, the audit path of a leaf, and the check of a path.
 * Hashes are lower-case hex; a leaf's data is text in UTF-8.
 */
import { hash } from 'node:crypto';

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** Of a leaf's data: SHA-256(0x00 ‖ data). */
export const leafHash = (data: string): string => hash('sha256', Buffer.concat([LEAF, Buffer.from(data)]));

/** Of two nodes side by side: SHA-256(0x01 ‖ left ‖ right). */
export const nodeHash = (left: string, right: string): string =>
  hash('sha256', Buffer.concat([NODE, Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]));

/** The levels of the tree from the leaves to the root; an odd last node rises unchanged, which is RFC 6962's split from below. */
function levelsOf(leaves: readonly string[]): (readonly string[])[] {
  if (leaves.length === 0) throw new Error('a tree has at least one leaf');
  const levels = [leaves];
  for (let level = leaves; level.length > 1; levels.push(level)) {
    const above: string[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const [left, right] = [level[index]!, level[index + 1]];
      above.push(right === undefined ? left : nodeHash(left, right));
    }
    level = above;
  }
  return levels;
}

/** The root over leaf hashes, at least one. */
export const rootOf = (leaves: readonly string[]): string => levelsOf(leaves).at(-1)![0]!;

/** The audit path of every leaf, each from the leaf's sibling to the root's child; every node is hashed once. */
export function auditPaths(leaves: readonly string[]): string[][] {
  const levels = levelsOf(leaves).slice(0, -1);
  return leaves.map((_, leaf) =>
    levels.flatMap((level, height) => {
      const sibling = level[Math.floor(leaf / 2 ** height) ^ 1];
      return sibling === undefined ? [] : [sibling];
    }),
  );
}

/** Whether a leaf hash stands at `index` in the tree of that size and root (RFC 9162, section 2.1.3.2). */
export function isIncluded(
  leaf: string,
  index: number,
  path: readonly string[],
  tree: { root: string; size: number },
): boolean {
  if (index < 0 || index >= tree.size) return false;
  let hash = leaf;
  let [position, last] = [index, tree.size - 1];
  for (const sibling of path) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash);
      while (position % 2 === 0 && position !== 0) [position, last] = [position / 2, Math.floor(last / 2)];
    } else hash = nodeHash(hash, sibling);
    [position, last] = [Math.floor(position / 2), Math.floor(last / 2)];
  }
  return last === 0 && hash === tree.root;
}

/** The root that a leaf and its path come to in a tree whose size is a power of two. */
export const rootFrom = (leaf: string, index: number, path: readonly string[]): string =>
  path.reduce(
    (hash, sibling, height) =>
      Math.floor(index / 2 ** height) % 2 === 1 ? nodeHash(sibling, hash) : nodeHash(hash, sibling),
    leaf,
  );

/** A leaf that is to change, and its path in the tree as it is. */
export interface LeafChange {
  index: number;
  leaf: string;
  path: readonly string[];
}

/** The root once several leaves, each once and at least one, have changed in a tree whose size is a power of two. */
export function rootWithLeaves(changes: readonly LeafChange[]): string {
  let nodes = new Map(changes.map(({ index, leaf }) => [index, leaf]));
  const [{ path } = { path: [] }] = changes;
  for (let height = 0; height < path.length; height += 1) {
    const siblings = new Map(changes.map((one) => [Math.floor(one.index / 2 ** height) ^ 1, one.path[height]!]));
    const at = (place: number): string => nodes.get(place) ?? siblings.get(place)!;
    nodes = new Map(
      [...nodes.keys()].map((place) => [Math.floor(place / 2), nodeHash(at(place & ~1), at(place | 1))] as const),
    );
  }
  return nodes.get(0)!;
}
