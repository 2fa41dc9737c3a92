/** Transactions by their id: the first with an id is the one that is found (spec 9.2). */
import type { CommittedTransaction } from '../../seams.ts';
import { readNumber64, txIdKey } from '../state/keys.ts';
import type { Batch } from '../state/store.ts';

/** Layout: block (8), index (4), code (1). */
export function putTransactions(
  batch: Batch,
  transactions: CommittedTransaction[],
  isCommitted: (txId: string) => boolean,
): void {
  const seen = new Set<string>();
  for (const { txId, block, index, code } of transactions) {
    if (txId === '' || seen.has(txId) || isCommitted(txId)) continue;
    seen.add(txId);
    const value = Buffer.allocUnsafe(13);
    value.writeBigUInt64BE(BigInt(block), 0);
    value.writeUInt32BE(index, 8);
    value.writeUInt8(code, 12);
    batch.put(txIdKey(txId), value);
  }
}

export function readTransaction(txId: string, value: Buffer): CommittedTransaction {
  return { txId, block: readNumber64(value), index: value.readUInt32BE(8), code: value.readUInt8(12) };
}
