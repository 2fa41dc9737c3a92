import { expect } from 'chai';
import { Turns } from './turns.ts';

describe('turns', () => {
  const gate = () => {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    return { open, opened };
  };

  it('let one run at a time have a key, in the order they asked, and others pass', async () => {
    const turns = new Turns();
    const told: string[] = [];
    const first = gate();
    const runs = [
      turns.hold(['a', 'b'], async () => {
        await first.opened;
        told.push('first');
      }),
      turns.hold(['b'], async () => told.push('second')),
      turns.hold(['b', 'a'], async () => told.push('third')),
    ];
    await turns.hold(['c'], async () => told.push('other'));
    first.open();
    await Promise.all(runs);
    expect(told).to.deep.equal(['other', 'first', 'second', 'third']);
  });

  it('go on after a run that failed', async () => {
    const turns = new Turns();
    const failed = turns.hold(['a'], () => Promise.reject(new Error('no')));
    const after = turns.hold(['a'], async () => 'done');
    expect(await failed.catch((error: Error) => error.message)).to.equal('no');
    expect(await after).to.equal('done');
  });
});
