import { expect } from 'chai';
import { inStretches, inTurn, workFor } from './pauses.ts';

const spin = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const pieces = (count: number) => Array.from({ length: count });

describe('Long work', () => {
  it('of many requests shares one stretch of a turn', async () => {
    const perTurn: number[] = [0];
    let watching = true;
    const watch = async (): Promise<void> => {
      while (watching) {
        await turn();
        perTurn.push(0);
      }
    };
    await turn();
    const watched = watch();
    const piece = (): void => {
      spin(3);
      perTurn[perTurn.length - 1]! += 1;
    };
    await workFor('one', () => Promise.all(pieces(20).map(() => inStretches(pieces(10), piece))));
    watching = false;
    await watched;
    // Five of three milliseconds fill a stretch.
    expect(Math.max(...perTurn)).to.be.within(1, 6);
    expect(perTurn.reduce((sum, count) => sum + count, 0)).to.equal(200);
  });

  it('waits no turn while the stretch lasts', async () => {
    await turn();
    await turn();
    let turns = 0;
    const counted = turn().then(() => {
      turns += 1;
    });
    for (let index = 0; index < 100; index += 1) await inTurn(() => {});
    expect(turns).to.equal(0);
    await counted;
  });

  it('goes round among clients, however much one of them does', async () => {
    const order: string[] = [];
    const work = (client: string, count: number) =>
      workFor(client, () =>
        inStretches(pieces(count), () => {
          spin(16);
          order.push(client);
        }),
      );
    const greedy = pieces(10).map(() => work('greedy', 10));
    const modest = work('modest', 5);
    await modest;
    const before = order.filter((client) => client === 'greedy').length;
    expect(before).to.be.within(1, 8);
    await Promise.all(greedy);
    expect(order).to.have.length(105);
  });

  it('of the gateway itself has every other turn, however many clients wait', async () => {
    const order: string[] = [];
    const piece = (client: string) => () => {
      spin(16);
      order.push(client);
    };
    const others = pieces(20).map((_, index) =>
      workFor(`client ${index}`, () => inStretches(pieces(2), piece('client'))),
    );
    await inStretches(pieces(10), piece('own'));
    expect(order.filter((client) => client === 'client').length).to.be.within(1, 13);
    await Promise.all(others);
    expect(order).to.have.length(50);
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
