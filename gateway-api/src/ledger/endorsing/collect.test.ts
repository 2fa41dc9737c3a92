import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { LedgerFailure, PASSING } from '../ledger-failure.ts';
import { collect, type Plan } from './collect.ts';
import type { Endorsement } from './endorsement.ts';
import { FailureMemory } from './failure-memory.ts';
import { endorsementOf, type Result } from './results.fixture.ts';

/** How a peer answers, one after the other; the last one stays. */
type Behaviour = Result | Error | 'never';

const refusal = new LedgerError('CONFLICT', 'not the next version');
const away = (organisation: string) => new LedgerFailure('away', `${organisation} is away.`, [organisation]);
const HEDGE_MS = 40;

class Peers {
  readonly asked: string[] = [];
  readonly dissent: { organisation: string; others: readonly string[] }[] = [];
  readonly memory = new FailureMemory(60_000);
  readonly #behaviour: Record<string, Behaviour[]>;

  constructor(behaviour: Record<string, Behaviour | Behaviour[]>) {
    this.#behaviour = Object.fromEntries(Object.entries(behaviour).map(([name, one]) => [name, [one].flat()]));
  }

  ask = (organisation: string, deadline: number): Promise<Endorsement> => {
    this.asked.push(organisation);
    const behaviours = this.#behaviour[organisation] ?? [{}];
    const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
    if (behaviour instanceof Error) return Promise.reject(behaviour);
    if (behaviour !== 'never') return Promise.resolve(endorsementOf(organisation, behaviour));
    const slow = new LedgerFailure('slow', `${organisation} did not answer in time.`, [organisation]);
    return new Promise((_, reject) => setTimeout(reject, Math.max(0, deadline - Date.now()), slow));
  };

  collect(must: string[], oneOf: string[] = [], budgetMs = 5_000) {
    const plan: Plan = { must, oneOf };
    return collect(plan, {
      ask: this.ask,
      own: 'own',
      deadline: Date.now() + budgetMs,
      hedgeMs: HEDGE_MS,
      retried: PASSING,
      memory: this.memory,
      onDissent: (organisation, others) => this.dissent.push({ organisation, others }),
    });
  }
}

const namesOf = (endorsements: readonly Endorsement[]) => endorsements.map(({ organisation }) => organisation);
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
const failureOf = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => undefined,
    (error) => error,
  );

