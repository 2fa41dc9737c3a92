import { expect } from 'chai';
import fc from 'fast-check';
import { type Clock, evenly, nextMoment } from './even-time.ts';

describe('The moments at which something is answered', () => {
  it('are whole steps after it was begun, whatever clock that was dated by, and never more than a step away', () => {
    for (const [from, now, due] of [
      [5_000, 5_000, 6_000],
      [5_000, 5_001, 6_000],
      [5_000, 5_999, 6_000],
      [5_000, 6_000, 7_000],
      [5_250, 9_300, 10_250],
      [900_250, 5_000, 5_250],
    ] as const)
      expect(nextMoment(from, now, 1_000)).to.equal(due);
  });

  it('are the same for whatever takes less than a step, also where it fails', async () => {
    const answeredAt = async (began: number, tookMs: number, fails: boolean): Promise<number> => {
      let now = began;
      const pass = async (ms: number): Promise<void> => {
        now += ms;
      };
      const clock: Clock = { now: () => now, sleep: pass };
      const work = async () => {
        await pass(tookMs);
        if (fails) throw new Error('it fails');
        return 'done';
      };
      expect(await evenly(50, work, clock).catch(() => 'failed')).to.equal(fails ? 'failed' : 'done');
      return now - began;
    };
    const within = fc.integer({ min: 0, max: 49 });
    await fc.assert(
      fc.asyncProperty(fc.nat(1e9), within, fc.boolean(), async (began, tookMs, fails) => {
        expect(await answeredAt(began, tookMs, fails)).to.equal(50);
        expect(await answeredAt(began, tookMs + 50, fails)).to.equal(100);
      }),
    );
  });
});
