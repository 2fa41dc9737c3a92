/**
 * Compares every column of every row of the read model with the read model made a second time. Blocks come in meanwhile,
 * so what differs at first is only suspected, and is compared again at one and the same block.
 */
import type { Kysely } from 'kysely';
import { placeOf } from '../places.ts';
import type { IndexRows, IndexTables, Sealed, TableName } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { keyName } from '../write/rows.ts';
import { isAnchored } from '../write/sheets.ts';
import type { Rebuilt } from './rebuilt.ts';
import { type Difference, type DifferenceKind, REMEDIES } from './report.ts';
import { COMPARED, compareKeys, differing, keyOf, type Row, rowsAt, rowsIn, textsIn } from './tables.ts';

type Database = Kysely<IndexTables>;

/** Differences of one table that are listed. */
const LISTED = 1_000;
const KEYS_AT_ONCE = 100;

export interface Comparison {
  live: Database;
  /** A transaction that sees one state of the database throughout. */
  snapshot: <T>(read: (db: Database) => Promise<T>) => Promise<T>;
  rebuilt: Rebuilt;
  seals: Seals;
  stop: AbortSignal;
}

export interface Compared {
  values: number;
  differences: Difference[];
  more: number;
}

/** Everything but the checkpoint. The second read model must not be ahead of the live one. */
export async function compareAll(comparison: Comparison): Promise<Compared> {
  const all: Compared = { values: 0, differences: [], more: 0 };
  for (const table of COMPARED) {
    const { values, suspects, more } = await suspectsIn(table, comparison);
    const found = await confirmed(table, suspects, comparison);
    all.values += values;
    all.more += more;
    all.differences.push(...found);
  }
  for (const table of ['versions', 'private_values'] as const) {
    const found = await changedTexts(table, comparison);
    all.differences.push(...found.slice(0, LISTED));
    all.more += Math.max(0, found.length - LISTED);
  }
  return all;
}

/** Keys under which the two differ, or only one has a row. */
async function suspectsIn(
  table: TableName,
  { live, rebuilt, stop }: Comparison,
): Promise<{ values: number; suspects: unknown[][]; more: number }> {
  const found = { values: 0, suspects: [] as unknown[][], more: 0 };
  const suspect = (row: Row): void => {
    if (found.suspects.length < 2 * LISTED) found.suspects.push(keyOf(table, row));
    else found.more += 1;
  };
  const [stored, due] = [rowsIn(live, table), rowsIn(rebuilt.db, table)];
  let [one, other] = [await stored.next(), await due.next()];
  while (one.done !== true || other.done !== true) {
    stop.throwIfAborted();
    const order =
      one.done === true
        ? 1
        : other.done === true
          ? -1
          : compareKeys(keyOf(table, one.value), keyOf(table, other.value));
    if (order === 0 && differing(table, one.value as Row, other.value as Row).length > 0) suspect(one.value as Row);
    if (order < 0) suspect(one.value as Row);
    if (order > 0) suspect(other.value as Row);
    if (order <= 0) {
      found.values += 1;
      one = await stored.next();
    }
    if (order >= 0) other = await due.next();
  }
  return found;
}

interface Pair {
  stored: Row | undefined;
  due: Row | undefined;
}

/** What still differs when both are at the same block. */
async function confirmed(table: TableName, suspects: unknown[][], comparison: Comparison): Promise<Difference[]> {
  const pairs: Pair[] = [];
  for (let start = 0; start < suspects.length; start += KEYS_AT_ONCE) {
    const keys = suspects.slice(start, start + KEYS_AT_ONCE);
    pairs.push(...(await pairsAt(table, keys, comparison)));
  }
  return paired(pairs).map((pair) => differenceOf(table, pair));
}