describe('A round of endorsement', () => {
  it('asks those that must and the first of those that may, each once', async () => {
    const peers = new Peers({});
    expect(namesOf(await peers.collect(['own', 'a'], ['b', 'c']))).to.deep.equal(['own', 'a', 'b']);
    expect(peers.asked).to.have.members(['own', 'a', 'b']);
  });

  it('asks those that must again while they are away', async () => {
    const peers = new Peers({ a: [away('a'), away('a'), {}] });
    expect(namesOf(await peers.collect(['own', 'a']))).to.deep.equal(['own', 'a']);
    expect(peers.asked.filter((one) => one === 'a')).to.have.length(3);
  });

  it('says who of those that must was away until the deadline', async () => {
    const failure = await failureOf(new Peers({ a: away('a') }).collect(['own', 'a'], [], 150));
    expect(failure).to.deep.include({ kind: 'away', organisations: ['a'] });
  });

  it('remembers who of those that must is away or keeps it waiting, until that one answers', async () => {
    for (const behaviour of ['never', away('a')] as const) {
      const peers = new Peers({ a: [behaviour, {}] });
      const first = peers.collect(['own', 'a'], [], behaviour === 'never' ? HEDGE_MS * 3 : 5_000);
      await new Promise((resolve) => setTimeout(resolve, HEDGE_MS * 2));
      expect(peers.memory.has('a'), String(behaviour)).to.equal(behaviour === 'never');
      await failureOf(first);
      await peers.collect(['own', 'a']);
      expect(peers.memory.has('a')).to.equal(false);
    }
  });

  it('goes to the next of those that may when one is away, refuses or fails', async () => {
    for (const behaviour of [away('a'), refusal, new Error('a bug')]) {
      const peers = new Peers({ a: behaviour });
      expect(namesOf(await peers.collect(['own'], ['a', 'b', 'c']))).to.deep.equal(['own', 'b']);
      expect(peers.asked).to.have.members(['own', 'a', 'b']);
    }
  });

  it('does not wait for a slow one of those that may, and asks it last from then on', async () => {
    const peers = new Peers({ a: 'never' });
    const started = performance.now();
    expect(namesOf(await peers.collect(['own'], ['a', 'b']))).to.deep.equal(['own', 'b']);
    expect(performance.now() - started).to.be.lessThan(2_000);
    peers.asked.length = 0;
    expect(namesOf(await peers.collect(['own'], ['a', 'b']))).to.deep.equal(['own', 'b']);
    expect(peers.asked).to.not.include('a');
  });

  it('takes the slow one after all where it is the only one left', async () => {
    const late = new Peers({ b: away('b') });
    const { ask } = late;
    late.ask = async (organisation, deadline) => {
      if (organisation === 'a') await new Promise((resolve) => setTimeout(resolve, HEDGE_MS * 2));
      return ask(organisation, deadline);
    };
    expect(namesOf(await late.collect(['own'], ['a', 'b']))).to.deep.equal(['own', 'a']);
  });

  it('asks all of those that may again while all of them are away', async () => {
    const peers = new Peers({ a: [away('a'), away('a'), {}], b: away('b') });
    expect(namesOf(await peers.collect(['own'], ['a', 'b']))).to.deep.equal(['own', 'a']);
    const failure = await failureOf(new Peers({ a: away('a'), b: 'never' }).collect(['own'], ['a', 'b'], 300));
    expect(failure).to.include({ name: 'LedgerFailure' });
    expect(failure.organisations).to.have.members(['a', 'b']);
  });

  it('asks all of those that may again where each was given up for the other', async () => {
    const peers = new Peers({ a: ['never', {}], b: ['never', {}] });
    expect(namesOf(await peers.collect(['own'], ['a', 'b']))).to.have.length(2);
    const slow = await failureOf(new Peers({ a: 'never', b: 'never' }).collect(['own'], ['a', 'b'], 400));
    expect(slow).to.include({ kind: 'slow' });
  });

  it('tells a refusal that all give from one that only some give', async () => {
    const all = await failureOf(new Peers({ own: refusal, a: refusal }).collect(['own', 'a']));
    expect(all).to.deep.include({ refusal, isFinal: true });
    expect(all.by).to.have.members(['own', 'a']);
    const some = await failureOf(new Peers({ a: refusal }).collect(['own', 'a']));
    expect(some).to.deep.include({ refusal, isFinal: false, by: ['a'] });
    const none = await failureOf(new Peers({ a: refusal, b: refusal }).collect(['own'], ['a', 'b']));
    expect(none).to.deep.include({ refusal, isFinal: false, by: ['a', 'b'] });
  });

  it('says what its own peer refuses for, where others refuse for something else', async () => {
    const outdated = new LedgerError('CONFLICT', 'asks for what is not shown', 'services');
    for (const others of [
      ['own', 'a'],
      ['a', 'own'],
    ]) {
      const failure = await failureOf(new Peers({ own: outdated, a: refusal }).collect(others));
      expect(failure).to.deep.include({ refusal: outdated, isFinal: true });
    }
  });

  it('takes no refusal for final that its own peer has not given too: another may only lag', async () => {
    for (const own of ['never', away('own'), {}] as const) {
      const failure = await failureOf(new Peers({ own, a: refusal, b: refusal }).collect(['own', 'a', 'b'], [], 3_000));
      expect(failure, String(own)).to.deep.include({ refusal, isFinal: false });
      expect(failure.by, String(own)).to.have.members(['a', 'b']);
    }
  });

  it('does not keep for a silent peer what another one found outdated', async () => {
    const outdated = new LedgerError('CONFLICT', 'is not what the register holds', 'buckets[0]');
    const peers = new Peers({ a: 'never', b: outdated });
    expect(await failureOf(peers.collect(['own'], ['a', 'b']))).to.deep.include({ refusal: outdated, by: ['b'] });
    expect(peers.asked.filter((one) => one === 'a')).to.have.length(1);
    const second = new Peers({ a: {}, b: outdated });
    second.memory.failed('a');
    expect(namesOf(await second.collect(['own'], ['a', 'b']))).to.deep.equal(['own', 'a']);
  });

  it('does not wait for a silent peer when another one has refused', async () => {
    const started = performance.now();
    expect(await failureOf(new Peers({ own: refusal, a: 'never' }).collect(['own', 'a']))).to.include({ refusal });
    expect(performance.now() - started).to.be.lessThan(3_000);
  });

  it('says who differs among those that must', async () => {
    const differing = await failureOf(new Peers({ b: { answer: 'no' } }).collect(['own', 'a', 'b']));
    expect(differing.groups).to.deep.equal([['b'], ['own', 'a']]);
    expect(differing.difference).to.include({ isOfReads: false });
  });

  it('goes to the next where one of those that may is alone in what it computes, and reports it', async () => {
    const peers = new Peers({ a: { answer: 'no' } });
    expect(namesOf(await peers.collect(['own'], ['a', 'b']))).to.deep.equal(['own', 'b']);
    expect(peers.dissent).to.deep.equal([{ organisation: 'a', others: ['own', 'b'] }]);
  });

  it('does not call it a disagreement yet where one computes something else and the other may see it a moment later', async () => {
    const behind = await failureOf(
      new Peers({ a: { answer: 'no' }, b: { reads: { k: { block: 1, tx: 0 } } } }).collect(['own'], ['a', 'b']),
    );
    expect(behind.difference).to.include({ isOfReads: true });
    expect(behind.groups.flat()).to.have.members(['own', 'b']);
    const refused = await failureOf(new Peers({ a: { answer: 'no' }, b: refusal }).collect(['own'], ['a', 'b']));
    expect(refused).to.deep.include({ refusal, by: ['b'], isFinal: false });
    expect(refused.dissent.groups.flat()).to.have.members(['own', 'a']);
  });

  it('reports nobody who differs in what it has read: it may have seen other blocks', async () => {
    const peers = new Peers({ a: { reads: { k: { block: 1, tx: 0 } } } });
    await peers.collect(['own'], ['a', 'b']);
    expect(peers.dissent).to.deep.equal([]);
  });

  it('says that the caller differs where all others agree against it', async () => {
    const peers = new Peers({ own: { answer: 'no' } });
    expect((await failureOf(peers.collect(['own'], ['a', 'b']))).groups).to.deep.equal([['own'], ['a', 'b']]);
  });

  it("blames this gateway's own peer where that does not answer either", async () => {
    const failure = await failureOf(new Peers({ own: 'never', a: 'never' }).collect(['a', 'own'], [], 100));
    expect(failure).to.deep.include({ kind: 'slow', organisations: ['own'] });
  });
});
