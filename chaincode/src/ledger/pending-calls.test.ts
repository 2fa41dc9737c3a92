import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { PendingCalls } from './pending-calls.ts';

/** A call whose answer the test gives. */
function deferred<T>(): { promise: Promise<T>; answer: (value: T) => void } {
  let answer: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    answer = resolve;
  });
  return { promise, answer };
}

/** Whether a promise has settled by the next turn. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await turn();
  return settled;
}

interface Iterated {
  next(): Promise<unknown>;
  close(): Promise<unknown>;
}

describe('pending calls', () => {
  it('end at once where nothing is under way', async () => {
    expect(await isSettled(new PendingCalls().settle())).to.equal(true);
    expect(await isSettled(new PendingCalls().finish())).to.equal(true);
  });

  const iteratorsOf: [string, (iterator: object) => object][] = [
    ['an iterator', (iterator) => iterator],
    ['the iterator of a page', (iterator) => ({ iterator, metadata: {} })],
  ];
  for (const [what, resultOf] of iteratorsOf)
    it(`include what ${what} asks for: its next batch and its close`, async () => {
      const next = deferred<string>();
      const close = deferred<void>();
      const result = resultOf({ next: () => next.promise, close: () => close.promise });
      const calls = new PendingCalls();
      const got = (await calls.track({ getStateByRange: async () => result }).getStateByRange()) as {
        iterator?: Iterated;
      } & Iterated;
      const { next: askNext, close: askClose } = got.iterator ?? got;
      void askNext();
      void askClose();
      const finished = calls.finish();
      expect(await isSettled(finished)).to.equal(false);
      next.answer('one');
      expect(await isSettled(finished)).to.equal(false);
      close.answer();
      expect(await isSettled(finished)).to.equal(true);
    });

  it('give answers on as they are, bytes and synchronous ones included', async () => {
    const bytes = Buffer.from('a');
    const stub = new PendingCalls().track({ get: async () => bytes, id: () => 'tx', constant: 3 });
    expect(await stub.get()).to.equal(bytes);
    expect(stub.id()).to.equal('tx');
    expect(stub.constant).to.equal(3);
  });

  it('call a method on the stub itself, which may have private members', async () => {
    class Stub {
      #key = 'k';
      async get(): Promise<string> {
        return this.#key;
      }
    }
    expect(await new PendingCalls().track(new Stub()).get()).to.equal('k');
  });

  it('do not begin after the end, and reject nobody', async () => {
    const calls = new PendingCalls();
    let count = 0;
    const stub = calls.track({ get: async () => (count += 1) });
    await calls.finish();
    expect(await isSettled(stub.get())).to.equal(false);
    expect(count).to.equal(0);
  });
});
