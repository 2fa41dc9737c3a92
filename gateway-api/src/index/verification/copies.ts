/** Delivered copies carry the sheet that their holder anchored: its hash stands on every peer. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';
import { leafOf } from '../write/sheets.ts';
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
    const known = rows.flatMap(originalsOf);
    const anchors = known.length === 0 ? [] : await anchorsOf(known.map(({ entry }) => entry));
    const changed = new Set(known.filter(({ hash }, index) => anchors[index] !== hash).map(({ row }) => row));
    found.push(...[...changed].map((row) => difference('original', 'versions', { ...row })));
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return found;
    after = last.sequence;
  }
}

/** What the holder anchored of a copy. Nothing for a row that is no copy's: that it is another than was written is found elsewhere. */
function originalsOf(row: CopyRow) {
  try {
    const { copy } = leafOf(row) ?? {};
    if (copy === undefined || row.source === null) return [];
    const collection = collections.care(row.source);
    const sheet = { row, entry: { collection, key: privateKeys.sheet(copy.sheet) }, hash: sha256Hex(copy.tree) };
    if (copy.place === undefined) return [sheet];
    const entry = { collection, key: privateKeys.version(row.id, row.version) };
    return [sheet, { row, entry, hash: sha256Hex(copy.place) }];
  } catch {
    return [];
  }
}
