import { expect } from 'chai';
import { Pace } from './pace.ts';

const SETTINGS = { gatherShare: 0.25, gatherMs: 50 };

describe('The pace of groups', () => {
  it('lets a lone caller go at once, however often it comes back', () => {
    const pace = new Pace(SETTINGS);
    expect(pace.waitMs(0, 0)).to.equal(0);
    for (let now = 100; now < 1_000; now += 100) {
      pace.ended(1, 100, now);
      expect(pace.waitMs(0, now + 1)).to.equal(0);
    }
  });

  it('waits a share of a transaction while others are under way, or were until a moment ago', () => {
    const pace = new Pace(SETTINGS);
    pace.ended(1, 80, 100);
    expect(pace.waitMs(1, 101)).to.equal(20);
    pace.ended(5, 80, 200);
    expect(pace.waitMs(0, 201)).to.equal(20);
    expect(pace.waitMs(0, 281), 'one transaction later all is quiet').to.equal(0);
  });

  it('follows how long transactions take, up to the longest wait', () => {
    const pace = new Pace(SETTINGS);
    pace.ended(5, 100, 0);
    pace.ended(5, 200, 0);
    expect(pace.waitMs(0, 1)).to.equal(125 / 4);
    pace.ended(5, 15_000, 0);
    expect(pace.waitMs(0, 1)).to.equal(50);
  });

  it('waits for those who come in waves, as long as it is said and until two in a row came alone', () => {
    const pace = new Pace({ ...SETTINGS, companyMs: 1_000 });
    pace.ended(5, 80, 200);
    expect(pace.waitMs(0, 1_200)).to.equal(20);
    expect(pace.waitMs(0, 1_201)).to.equal(0);
    pace.ended(5, 80, 2_000);
    pace.ended(1, 80, 2_200);
    expect(pace.waitMs(0, 2_201)).to.equal(20);
    pace.ended(1, 80, 2_300);
    expect(pace.waitMs(0, 2_301), 'two came alone').to.equal(0);
    pace.ended(5, 80, 2_400);
    expect(pace.waitMs(0, 2_700)).to.equal(20);
  });
});
