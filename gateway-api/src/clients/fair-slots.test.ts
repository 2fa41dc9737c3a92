import { expect } from 'chai';
import type { Failure } from '../http/failures.ts';
import { FairSlots, type SlotLimits } from './fair-slots.ts';

const slots = (limits: Partial<SlotLimits>) => new FairSlots({ all: 4, client: 3, waitMs: 10_000, ...limits });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Work that is done when the test says so. */
function held() {
  let finish = (): void => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { done, finish };
}

describe('Slots for clients', () => {
  it('are taken by one client to its part, and never by all beyond theirs', async () => {
    const all = slots({});
    const works = Array.from({ length: 10 }, held);
    const greedy = works.map(({ done }) => all.run('greedy', () => done));
    await turn();
    expect([all.taken, all.waiting]).to.deep.equal([3, 7]);
    let served = false;
    await all.run('modest', async () => {
      served = true;
    });
    expect(served).to.equal(true);
    for (const { finish } of works) finish();
    await Promise.all(greedy);
    expect([all.taken, all.waiting]).to.deep.equal([0, 0]);
  });

  it('are given in turn, one to each client', async () => {
    const all = slots({ all: 1, client: 1 });
    const order: string[] = [];
    const first = held();
    const blocked = all.run('z', () => first.done);
    const work = (name: string) => all.run(name.slice(0, 1), async () => void order.push(name));
    const names = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1'];
    const waiting = names.map(work);
    first.finish();
    await blocked;
    await Promise.all(waiting);
    expect(order).to.deep.equal(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  });

  it('are given back when the work fails', async () => {
    const all = slots({ all: 1 });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const failed = await all.run('a', () => Promise.reject(new Error('no'))).catch((error: Error) => error.message);
      expect(failed).to.equal('no');
    }
    expect(all.taken).to.equal(0);
  });

  it('are waited for only so long: 429 where the client has its part, 503 where others have all', async () => {
    const all = slots({ all: 2, client: 1, waitMs: 20 });
    const works = [held(), held()];
    const running = works.map(({ done }, index) => all.run(`c${index}`, () => done));
    const statusOf = (name: string) => all.run(name, async () => 200).catch((failure: Failure) => failure.status);
    expect(await Promise.all([statusOf('c0'), statusOf('c2')])).to.deep.equal([429, 503]);
    for (const { finish } of works) finish();
    await Promise.all(running);
    expect(await statusOf('c0')).to.equal(200);
    expect([all.taken, all.waiting]).to.deep.equal([0, 0]);
  });
});
