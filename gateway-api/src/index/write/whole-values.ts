/** Private values put together again from their rows, byte for byte: what a peer has lost is taken from a read model. */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Erasure } from '@telemed-ledger/chaincode/model/erasures.ts';
import type { Content, Copies, RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import type { VersionsTable } from '../schema.ts';
import { leafOf, sheetIn } from './sheets.ts';

/** What of a row its value is made from. */
export type ValueRow = Pick<VersionsTable, 'key' | 'value' | 'leaf' | 'source' | 'access' | 'expires_at'>;

/** What a content that an erasure wrote again holds beside its rows. */
export interface Remainder {
  /** The text under its sheet's own key. */
  tree: string | undefined;
  /** The texts of the notes of erasures in its collection, of any sheet. */
  notes: readonly string[];
}

/**
 * The private value that all rows of one key, in the order of their sequence, were made from; undefined where they do not
 * say all of it (a record is not shown). Whoever uses it holds it against its hash.
 * @param remainder for the key of a content of a later generation than the first
 */
export function valueFrom(rows: readonly ValueRow[], remainder?: Remainder): string | undefined {
  const [first] = rows;
  const leaf = first && leafOf(first);
  if (first === undefined || leaf === undefined) return first?.value;
  if (leaf.copy !== undefined) return copiesText(rows);
  if (remainder !== undefined) return remainderText(rows, first.key, leaf.size, remainder);
  return leaf.size === rows.length ? contentText(rows) : undefined;
}

const contentText = (rows: readonly ValueRow[]): string =>
  canonicalJson({ schema: 1, leaves: rows.map(({ value }) => value) } satisfies Content);

/** A content of which every record is erased: it has no row. @param key of a later generation than the first */
export function emptiedContent(key: string, remainder: Remainder): string | undefined {
  const { size } = JSON.parse(remainder.tree ?? '{}') as { size?: number };
  return size === undefined ? undefined : remainderText([], key, size, remainder);
}

function remainderText(
  rows: readonly ValueRow[],
  key: string,
  size: number,
  { tree, notes }: Remainder,
): string | undefined {
  const sheet = sheetIn(key);
  const erased = notes.map((note) => JSON.parse(note) as Erasure).filter((note) => note.sheet === sheet);
  const found = new Map<number, Content['leaves'][number]>();
  for (const { index, leaf: hash } of erased) found.set(index, { hash });
  for (const row of rows) found.set(leafOf(row)!.index, row.value);
  const leaves = Array.from({ length: size }, (_, index) => found.get(index));
  if (tree === undefined || !leaves.every((leaf) => leaf !== undefined)) return undefined;
  return canonicalJson({ schema: 1, leaves, tree } satisfies Content);
}

function copiesText(rows: readonly ValueRow[]): string | undefined {
  const [first] = rows;
  const { source: holder = null, access: accessId = null, expires_at: expiresAt = null } = first ?? {};
  const { copy } = (first && leafOf(first)) ?? {};
  if (copy === undefined || holder === null || accessId === null || expiresAt === null) return undefined;
  const { deliveredAt, salt, audience, purpose } = copy;
  const whom = { ...(audience === undefined ? {} : { audience }), ...(purpose === undefined ? {} : { purpose }) };
  const records = rows.flatMap((row) => evidenceIn(row) ?? []);
  return canonicalJson({
    schema: 1,
    accessId,
    holder,
    deliveredAt,
    expiresAt,
    salt,
    ...whom,
    records,
  } satisfies Copies);
}

/** A delivered copy as its holder's record version is shown; undefined for any other row. */
export function evidenceIn(row: Pick<ValueRow, 'leaf' | 'value'>): RecordEvidence | undefined {
  const { index, path, copy } = leafOf(row) ?? {};
  if (index === undefined || path === undefined || copy === undefined) return undefined;
  const { id, version } = JSON.parse(row.value) as Anchored;
  const { sheet, tree, place } = copy;
  return { id, version, text: row.value, sheet, index, path, tree, ...(place === undefined ? {} : { place }) };
}
