import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { auditPaths, isIncluded, leafHash, rootOf, rootWithLeaves } from './merkle.ts';

/** The definition of RFC 6962, section 2.1, to the letter. */
function definedRoot(data: readonly string[]): string {
  if (data.length === 1) return createHash('sha256').update(`\0${data[0]}`).digest('hex');
  let k = 1;
  while (k * 2 < data.length) k *= 2;
  const halves = [data.slice(0, k), data.slice(k)].map((half) => Buffer.from(definedRoot(half), 'hex'));
  return createHash('sha256')
    .update(Buffer.concat([Buffer.from([1]), ...halves]))
    .digest('hex');
}

const texts = (size: number): string[] => Array.from({ length: size }, (_, index) => `record ${index}`);

describe('the Merkle tree', () => {
  it('has the root that RFC 6962 defines, for every size to 70', () => {
    for (let size = 1; size <= 70; size += 1)
      expect(rootOf(texts(size).map(leafHash)), String(size)).to.equal(definedRoot(texts(size)));
  });

  it('has the roots of the test vectors that Certificate Transparency’s implementations share', () => {
    // Leaves '', 00, 10, 2021, 3031, 40414243, 5051525354555657, 606162636465666768696a6b6c6d6e6f
    // (github.com/google/certificate-transparency, merkle_tree_test.cc); the first two are text.
    expect(rootOf([leafHash('')])).to.equal('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(rootOf(['', '\0'].map(leafHash))).to.equal(
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    );
  });

  it('shows each leaf by its path, and nothing else by it', () => {
    for (let size = 1; size <= 40; size += 1) {
      const leaves = texts(size).map(leafHash);
      const tree = { root: rootOf(leaves), size };
      for (let index = 0; index < size; index += 1) {
        const path = auditPaths(leaves)[index]!;
        expect(isIncluded(leaves[index]!, index, path, tree)).to.equal(true);
        for (let other = 0; other < size + 2; other += 1)
          if (other !== index) expect(isIncluded(leaves[index]!, other, path, tree)).to.equal(false);
        expect(isIncluded(leafHash('another'), index, path, tree)).to.equal(false);
        expect(isIncluded(leaves[index]!, index, [...path, leafHash('x')], tree)).to.equal(false);
        if (path.length > 0) expect(isIncluded(leaves[index]!, index, path.slice(1), tree)).to.equal(false);
      }
    }
  });

  it('accepts no path with a changed hash', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), fc.nat(), (size, at, changed) => {
        const leaves = texts(size).map(leafHash);
        const index = at % size;
        const path = auditPaths(leaves)[index]!;
        path[changed % path.length] = leafHash('another');
        return !isIncluded(leaves[index]!, index, path, { root: rootOf(leaves), size });
      }),
    );
  });

  it('comes to the root of the whole tree when any of its leaves change together', () => {
    const several = fc.uniqueArray(fc.nat(63), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), several, (height, indexes) => {
        const leaves = texts(2 ** height).map(leafHash);
        const paths = auditPaths(leaves);
        const changed = [...new Set(indexes.map((index) => index % leaves.length))];
        const changes = changed.map((index) => ({ index, leaf: leafHash(`changed ${index}`), path: paths[index]! }));
        const after = leaves.map((leaf, index) => changes.find((one) => one.index === index)?.leaf ?? leaf);
        expect(rootWithLeaves(changes)).to.equal(rootOf(after));
      }),
    );
  });
});
