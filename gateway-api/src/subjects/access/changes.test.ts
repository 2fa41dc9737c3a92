/** Which deliveries are looked at again: those touched since the last look, and all of them where the order has changed. */
import { expect } from 'chai';
import { Changes } from './changes.ts';

describe('Deliveries to be looked at again', () => {
  let head: number;
  let lacks: number;
  /** Accesses by the place in the order at which something about them was changed. */
  let touched: [number, string][];
  let outdated: string[];
  let changes: Changes;
  beforeEach(() => {
    [head, lacks, touched, outdated] = [10, 0, [], ['a', 'b', 'c']];
    const delivered = {
      head: async () => head,
      touched: async (from: number, to: number) =>
        touched.filter(([place]) => place > from && place <= to).map(([, access]) => access),
      outdated: async ({ after = '' }: { after?: string | undefined }) => {
        const [next, ...more] = outdated.filter((access) => access > after);
        return { ids: next === undefined ? [] : [next], ...(more.length > 0 && next !== undefined ? { next } : {}) };
      },
    };
    changes = new Changes(delivered, () => lacks);
  });
  const open = async () => (await changes.open()).map(([access]) => access);
  const lookAtAll = async () => {
    for (const [access, count] of await changes.open()) changes.looked(access, count);
  };

  it('are all that are outdated at the start, in pages, until they were looked at', async () => {
    expect(await open()).to.deep.equal(['a', 'b', 'c']);
    expect(await open()).to.deep.equal(['a', 'b', 'c']);
    await lookAtAll();
    expect(await open()).to.deep.equal([]);
  });

  it('are then those that a later block touches, once', async () => {
    await lookAtAll();
    [touched, head] = [[[11, 'b']], 11];
    expect(await open()).to.deep.equal(['b']);
    await lookAtAll();
    expect(await open()).to.deep.equal([]);
  });

  it('stay where something was changed while they were looked at', async () => {
    await lookAtAll();
    [touched, head] = [[[11, 'b']], 11];
    const [[access, count] = ['', 0]] = await changes.open();
    [touched, head] = [[[12, 'b']], 12];
    await changes.open();
    changes.looked(access, count);
    expect(await open()).to.deep.equal(['b']);
  });

  it('are all that are outdated where something has arrived late: it stands earlier in the order', async () => {
    await lookAtAll();
    lacks = 1;
    outdated = ['c'];
    expect(await open()).to.deep.equal(['c']);
    await lookAtAll();
    lacks = 0;
    outdated = ['a'];
    expect(await open()).to.deep.equal(['a']);
  });
});
