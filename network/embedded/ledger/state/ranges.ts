/** Walks over a range of keys in one view, and what a public one leaves in the read set as it is fetched. */
import { encodeRead } from '@telemed-ledger/formats/blocks/rwset.ts';
import type { KeyValue, StateIterator } from '../../seams.ts';
import { after, stateKey } from './keys.ts';
import type { RangeInfo } from './range-summary.ts';
import { RangeSummary } from './range-summary.ts';
import type { Cursor, View } from './store.ts';
import { decodeVersioned } from './store.ts';

export function newRangeInfo(start: string): RangeInfo {
  return { start, end: '', exhausted: false, summary: new RangeSummary() };
}

/** From the start that `info` names to before `end`; `info` follows what is fetched. */
export function publicRange(view: View, namespace: string, end: string, info: RangeInfo): StateIterator {
  const { cursor, prefixLength } = walk(view, stateKey(namespace, Buffer.alloc(0)), info.start, end);
  const next = async (): Promise<KeyValue | undefined> => {
    const entry = info.exhausted ? undefined : await cursor.next();
    if (!entry) {
      info.exhausted = true;
      info.end = end;
      return undefined;
    }
    const found = note(info, entry, prefixLength);
    info.end = found.key;
    return { namespace, ...found };
  };
  return { next, close: () => cursor.close() };
}

/** Over an organisation's private keys of a collection, which begin with `prefix`. */
export function privateRange(view: View, namespace: string, prefix: Buffer, start: string, end: string): StateIterator {
  const { cursor, prefixLength } = walk(view, prefix, start, end);
  const next = async (): Promise<KeyValue | undefined> => {
    const entry = await cursor.next();
    if (!entry) return undefined;
    const [key, bytes] = entry;
    return { namespace, key: key.toString('utf8', prefixLength), value: decodeVersioned(bytes).value };
  };
  return { next, close: () => cursor.close() };
}

/** Up to `size` results, and the key after them, '' where there is none. The range counts as exhausted. */
export async function readPage(
  view: View,
  namespace: string,
  end: string,
  size: number,
  info: RangeInfo,
): Promise<{ results: KeyValue[]; bookmark: string }> {
  info.end = end;
  info.exhausted = true;
  const { cursor, prefixLength } = walk(view, stateKey(namespace, Buffer.alloc(0)), info.start, end);
  const results: KeyValue[] = [];
  try {
    for (let entry = await cursor.next(); entry; entry = await cursor.next()) {
      if (results.length >= size) return { results, bookmark: entry[0].toString('utf8', prefixLength) };
      results.push({ namespace, ...note(info, entry, prefixLength) });
    }
    return { results, bookmark: '' };
  } finally {
    cursor.close();
  }
}

function note(
  info: RangeInfo,
  [databaseKey, bytes]: [Buffer, Buffer],
  prefixLength: number,
): Omit<KeyValue, 'namespace'> {
  const key = databaseKey.subarray(prefixLength);
  const { version, value } = decodeVersioned(bytes);
  info.summary.add(encodeRead(key, version));
  return { key: key.toString('utf8'), value };
}

/** From `start` to before `end` (empty: the end of what `prefix` begins). */
function walk(view: View, prefix: Buffer, start: string, end: string): { cursor: Cursor; prefixLength: number } {
  const lt = end === '' ? after(prefix) : Buffer.concat([prefix, Buffer.from(end, 'utf8')]);
  const cursor = view.walk({ gte: Buffer.concat([prefix, Buffer.from(start, 'utf8')]), lt });
  return { cursor, prefixLength: prefix.length };
}
