/**
 * The sweep: compares every stored value with the anchor that came with it, and that anchor with the one this
 * organisation's peer holds now. Every difference is reported by name, never with content.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Anchored, Copy } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';

export interface Difference {
  /** `Type/id/_history/version`, or `collection key`. */
  place: string;
  /**
   * content: the text is not what was anchored; anchor: the ledger holds another; gone: the ledger holds none;
   * original: a copy is not what its holder anchored; missing: anchored, and never delivered to this peer.
   */
  kind: 'content' | 'anchor' | 'gone' | 'original' | 'missing';
  transactionId: string;
}

export interface VerifyReport {
  startedAt: string;
  finishedAt: string;
  values: number;
  differences: Difference[];
}

/** The SHA-256 the ledger holds for private keys, hex, '' where there is none; in the order asked. */
export type AnchorsOf = (entries: { collection: string; key: string }[]) => Promise<string[]>;

const BATCH = 400;

interface Stored {
  position: number;
  place: string;
  collection: string;
  key: string;
  value: string;
  anchor: string;
  source: string | null;
  transactionId: string;
}

/** Runs once over everything; `stop` ends it early with an error. */
export async function verifyAll(
  db: Kysely<IndexTables>,
  anchorsOf: AnchorsOf,
  stop?: AbortSignal,
): Promise<VerifyReport> {
  const startedAt = new Date().toISOString();
  const suspects: { stored: Stored; difference: Difference }[] = [];
  let values = 0;
  for (const read of [versionsAfter, valuesAfter]) {
    let position = 0;
    for (;;) {
      stop?.throwIfAborted();
      const batch = await read(db, position);
      const last = batch.at(-1);
      if (last === undefined) break;
      position = last.position;
      values += batch.length;
      suspects.push(...(await compare(batch, anchorsOf)));
    }
  }
  const differences: Difference[] = [];
  for (const { stored, difference } of suspects) if (await stillThere(db, stored)) differences.push(difference);
  differences.push(...(await missing(db)));
  return { startedAt, finishedAt: new Date().toISOString(), values, differences };
}

async function versionsAfter(db: Kysely<IndexTables>, position: number): Promise<Stored[]> {
  const rows = await db
    .selectFrom('versions')
    .select(['sequence', 'type', 'id', 'version', 'collection', 'key', 'value', 'anchor', 'source', 'transaction_id'])
    .where('sequence', '>', position)
    .orderBy('sequence')
    .limit(BATCH)
    .execute();
  return rows.map((row) => ({
    ...row,
    position: row.sequence,
    place: `${row.type}/${row.id}/_history/${row.version}`,
    transactionId: row.transaction_id,
  }));
}

async function valuesAfter(db: Kysely<IndexTables>, position: number): Promise<Stored[]> {
  const rows = await db
    .selectFrom('private_values')
    .select(['sequence', 'collection', 'key', 'value', 'anchor', 'transaction_id'])
    .where('sequence', '>', position)
    .orderBy('sequence')
    .limit(BATCH)
    .execute();
  return rows.map((row) => ({
    ...row,
    position: row.sequence,
    place: `${row.collection} ${row.key}`,
    source: null,
    transactionId: row.transaction_id,
  }));
}

async function compare(batch: Stored[], anchorsOf: AnchorsOf): Promise<{ stored: Stored; difference: Difference }[]> {
  const found: { stored: Stored; difference: Difference }[] = [];
  const add = (stored: Stored, kind: Difference['kind']): void => {
    const { place, transactionId } = stored;
    found.push({ stored, difference: { place, kind, transactionId } });
  };
  const anchors = await anchorsOf(batch.map(({ collection, key }) => ({ collection, key })));
  const intact: Stored[] = [];
  batch.forEach((stored, index) => {
    if (sha256Hex(stored.value) !== stored.anchor) add(stored, 'content');
    else if (anchors[index] === '') add(stored, 'gone');
    else if (anchors[index] !== stored.anchor) add(stored, 'anchor');
    else if (stored.source !== null) intact.push(stored);
  });
  for (const stored of await changedCopies(intact, anchorsOf)) add(stored, 'original');
  return found;
}

/** A delivered copy carries the text that its holder anchored: its hash works on every peer. */
async function changedCopies(copies: Stored[], anchorsOf: AnchorsOf): Promise<Stored[]> {
  if (copies.length === 0) return [];
  const originals = copies.map((stored) => {
    const { record, holder } = JSON.parse(stored.value) as Copy;
    const { id, version } = JSON.parse(record) as Anchored;
    return {
      entry: { collection: collections.care(holder), key: privateKeys.record(id, version) },
      hash: sha256Hex(record),
    };
  });
  const anchors = await anchorsOf(originals.map(({ entry }) => entry));
  return copies.filter((_, index) => anchors[index] !== originals[index]?.hash);
}

/** What was purged or replaced while the sweep ran is no difference. */
async function stillThere(db: Kysely<IndexTables>, { collection, key, value, anchor }: Stored): Promise<boolean> {
  for (const table of ['versions', 'private_values'] as const) {
    const row = await db
      .selectFrom(table)
      .select('key')
      .where('collection', '=', collection)
      .where('key', '=', key)
      .where('value', '=', value)
      .where('anchor', '=', anchor)
      .executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}

async function missing(db: Kysely<IndexTables>): Promise<Difference[]> {
  const rows = await db.selectFrom('missing').selectAll().execute();
  return rows.map((row) => ({
    place: `${row.collection} ${row.key_hash}`,
    kind: 'missing',
    transactionId: row.transaction_id,
  }));
}
