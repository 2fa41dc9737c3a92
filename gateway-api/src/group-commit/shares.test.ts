/** Who is refused when more writes wait than may. */
import { expect } from 'chai';
import type { Failure } from '../http/failures.ts';
import { GroupCommit } from './group-commit.ts';

describe('A group commit with all its writes taken', () => {
  it('refuses those who have their share, and takes in those who have less', async () => {
    const groups = new GroupCommit<string>({
      send: () => new Promise<never>(() => {}),
      itemAtFault: () => undefined,
      limits: {
        inFlight: 1,
        spread: 10,
        items: 10,
        bytes: 1_000,
        writes: 12,
        budgetMs: 60_000,
        gatherShare: 0,
        gatherMs: 0,
      },
    });
    const refused: string[] = [];
    let item = 0;
    const write = (caller: string): void => {
      item += 1;
      const targets = [String(item)];
      groups
        .write({ as: { role: 'system' }, caller, items: targets, bytes: 1, targets, beforeSubmit: undefined })
        .catch((failure: Failure) => refused.push(`${caller} ${failure.status}`));
    };
    for (let count = 0; count < 20; count += 1) write('greedy');
    for (let count = 0; count < 5; count += 1) write('modest');
    write('another');
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused).to.deep.equal([...Array(8).fill('greedy 429'), 'modest 429']);
    expect(groups.writes).to.equal(17);
  });

  it('has small writes go beside large ones of the same identity', async () => {
    const sent: number[] = [];
    const groups = new GroupCommit<string>({
      send: (_as, items) => {
        sent.push(items.length);
        return new Promise<never>(() => {});
      },
      itemAtFault: () => undefined,
      limits: {
        inFlight: 1,
        items: 10,
        bytes: 1_000,
        writes: 100,
        budgetMs: 60_000,
        gatherShare: 0,
        gatherMs: 0,
        spread: 1,
      },
    });
    const write = (caller: string, count: number): void => {
      const items = Array.from({ length: count }, (_, index) => `${caller} ${count} ${index}`);
      const asked = {
        as: { role: 'system' },
        caller,
        items,
        bytes: 1,
        targets: items,
        beforeSubmit: undefined,
      } as const;
      void groups.write(asked);
    };
    for (const count of [11, 12, 13]) write('greedy', count);
    write('modest', 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).to.deep.equal([11, 1]);
  });
});
