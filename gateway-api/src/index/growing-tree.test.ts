import { auditPaths, isIncluded, leafHash, rootOf } from '@telemed-ledger/chaincode/model/merkle.ts';
import { expect } from 'chai';
import { GrowingTree, joined, type NodePlace, pathOf, peaksOf } from './growing-tree.ts';

const leaves = Array.from({ length: 70 }, (_, index) => leafHash(`leaf ${index}`));
const nameOf = ({ level, position }: NodePlace): string => `${level}/${position}`;

describe('GrowingTree', () => {
  const nodes = new Map<string, string>();
  const trees = [new GrowingTree()];
  for (const leaf of leaves) {
    const grown = trees.at(-1)!.with([leaf]);
    for (const node of grown.nodes) {
      expect(nodes.has(nameOf(node)), 'a node is made once').to.equal(false);
      nodes.set(nameOf(node), node.hash);
    }
    trees.push(grown.tree);
  }
  const hashOf = (place: NodePlace): string => nodes.get(nameOf(place))!;

  it('has at every size the root of RFC 6962, from its nodes', () => {
    for (let size = 1; size <= leaves.length; size += 1) {
      const root = rootOf(leaves.slice(0, size));
      expect(joined(trees[size]!.peaks)).to.equal(root);
      expect(joined(peaksOf(size).map(hashOf)), `at ${size}`).to.equal(root);
    }
  });

  it('has at every size the audit path of every leaf', () => {
    for (let size = 1; size <= leaves.length; size += 1) {
      const due = auditPaths(leaves.slice(0, size));
      for (let leaf = 0; leaf < size; leaf += 1) {
        const path = pathOf(leaf, size).map((places) => joined(places.map(hashOf)));
        expect(path, `${leaf} of ${size}`).to.deep.equal(due[leaf]);
        expect(isIncluded(leaves[leaf]!, leaf, path, { root: rootOf(leaves.slice(0, size)), size })).to.equal(true);
      }
    }
  });

  it('comes to the same by any number of leaves at once', () => {
    const { tree } = trees[5]!.with(leaves.slice(5));
    expect(tree).to.deep.equal(trees.at(-1));
  });
});
