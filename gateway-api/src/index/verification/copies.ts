/** Delivered copies carry the text that their holder anchored: its hash stands on every peer. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Anchored, Copy } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';
import { difference } from './compare.ts';
import type { Difference } from './report.ts';

/** The SHA-256 the ledger holds for private keys, hex, '' where there is none; in the order asked. */
export type AnchorsOf = (entries: { collection: string; key: string }[]) => Promise<string[]>;

/** Copies in memory at once. */
const BATCH = 20;

type CopyRow = IndexTables['versions'];

/** Copies whose holder anchored something else, or nothing. */
export async function changedCopies(
  db: Kysely<IndexTables>,
  anchorsOf: AnchorsOf,
  stop: AbortSignal,
): Promise<Difference[]> {
  const found: Difference[] = [];
  let after = -1;
  for (;;) {
    stop.throwIfAborted();
    const rows = await db
      .selectFrom('versions')
      .selectAll()
      .where('access', 'is not', null)
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(BATCH)
      .execute();
    const originals = rows.map(originalOf);
    const known = originals.filter((one) => one !== undefined);
    const anchors = known.length === 0 ? [] : await anchorsOf(known.map(({ entry }) => entry));
    const changed = known.filter(({ hash }, index) => anchors[index] !== hash);
    found.push(...changed.map(({ row }) => difference('original', 'versions', { ...row })));
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return found;
    after = last.sequence;
  }
}

/** Undefined for a text that is no copy: that it is another than was anchored is found elsewhere. */
function originalOf(row: CopyRow) {
  try {
    const { record, holder } = JSON.parse(row.value) as Copy;
    const { id, version } = JSON.parse(record) as Anchored;
    const entry = { collection: collections.care(holder), key: privateKeys.record(id, version) };
    return { row, entry, hash: sha256Hex(record) };
  } catch {
    return undefined;
  }
}
