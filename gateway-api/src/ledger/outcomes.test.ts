import { expect } from 'chai';
import { Outcomes } from './outcomes.ts';

describe('The outcomes of transactions', () => {
  const outcomeOf = (code: number, block: number) => ({ transactionId: 't', code, block, endorsers: [], time: 'now' });

  it('are those of the first of two that carry the same bytes', async () => {
    const outcomes = new Outcomes();
    const { outcome } = outcomes.wait('t');
    outcomes.report(outcomeOf(9, 2));
    outcomes.report(outcomeOf(0, 1));
    expect(await outcome).to.include({ code: 0, block: 1 });
    expect(outcomes.size).to.equal(0);
  });

  it('wake everybody who waits, and nobody who stopped waiting', async () => {
    const outcomes = new Outcomes();
    const [one, other, gone] = [outcomes.wait('t'), outcomes.wait('t'), outcomes.wait('t')];
    gone.cancel();
    outcomes.report(outcomeOf(0, 1));
    expect(await Promise.all([one.outcome, other.outcome])).to.have.length(2);
  });
});
