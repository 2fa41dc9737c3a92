import { ERROR_CODES, LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { LedgerFailure } from '../ledger-failure.ts';
import { Differing, Refused } from './dissent.ts';
import { endorsementOf, type Result } from './results.fixture.ts';
import { agreedSoon, untilAgreed } from './rounds.ts';

const agreed = [endorsementOf('own')] as const;
const refusal = new LedgerError('CONFLICT', 'not the next version');
const differing = (own: Result, other: Result) => new Differing([endorsementOf('own', own), endorsementOf('a', other)]);
const readAt = (block: number): Result => ({ reads: { k: { block, tx: 0 } } });
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
const failureOf = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => undefined,
    (error) => error,
  );

/** Rounds that end as given, the last one again and again; peers that gain a block whenever they are asked. */
function play(
  ends: (Error | typeof agreed)[],
  heights: Record<string, number>,
  budgetMs = 5_000,
  known = -1,
  until = untilAgreed,
) {
  let rounds = 0;
  const round = async () => {
    const end = ends[Math.min(rounds, ends.length - 1)];
    rounds += 1;
    if (end instanceof Error) throw end;
    return end ?? agreed;
  };
  const heightAt = async (organisation: string) => {
    const height = heights[organisation];
    if (height === undefined) throw new Error('does not tell');
    heights[organisation] = height + 1;
    return height;
  };
  const chain = { heightAt, known: () => known };
  const done = until(round, { must: ['own', 'a'], chain, deadline: Date.now() + budgetMs });
  return { done, rounds: () => rounds };
}

