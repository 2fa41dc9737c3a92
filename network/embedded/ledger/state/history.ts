/** The history of a public key: found by an index, read from the blocks (spec 4.6). */
import { decodeBlock } from '@telemed-ledger/formats/blocks/block.ts';
import type { KeyModification } from '../../seams.ts';
import { parseTransaction } from '../blocks/transaction.ts';
import { after, blockKey, historyPrefix, readNumber64 } from './keys.ts';
import type { View } from './store.ts';

/** Newest first. */
export async function* history(view: View, namespace: string, key: Buffer): AsyncIterableIterator<KeyModification> {
  const prefix = historyPrefix(namespace, key);
  const cursor = view.walk({ gte: prefix, lt: after(prefix), reverse: true });
  try {
    for (let entry = await cursor.next(); entry; entry = await cursor.next()) {
      const block = readNumber64(entry[0], prefix.length);
      const modification = readWrite(view, namespace, key, block, readNumber64(entry[0], prefix.length + 8));
      if (modification) yield modification;
    }
  } finally {
    cursor.close();
  }
}

function readWrite(
  view: View,
  namespace: string,
  key: Buffer,
  number: number,
  tx: number,
): KeyModification | undefined {
  const block = view.get(blockKey(number));
  const envelope = block && decodeBlock(block).envelopes[tx];
  if (!envelope) return undefined;
  const transaction = parseTransaction(envelope);
  const set = transaction.rwset.find((each) => each.namespace === namespace);
  const write = set?.writes.find((each) => each.key.equals(key));
  if (!write || !transaction.header) return undefined;
  const { timestamp } = transaction.header;
  return { txId: transaction.txId, value: write.value, timestamp, isDelete: write.isDelete };
}
