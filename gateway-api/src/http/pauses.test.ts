import { expect } from 'chai';
import { inStretches, pause } from './pauses.ts';

const spin = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Long work', () => {
  it('of many requests shares one stretch of a turn', async () => {
    let longest = 0;
    let last = performance.now();
    let watching = true;
    const watch = async (): Promise<void> => {
      while (watching) {
        await turn();
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }
    };
    const watched = watch();
    const works = Array.from({ length: 20 }, () => inStretches(Array.from({ length: 10 }), () => spin(3)));
    await Promise.all(works);
    watching = false;
    await watched;
    // Without pauses 600 ms; each of the 20 may do one piece in a turn that is over.
    expect(longest).to.be.lessThan(300);
  });

  it('waits no turn while the stretch lasts', async () => {
    await turn();
    let turns = 0;
    const counted = turn().then(() => {
      turns += 1;
    });
    for (let index = 0; index < 100; index += 1) await pause();
    expect(turns).to.equal(0);
    await counted;
  });

  it('ends with the first failure', async () => {
    const done: number[] = [];
    const failing = inStretches([1, 2, 3], (item) => {
      if (item === 2) throw new Error('no');
      done.push(item);
    });
    expect(await failing.catch((error: Error) => error.message)).to.equal('no');
    expect(done).to.deep.equal([1]);
  });
});