async function pairsAt(table: TableName, keys: unknown[][], comparison: Comparison): Promise<Pair[]> {
  const { snapshot, rebuilt, seals } = comparison;
  for (;;) {
    const { checkpoint, stored } = await snapshot(async (db) => ({
      checkpoint: await db.selectFrom('checkpoint').selectAll().executeTakeFirst(),
      stored: await rowsAt(db, table, keys),
    }));
    // A checkpoint that was changed leads nowhere; the rows are compared with what was there at the beginning.
    if (checkpoint !== undefined && seals.isOn('checkpoint', checkpoint)) await rebuilt.upTo(checkpoint.block);
    const pairs = pairsThatDiffer(table, stored, await rowsAt(rebuilt.db, table, keys));
    if (pairs.length === 0 || !(await tookArrivals(comparison))) return pairs;
  }
}

function pairsThatDiffer(table: TableName, stored: readonly Row[], due: readonly Row[]): Pair[] {
  const nameOf = (row: Row): string => JSON.stringify(keyOf(table, row));
  const byKey = new Map<string, Pair>();
  for (const row of stored) byKey.set(nameOf(row), { stored: row, due: undefined });
  for (const row of due) byKey.set(nameOf(row), { stored: byKey.get(nameOf(row))?.stored, due: row });
  return [...byKey.values()].filter(
    (pair) => pair.stored === undefined || pair.due === undefined || differing(table, pair.stored, pair.due).length > 0,
  );
}

/** Values can arrive at the live read model while it is compared: the second one takes them too. Whether any came. */
async function tookArrivals({ live, rebuilt, stop }: Comparison): Promise<boolean> {
  const lacksIn = (db: Database) => db.selectFrom('missing').selectAll().where('reason', '=', 'undelivered').execute();
  const lacks = await lacksIn(rebuilt.db);
  if (lacks.length === 0) return false;
  const nameOf = ({ collection, key_hash: keyHash }: { collection: string; key_hash: string }): string =>
    keyName({ collection, keyHash });
  const still = new Set((await lacksIn(live)).map(nameOf));
  const blocks = new Set(lacks.filter((row) => !still.has(nameOf(row))).map(({ block }) => block));
  let taken = 0;
  for (const block of blocks) {
    stop.throwIfAborted();
    taken += await rebuilt.complete(block);
  }
  return taken > 0;
}

/** A row whose key was changed is one row that is lacking and one too many, under the same seal: it is one difference. */
function paired(pairs: readonly Pair[]): Pair[] {
  const surplus = new Map(
    pairs.flatMap(({ stored, due }) => (stored !== undefined && due === undefined ? [[stored['seal'], stored]] : [])),
  );
  const moved = new Set<Row>();
  const found = pairs.map((pair): Pair => {
    const other = pair.stored === undefined ? surplus.get(pair.due?.['seal']) : undefined;
    if (other === undefined || moved.has(other)) return pair;
    moved.add(other);
    return { stored: other, due: pair.due };
  });
  return found.filter(({ stored, due }) => due !== undefined || stored === undefined || !moved.has(stored));
}

function differenceOf(table: TableName, { stored, due }: Pair): Difference {
  const row = (due ?? stored) as Row;
  if (stored === undefined) return difference('absent', table, row);
  if (due === undefined) return difference('additional', table, row);
  return { ...difference('changed', table, row), columns: differing(table, stored, due) };
}

export function difference(kind: DifferenceKind, table: TableName, row: Row): Difference {
  const { transaction_id: transactionId } = row;
  return {
    ...{ kind, remedy: REMEDIES[kind], table, place: placeOf(table, row as unknown as Sealed<IndexRows[TableName]>) },
    ...(typeof transactionId === 'string' ? { transactionId } : {}),
  };
}

/** Texts that are not what was anchored, by the anchor that the ledger has. */
async function changedTexts(
  table: 'versions' | 'private_values',
  { live, rebuilt, stop }: Comparison,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for await (const { sequence, ...text } of textsIn(live, table)) {
    stop.throwIfAborted();
    if (isAnchored(text)) continue;
    const [row] = await rowsAt(rebuilt.db, table, [[sequence]]);
    if (row === undefined) continue;
    const { anchor, leaf = null } = row as { anchor: string; leaf?: string | null };
    if (isAnchored({ value: text.value, anchor, leaf })) continue;
    found.push({ ...difference('content', table, row), columns: ['value'] });
  }
  return found;
}
