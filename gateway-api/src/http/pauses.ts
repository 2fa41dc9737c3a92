/**
 * Long work in short stretches. All work that one turn of the event loop brings, of however many requests, shares one
 * stretch; what comes after it waits for the next turn, and whatever has arrived meanwhile is heard first.
 */

/** Well under the 100 ms that nobody may hold the event loop for. */
const STRETCH_MS = 15;

let began: number | undefined;

/** Whether this turn of the event loop has had its stretch: what can wait should. */
export function isTurnOver(): boolean {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    setImmediate(() => {
      began = undefined;
    });
  }
  return now - began >= STRETCH_MS;
}

/** Waits, where the stretch is over, until another one begins. To be awaited between two pieces of work. */
export async function pause(): Promise<void> {
  while (isTurnOver()) await new Promise((resolve) => setImmediate(resolve));
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
      await work(next.value);
      await pause();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
