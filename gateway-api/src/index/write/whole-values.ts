/** Private values put together again from their rows, byte for byte: what a peer has lost is taken from a read model. */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Content, Copies, RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import type { VersionsTable } from '../schema.ts';
import { leafOf } from './sheets.ts';

/** What of a row its value is made from. */
export type ValueRow = Pick<VersionsTable, 'value' | 'leaf' | 'source' | 'access' | 'expires_at'>;

/**
 * The private value that all rows of one key, in the order of their sequence, were made from; undefined where they do not
 * say all of it (a record of the sheet was erased, or is not shown). Whoever uses it holds it against its hash.
 */
export function valueFrom(rows: readonly ValueRow[]): string | undefined {
  const [first] = rows;
  const leaf = first && leafOf(first);
  if (first === undefined || leaf === undefined) return first?.value;
  if (leaf.copy !== undefined) return copiesText(rows);
  return leaf.size === rows.length ? contentText(rows) : undefined;
}

const contentText = (rows: readonly ValueRow[]): string =>
  canonicalJson({ schema: 1, leaves: rows.map(({ value }) => value) } satisfies Content);

function copiesText(rows: readonly ValueRow[]): string | undefined {
  const [first] = rows;
  const { source: holder = null, access: accessId = null, expires_at: expiresAt = null } = first ?? {};
  const { copy } = (first && leafOf(first)) ?? {};
  if (copy === undefined || holder === null || accessId === null || expiresAt === null) return undefined;
  const { deliveredAt, salt } = copy;
  const records = rows.flatMap((row) => evidenceIn(row) ?? []);
  return canonicalJson({ schema: 1, accessId, holder, deliveredAt, expiresAt, salt, records } satisfies Copies);
}

function evidenceIn(row: ValueRow): RecordEvidence | undefined {
  const { index, path, copy } = leafOf(row) ?? {};
  if (index === undefined || path === undefined || copy === undefined) return undefined;
  const { id, version } = JSON.parse(row.value) as Anchored;
  const { sheet, tree, place } = copy;
  return { id, version, text: row.value, sheet, index, path, tree, ...(place === undefined ? {} : { place }) };
}
