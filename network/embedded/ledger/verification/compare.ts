/** Entry by entry: the store against the ledger as it should be. */
import { decodeVersioned, type Reader, type Versioned } from '../state/store.ts';
import type { Fault, Subject } from './damage.ts';
import { type EntryPlace, placeOf } from './places.ts';

/** An entry that differs; undefined where there is none. */
export interface Difference {
  key: Buffer;
  held: Buffer | undefined;
  expected: Buffer | undefined;
}

type Step = IteratorResult<[Buffer, Buffer], unknown>;

/** Entries that differ, in the order of their keys. `seen` is called with every key that should be there. */
export async function* differencesOf(
  store: Reader,
  expected: Reader,
  seen: (key: Buffer) => void,
): AsyncGenerator<Difference> {
  const [left, right] = [store.entries({}), expected.entries({})];
  try {
    let [a, b]: [Step, Step] = [await left.next(), await right.next()];
    while (!a.done || !b.done) {
      const order = a.done ? 1 : b.done ? -1 : Buffer.compare(a.value[0], b.value[0]);
      const [own, other] = [order <= 0 && !a.done ? a.value : undefined, order >= 0 && !b.done ? b.value : undefined];
      const [key] = own ?? other ?? [Buffer.alloc(0)];
      if (other) seen(key);
      if (!own || !other || !own[1].equals(other[1])) yield { key, held: own?.[1], expected: other?.[1] };
      if (own) a = await left.next();
      if (other) b = await right.next();
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()]);
  }
}

/**
 * What a difference is. Nothing where it is not for this comparison to judge: blocks that are held and expected are
 * judged one by one while they are replayed, and what waits for its transaction stands in no block.
 */
export function damageOf({ key, held, expected }: Difference): (EntryPlace & { fault: Fault }) | undefined {
  const place = placeOf(key);
  if (place.subject === 'pending private data') return undefined;
  if (place.subject === 'block' && expected) return undefined;
  const fault = held && expected ? 'altered' : held ? 'unexpected' : 'missing';
  const subject = isOnlyPolicy(place.subject, held, expected) ? 'key policy' : place.subject;
  return { ...place, subject, fault };
}

/** Whether value and version are as they should be, and the metadata is not. */
function isOnlyPolicy(subject: Subject, held: Buffer | undefined, expected: Buffer | undefined): boolean {
  if (!held || !expected || (subject !== 'public state' && subject !== 'private hash')) return false;
  const [own, right] = [readVersioned(held), readVersioned(expected)];
  if (!own || !right) return false;
  const { block, tx } = own.version;
  return block === right.version.block && tx === right.version.tx && own.value.equals(right.value);
}

function readVersioned(bytes: Buffer): Versioned | undefined {
  try {
    return decodeVersioned(bytes);
  } catch {
    return undefined;
  }
}
