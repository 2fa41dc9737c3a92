import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { until } from '../consortium.fixture.ts';
import { watchEventLoop } from './event-loop.ts';

describe('The watch on the event loop', () => {
  it('observes what holds it, once and for as long', async () => {
    const delays: number[] = [];
    const stop = watchEventLoop((seconds) => delays.push(seconds));
    try {
      await until(() => delays.length >= 2);
      const before = delays.length;
      const until300 = performance.now() + 300;
      while (performance.now() < until300);
      await until(() => delays.length > before);
      expect(Math.max(...delays)).to.be.within(0.25, 5);
    } finally {
      stop();
    }
    const seen = delays.length;
    await sleep(60);
    expect(delays).to.have.length(seen);
  });
});
