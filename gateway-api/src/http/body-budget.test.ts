import { expect } from 'chai';
import fc from 'fast-check';
import { BodyBudget } from './body-budget.ts';
import type { Failure } from './failures.ts';

const MIB = 1024 * 1024;

const statusOf = (take: () => void): number => {
  try {
    take();
    return 200;
  } catch (error) {
    return (error as Failure).status;
  }
};

describe('The memory for bodies', () => {
  it('is each client’s and everybody’s', () => {
    const budget = new BodyBudget({ clientBytes: 10 * MIB, allBytes: 15 * MIB });
    const first = budget.open('a');
    first.raise(10 * MIB);
    expect(statusOf(() => budget.open('a').raise(1))).to.equal(429);
    const second = budget.open('b');
    expect(statusOf(() => second.raise(9 * MIB))).to.equal(503);
    second.raise(5 * MIB);
    first.release();
    second.raise(10 * MIB);
    expect(budget.bytes).to.equal(10 * MIB);
  });

  it('keeps nobody from a small body because of others’ large ones', () => {
    const budget = new BodyBudget({ clientBytes: 10 * MIB, allBytes: 10 * MIB });
    budget.open('a').raise(10 * MIB);
    expect(statusOf(() => budget.open('b').raise(100_000))).to.equal(200);
  });

  it('adds up to nothing when everything was given back, whatever was refused in between', () => {
    const steps = fc.array(fc.tuple(fc.nat(4), fc.nat(3), fc.nat(4 * MIB), fc.boolean()));
    fc.assert(
      fc.property(steps, (all) => {
        const budget = new BodyBudget({ clientBytes: 6 * MIB, allBytes: 12 * MIB });
        const parts = Array.from({ length: 5 }, (_, index) => budget.open(`client ${index % 4}`));
        for (const [index, , bytes, release] of all) {
          statusOf(() => parts[index]!.raise(bytes));
          if (release) parts[index]!.release();
        }
        expect(budget.bytes).to.be.at.most(24 * MIB);
        for (const part of parts) part.release();
        expect(budget.bytes).to.equal(0);
        expect(statusOf(() => budget.open('x').raise(6 * MIB))).to.equal(200);
      }),
    );
  });
});
