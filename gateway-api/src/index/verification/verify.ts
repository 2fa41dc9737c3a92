/**
 * Compares the whole read model with the ledger: the tables are made a second time from the peer's blocks, and every
 * column of every row must be the same. Nothing of the read model itself is believed.
 */
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { DamagedBlock } from '../../ledger/whole-chain.ts';
import type { IndexTables } from '../schema.ts';
import type { Seals } from '../seals.ts';
import type { Judge } from '../write/judging.ts';
import { type Comparison, compareAll, difference } from './compare.ts';
import { type Ledger, Rebuilt } from './rebuilt.ts';
import { type Difference, REMEDIES, type VerifyReport } from './report.ts';
import { differing, type Row } from './tables.ts';

export interface Verification {
  live: Kysely<IndexTables>;
  isPostgres: boolean;
  member: Organisation;
  consortium: Consortium;
  seals: Seals;
  /** As the projector of the live read model judges. */
  judge?: Judge | undefined;
  ledger: Ledger;
  /** A file that does not exist, for the second read model. Whoever calls removes it. */
  file: string;
  /** The block that the gateway wrote last. */
  position: number;
  log: Logger;
  stop: AbortSignal;
  pause?: () => Promise<void>;
}

/** @throws Error where the peer or the database is away, and the reason of `stop`. */
export async function verifyReadModel(options: Verification): Promise<VerifyReport> {
  const startedAt = new Date().toISOString();
  const rebuilt = await Rebuilt.open(options);
  try {
    const found = await comparedWith(rebuilt, options);
    const finishedAt = new Date().toISOString();
    return { organisation: options.member.name, startedAt, finishedAt, block: rebuilt.block, ...found };
  } finally {
    await rebuilt.close();
  }
}

async function comparedWith(
  rebuilt: Rebuilt,
  { live, isPostgres, seals, position, stop }: Verification,
): Promise<Pick<VerifyReport, 'values' | 'differences' | 'more'>> {
  const snapshot: Comparison['snapshot'] = (read) => {
    const transaction = live.transaction();
    return (isPostgres ? transaction.setIsolationLevel('repeatable read') : transaction).execute(read);
  };
  const comparison: Comparison = { live, snapshot, rebuilt, seals, stop };
  if (position < 0 && (await isForeign(comparison))) {
    const difference = { ...changed('checkpoint'), columns: ['seal'] };
    return { values: 0, differences: [difference], more: 0 };
  }
  try {
    await rebuilt.upTo(position);
    const { values, differences, more } = await compareAll(comparison);
    differences.push(...(await checkpointDifference(comparison)));
    differences.push(...(await missing(rebuilt)), ...(await gone(rebuilt)), ...(await rewritten(rebuilt)));
    return { values, differences, more };
  } catch (error) {
    if (!(error instanceof DamagedBlock)) throw error;
    const place = `block ${error.block}`;
    return { values: 0, differences: [{ kind: 'block', remedy: REMEDIES.block, place }], more: 0 };
  }
}

const changed = (table: 'checkpoint'): Difference => difference('changed', table, {});

/** A checkpoint that this gateway did not write, before it wrote any: nobody knows up to which block the rows go. */
async function isForeign({ live, seals }: Comparison): Promise<boolean> {
  const stored = await live.selectFrom('checkpoint').selectAll().executeTakeFirst();
  return stored !== undefined && !seals.isOn('checkpoint', stored);
}

async function checkpointDifference({ live, rebuilt, seals }: Comparison): Promise<Difference[]> {
  const stored = await live.selectFrom('checkpoint').selectAll().executeTakeFirst();
  if (stored !== undefined && seals.isOn('checkpoint', stored)) await rebuilt.upTo(stored.block);
  const due = await rebuilt.db.selectFrom('checkpoint').selectAll().executeTakeFirst();
  if (stored === undefined && due === undefined) return [];
  if (stored === undefined || due === undefined) {
    return [difference(stored === undefined ? 'absent' : 'additional', 'checkpoint', {})];
  }
  const columns = differing('checkpoint', { ...stored }, { ...due });
  return columns.length === 0 ? [] : [{ ...changed('checkpoint'), columns }];
}

async function missing({ db }: Rebuilt): Promise<Difference[]> {
  const rows = await db.selectFrom('missing').selectAll().execute();
  return rows.map((row) => difference(row.reason === 'undelivered' ? 'missing' : 'unreadable', 'missing', { ...row }));
}

/** Keys that were written a second time: colluding organisations tried to change what stands on the ledger. */
async function rewritten({ db }: Rebuilt): Promise<Difference[]> {
  const rows = await db.selectFrom('anchors').selectAll().where('rewritten_by', 'is not', null).execute();
  return rows.map((row) => ({
    ...difference('rewritten', 'anchors', { ...row }),
    ...(row.rewritten_by === null ? {} : { transactionId: row.rewritten_by }),
  }));
}

/** What only the read model holds: the peer is to obtain it from another member. */
async function gone({ db, lent }: Rebuilt): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const { collection, keyHash } of lent.values()) {
    for (const table of ['versions', 'private_values'] as const) {
      const rows = await db
        .selectFrom(table)
        .selectAll()
        .where('key_hash', '=', keyHash)
        .where('collection', '=', collection)
        .execute();
      found.push(...rows.map((row): Difference => difference('gone', table, { ...row } as Row)));
    }
  }
  return found;
}
