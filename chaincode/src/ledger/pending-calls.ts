/**
 * Tracks every call to the peer that a transaction has under way, so that its answer leaves after the last of them.
 * A peer that receives the answer reads the transaction's read-write set; a call that it still serves writes to the
 * same maps, and Go ends the whole peer (`concurrent map iteration and map write`).
 * @see https://github.com/hyperledger/fabric/blob/v3.1.5/core/chaincode/handler.go
 */
import { setImmediate as turn } from 'node:timers/promises';

type Method = (...values: unknown[]) => unknown;

/** What a range query resolves to: an iterator, or a page that holds one. Its `next` and `close` ask the peer too. */
const isIterator = (value: object): boolean => 'next' in value && 'close' in value;

export class PendingCalls {
  readonly #pending = new Set<Promise<unknown>>();
  #sealed = false;

  /**
   * The stub (or an iterator of it), with every call of every method tracked. After {@link finish} a call does not
   * reach the peer and its promise never settles: code that still runs stops there, and no rejection is left unhandled.
   * A range query is to be awaited; the promise itself is not an async iterable.
   */
  track<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...values: unknown[]) =>
          this.#sealed ? new Promise(() => {}) : this.#watch((member as Method).apply(target, values));
      },
    });
  }

  /** Waits until no call is under way, those included that follow from the answers. For a decision that succeeded. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) {
      await Promise.allSettled(this.#pending);
      // What waited for the answers goes on first, however many promises lie between.
      await turn();
    }
  }

  /** Lets no further call begin, and waits for those under way. For the end of a transaction, however it went. */
  async finish(): Promise<void> {
    this.#sealed = true;
    await Promise.allSettled(this.#pending);
  }

  #watch(value: unknown): unknown {
    if (!(value instanceof Promise)) return value;
    const call = value.then((result) => this.#trackResult(result));
    this.#pending.add(call);
    const done = (): void => void this.#pending.delete(call);
    call.then(done, done);
    return call;
  }

  #trackResult(result: unknown): unknown {
    if (typeof result !== 'object' || result === null || result instanceof Uint8Array) return result;
    if (isIterator(result)) return this.track(result);
    return 'iterator' in result ? { ...result, iterator: this.track(result.iterator as object) } : result;
  }
}
