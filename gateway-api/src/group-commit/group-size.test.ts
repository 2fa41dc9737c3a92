import { expect } from 'chai';
import { GroupSize } from './group-size.ts';

const afterOf = (size: GroupSize) => (writes: number, milliseconds: number) => {
  size.ended(writes, milliseconds);
  return size.most;
};

describe('The size of groups', () => {
  it('is halved by a slow group, down to one, and doubled by a full one that is not', () => {
    const size = new GroupSize({ slowMs: 1_000, mostMs: 5_000 });
    expect(size.most).to.equal(8);
    const after = afterOf(size);
    expect([after(8, 1_001), after(4, 3_000), after(3, 2_000), after(1, 9_000)]).to.deep.equal([4, 2, 1, 1]);
    expect([after(1, 900), after(2, 900), after(3, 900), after(4, 900)]).to.deep.equal([2, 4, 4, 8]);
  });

  it('is not halved where a transaction of one is as slow, up to what no write can wait for', () => {
    const size = new GroupSize({ slowMs: 1_000, mostMs: 5_000 });
    const after = afterOf(size);
    expect([after(1, 2_500), after(8, 3_400), after(16, 3_600)]).to.deep.equal([8, 16, 8]);
    expect([after(1, 4_900), after(1, 4_900), after(8, 4_500), after(16, 5_001)]).to.deep.equal([8, 8, 16, 8]);
  });

  it('comes back from one, however slow the ledger has become', () => {
    const size = new GroupSize({ slowMs: 1_000, mostMs: 5_000 });
    const after = afterOf(size);
    expect([after(8, 6_000), after(4, 6_000), after(2, 6_000)]).to.deep.equal([4, 2, 1]);
    expect([after(1, 3_000), after(2, 3_000), after(4, 3_000)]).to.deep.equal([2, 4, 8]);
  });

  it('has no end where nothing is called slow', () => {
    const size = new GroupSize();
    size.ended(500, 60_000);
    expect(size.most).to.equal(Number.POSITIVE_INFINITY);
  });
});
