import { expect } from 'chai';
import { closedLoop, median, perSecond, quantile } from './closed-loop.ts';

describe('A closed loop', () => {
  it('keeps as many calls in flight as it has callers, and waits for the last', async () => {
    let inFlight = 0;
    let most = 0;
    const round = await closedLoop(5, 30, async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inFlight -= 1;
    });
    expect(most).to.equal(5);
    expect(inFlight).to.equal(0);
    expect(round.latenciesMs).to.have.length(round.operations);
    expect(round.elapsedMs).to.be.at.least(30);
    expect(perSecond(round)).to.be.closeTo((round.operations * 1000) / round.elapsedMs, 1e-9);
  });

  it('counts failures apart and keeps the first', async () => {
    let calls = 0;
    const round = await closedLoop(1, 10, async () => {
      calls += 1;
      await new Promise(setImmediate);
      if (calls % 2 === 0) throw new Error(`failure ${calls}`);
    });
    expect(round.operations + round.errors).to.equal(calls);
    expect(round.firstError).to.equal('failure 2');
  });

  it('knows medians and quantiles', () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
    expect(quantile([5, 1, 4, 2, 3], 0.5)).to.equal(3);
    expect(
      quantile(
        Array.from({ length: 100 }, (_, index) => index + 1),
        0.99,
      ),
    ).to.equal(99);
    expect(quantile([], 0.5)).to.be.NaN;
  });
});
