import { expect } from 'chai';
import type { Finding } from '../model/claims.ts';
import { scoreOf } from './claim-score.ts';

const signal = (edit: string, weight: number, item?: number): Finding => ({
  ...{ edit, version: '1', outcome: 'signal', weight },
  ...(item === undefined ? {} : { facts: { item } }),
});

describe('the score of a claim', () => {
  it('is the sum of what its signals weigh, each once', () => {
    expect(scoreOf([])).to.equal(0);
    expect(scoreOf([signal('hours-in-day', 40, 1), signal('hours-in-day', 40, 2), signal('late', 15)])).to.equal(55);
  });

  it('counts no edit', () => {
    expect(scoreOf([{ edit: 'duplicate', version: '3', outcome: 'deny', weight: 100 }])).to.equal(0);
  });
});
