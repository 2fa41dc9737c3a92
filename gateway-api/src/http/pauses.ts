/**
 * Long work in short stretches. All work that one turn of the event loop brings, of however many requests, shares one
 * stretch. What comes after it waits for a turn of its own, one of each client after the other, and whatever has arrived
 * meanwhile is heard first.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Well under the 100 ms that nobody may hold the event loop for. */
const STRETCH_MS = 15;

/** The gateway itself: its feed, its duties. */
const OWN = '';
/** For whom work is done; undefined for the gateway itself. */
const workingFor = new AsyncLocalStorage<string>();

/** Runs something, and all that follows from it, for a client: it waits in turn with the others. */
export function workFor<T>(client: string, run: () => T): T {
  if (began === undefined) beginTurn();
  return workingFor.run(client, run);
}

/** Who waits, by client, in the order of turns. */
const waiting = new Map<string, (() => void)[]>();
let began: number | undefined;
let isServing = false;
let served: string | undefined;

function isTurnOver(): boolean {
  return performance.now() - (began ?? beginTurn()) >= STRETCH_MS;
}

function beginTurn(): number {
  const now = performance.now();
  began = now;
  setImmediate(() => {
    if (began === now) began = undefined;
  });
  return now;
}

/**
 * Waits for another turn, where this one has had its stretch; undefined where it has not, and then the next piece of work
 * should begin at once: whoever awaits in between is overtaken by others that have seen the same.
 */
function pause(): Promise<void> | undefined {
  if (!isTurnOver()) return undefined;
  return new Promise((resolve) => {
    const client = workingFor.getStore() ?? OWN;
    const own = waiting.get(client);
    if (own === undefined) waiting.set(client, [resolve]);
    else own.push(resolve);
    serveSoon();
  });
}

/** One a turn: it has the stretch of that turn, together with what arrives in it. */
function serveSoon(): void {
  if (isServing || waiting.size === 0) return;
  isServing = true;
  setImmediate(() => {
    isServing = false;
    const client = nextClient();
    const own = waiting.get(client) ?? [];
    beginTurn();
    const resolve = own.shift();
    waiting.delete(client);
    if (own.length > 0) waiting.set(client, own);
    served = client;
    resolve?.();
    serveSoon();
  });
}

/** Every other turn may be the gateway's own: who has written waits for its feed, however many others ask. */
function nextClient(): string {
  if (served !== OWN && waiting.has(OWN)) return OWN;
  const [first = OWN, second = first] = waiting.keys();
  return first === OWN ? second : first;
}

/** Does one piece of work in this turn, or where it has had its stretch in another one. */
export async function inTurn<T>(work: () => T): Promise<T> {
  const due = pause();
  if (due !== undefined) await due;
  return work();
}

/** Does something with each item, `atOnce` of them at a time, in stretches. The first failure ends it. */
export async function inStretches<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void> | void,
  atOnce = 1,
): Promise<void> {
  const all = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = all.next(); next.done !== true; next = all.next()) {
      const { value } = next;
      await inTurn(() => work(value));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