describe('Rounds of endorsement', () => {
  it('report a disagreement at once where all have read the same', async () => {
    const { done, rounds } = play([differing({}, { answer: 'no' })], { own: 7, a: 7 });
    const failure = await failureOf(done);
    expect(failure).to.deep.include({ kind: 'disagrees', status: 409, organisations: ['own', 'a'] });
    expect(failure.message).to.match(/own computed another result than a \(response\)/);
    expect(rounds()).to.equal(1);
  });

  it('wait for the one that has seen fewer blocks, and go on', async () => {
    const { done, rounds } = play([differing(readAt(6), readAt(3)), agreed], { own: 7, a: 4 });
    expect(await done).to.equal(agreed);
    expect(rounds()).to.equal(2);
  });

  it('report a disagreement where other reads go on when all hold the same blocks', async () => {
    const { done, rounds } = play([differing(readAt(6), readAt(3))], { own: 7, a: 7 });
    expect(await failureOf(done)).to.include({ kind: 'disagrees' });
    expect(rounds()).to.be.lessThan(5);
  });

  it('take no busy key for a disagreement: its versions are newer each time', async () => {
    const busy = [20, 40, 60, 80].map((block) => differing(readAt(block), readAt(block - 1)));
    const { done } = play([...busy, agreed], { own: 7, a: 7 });
    expect(await done).to.equal(agreed);
  });

  it('say who lags and how far, where it does not catch up in time', async () => {
    const heights = { own: 9 };
    Object.defineProperty(heights, 'a', { get: () => 4, set: () => undefined });
    const failure = await failureOf(play([differing(readAt(8), readAt(3))], heights, 150).done);
    expect(failure).to.deep.include({ kind: 'lag', status: 503, organisations: ['a'] });
    expect(failure.message).to.match(/holds block 3; others, with which it must agree, hold block 8/);
  });

  it('take a refusal that all give as it is', async () => {
    const { done, rounds } = play([new Refused(refusal, ['own', 'a'], true)], {});
    expect(await failureOf(done)).to.equal(refusal);
    expect(rounds()).to.equal(1);
  });

  it('ask again where one refuses that may lag, also behind what this gateway has seen', async () => {
    const { done, rounds } = play([new Refused(refusal, ['a'], false), agreed], { own: 3, a: 3 }, 5_000, 9);
    expect(await done).to.equal(agreed);
    expect(rounds()).to.equal(2);
  });

  for (const code of ERROR_CODES)
    it(`take what one that lags refuses as ${code} for no answer`, async () => {
      const missing = new LedgerError(code, 'nothing is anchored there', 'evidence[1].tree');
      const { done, rounds } = play([new Refused(missing, ['a'], false), agreed], { own: 9, a: 7 });
      expect(await done).to.equal(agreed);
      expect(rounds()).to.equal(2);
    });

  it('ask again where another one refuses than before: that one may lag as well', async () => {
    const refusals = ['a', 'b', 'own'].map((one) => new Refused(refusal, [one], false));
    const { done, rounds } = play([...refusals, agreed], { own: 9, a: 7, b: 6 });
    expect(await done).to.equal(agreed);
    expect(rounds()).to.equal(4);
  });

  it('wait for the height of one that refuses, however often it does not tell', async () => {
    const heights = { own: 9 };
    const asked: string[] = [];
    const height = () => {
      asked.push('a');
      if (asked.length < 4) throw new LedgerFailure('slow', 'a did not answer in time.', ['a']);
      return 9;
    };
    Object.defineProperty(heights, 'a', { get: height, set: () => undefined });
    const { done, rounds } = play([new Refused(refusal, ['a'], false), agreed], heights);
    expect(await done).to.equal(agreed);
    expect([rounds(), asked.length]).to.deep.equal([2, 4]);
  });

  it('answer no refusal of one whose height nobody learns in time', async () => {
    const heights = { own: 9 };
    const silent = () => {
      throw new LedgerFailure('slow', 'a did not answer in time.', ['a']);
    };
    Object.defineProperty(heights, 'a', { get: silent, set: () => undefined });
    const failure = await failureOf(play([new Refused(refusal, ['a'], false)], heights, 200).done);
    expect(failure).to.deep.include({ kind: 'slow', status: 503, organisations: ['a'] });
  });

  it('report a disagreement where one goes on refusing and another computed something else', async () => {
    const { done, rounds } = play([new Refused(refusal, ['b'], false, differing({}, { answer: 'no' }))], {
      own: 7,
      b: 7,
    });
    expect(await failureOf(done)).to.deep.include({ kind: 'disagrees', organisations: ['own', 'a'] });
    expect(rounds()).to.equal(2);
  });

  it('take a refusal that one repeats, holding what the others hold, as it is, and name that one', async () => {
    const { done, rounds } = play([new Refused(refusal, ['a'], false)], { own: 7, a: 7 });
    const failure = await failureOf(done);
    expect(failure).to.be.instanceOf(LedgerError);
    expect(failure).to.deep.include({ message: refusal.message, code: 'CONFLICT', by: ['a'] });
    expect(rounds()).to.equal(2);
  });
});

describe('Rounds of endorsement of what several callers write', () => {
  const soon = (ends: (Error | typeof agreed)[], heights: Record<string, number>, known = -1) =>
    play(ends, heights, 5_000, known, agreedSoon);

  it('wait for the one that has seen fewer blocks, and go on', async () => {
    for (const lag of [differing(readAt(6), readAt(3)), new Refused(refusal, ['a'], false)]) {
      const { done, rounds } = soon([lag, agreed], { own: 7, a: 4 });
      expect(await done).to.equal(agreed);
      expect(rounds()).to.equal(2);
    }
  });

  it('wait for no longer than that: what goes on is one writer’s, or a disagreement', async () => {
    for (const end of [differing(readAt(6), readAt(3)), new Refused(refusal, ['a'], false)]) {
      const { done, rounds } = soon([end], { own: 7, a: 7 });
      expect(await failureOf(done)).to.equal(end);
      expect(rounds()).to.equal(2);
    }
  });

  it('are one where no lag explains how it ended', async () => {
    for (const end of [differing({}, { answer: 'no' }), new Refused(refusal, ['own', 'a'], true), new Error('away')]) {
      const { done, rounds } = soon([end], { own: 7, a: 7 });
      expect(await failureOf(done)).to.equal(end);
      expect(rounds()).to.equal(1);
    }
  });
});
