import { expect } from 'chai';
import { Metrics } from '../../gateway-api/src/operations/metrics.ts';
import { heldIn, heldLonger } from './gateway-metrics.ts';

describe('The event loop in /metrics', () => {
  it('is counted between two readings', async () => {
    const metrics = new Metrics('hospital', []);
    for (const seconds of [0.001, 0.3, 3]) metrics.eventLoopDelay(seconds);
    const before = heldIn(await metrics.registry.metrics());
    for (const seconds of [0.001, 0.02, 0.2, 0.7, 20]) metrics.eventLoopDelay(seconds);
    const after = heldIn(await metrics.registry.metrics());
    expect([0.1, 0.5, 10].map((bound) => heldLonger(bound, before, after))).to.deep.equal([3, 2, 1]);
  });
});
