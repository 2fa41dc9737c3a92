import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { silent } from '../index/index.fixture.ts';
import { Sweeper } from '../index/verification/sweeper.ts';
import { asOneRequest, deadlineWithin } from './request-deadline.ts';

const LONG_MS = 10_000;
const isOver = (deadline: number): boolean => deadline <= Date.now();

describe('The time that one request has for the ledger', () => {
  it('is one budget, however often it asks, and begins when it first does', () =>
    asOneRequest(async () => {
      await sleep(30);
      const first = deadlineWithin(20);
      expect(isOver(first)).to.equal(false);
      await sleep(30);
      expect(deadlineWithin(LONG_MS)).to.equal(first);
      expect(isOver(first)).to.equal(true);
    }));

  it('is nobody else’s', async () => {
    const [one, other] = await Promise.all([
      asOneRequest(async () => deadlineWithin(0)),
      asOneRequest(async () => deadlineWithin(LONG_MS)),
    ]);
    expect(other).to.be.greaterThan(one);
    expect(isOver(deadlineWithin(LONG_MS))).to.equal(false);
  });

  it('does not bound a sweep that the request has begun', () =>
    asOneRequest(async () => {
      deadlineWithin(1);
      await sleep(5);
      let deadline = 0;
      const compare = () => {
        deadline = deadlineWithin(LONG_MS);
        return { report: Promise.resolve({ values: 0, differences: [], more: 0 } as never), hurry: () => {} };
      };
      await new Sweeper(compare, silent, 0).run();
      expect(isOver(deadline)).to.equal(false);
    }));
});
