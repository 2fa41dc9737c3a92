import { expect } from 'chai';
import { GroupSize } from './group-size.ts';

describe('The size of groups', () => {
  it('is halved by a slow group, down to one, and doubled by a full one that is not', () => {
    const size = new GroupSize(1_000);
    expect(size.most).to.equal(8);
    const after = (writes: number, milliseconds: number): number => {
      size.ended(writes, milliseconds);
      return size.most;
    };
    expect([after(8, 1_001), after(4, 3_000), after(3, 2_000), after(1, 9_000)]).to.deep.equal([4, 2, 1, 1]);
    expect([after(1, 900), after(2, 900), after(3, 900), after(4, 900)]).to.deep.equal([2, 4, 4, 8]);
  });

  it('has no end where nothing is called slow', () => {
    const size = new GroupSize();
    size.ended(500, 60_000);
    expect(size.most).to.equal(Number.POSITIVE_INFINITY);
  });
});
