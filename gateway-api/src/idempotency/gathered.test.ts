import { expect } from 'chai';
import { Gathered } from './gathered.ts';

describe('Gathered calls', () => {
  it('are done together: those of one turn, and those that came while others were done', async () => {
    const runs: number[][] = [];
    const gates: (() => void)[] = [];
    const gathered = new Gathered<number>((items) => {
      runs.push(items);
      return new Promise((resolve) => gates.push(resolve));
    });
    const first = [1, 2].map((item) => gathered.add(item));
    await new Promise(setImmediate);
    const second = [3, 4].map((item) => gathered.add(item));
    gates.shift()?.();
    await Promise.all(first);
    await new Promise(setImmediate);
    gates.shift()?.();
    await Promise.all(second);
    expect(runs).to.deep.equal([
      [1, 2],
      [3, 4],
    ]);
  });

  it('fail with their own run alone', async () => {
    const gathered = new Gathered<string>(async (items) => {
      if (items.includes('bad')) throw new Error('no');
    });
    const failed = await gathered.add('bad').catch((error: Error) => error.message);
    expect(failed).to.equal('no');
    await gathered.add('good');
  });
});
