/** Reads the tables of two read models side by side, in the order of their keys, a few rows at a time. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { COLUMNS, type IndexTables, KEYS, type TableName } from '../schema.ts';

export type Row = Record<string, unknown>;

const ROWS = 200;
/** Texts that are in memory at once, bytes. */
const TEXT_BYTES = 8 * 1024 * 1024;
const SIZE = 'size of the text';

/**
 * Every table but the checkpoint, which moves on while the others are compared, and the keys of what was refused, which a peer may
 * obtain at any time after its block.
 */
export const COMPARED = (Object.keys(COLUMNS) as TableName[]).filter(
  (table) => table !== 'checkpoint' && table !== 'refused_keys',
);

const isAnchored = (table: TableName): boolean => (COLUMNS[table] as readonly string[]).includes('anchor');

/** What is compared of a row: the text of an anchored value is left out, because its anchor stands for it. */
const columnsOf = (table: TableName): string[] => [
  ...COLUMNS[table].filter((column) => column !== 'value' || !isAnchored(table)),
  'seal',
];

export const keyOf = (table: TableName, row: Row): unknown[] => KEYS[table].map((column) => row[column]);

const list = (parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => sql.join(parts);
const keyColumns = (table: TableName): RawBuilder<unknown> => list(KEYS[table].map((column) => sql.ref(column)));

/** All rows, in the order of their keys. */
export async function* rowsIn(db: Kysely<IndexTables>, table: TableName): AsyncGenerator<Row> {
  let after: unknown[] | undefined;
  for (;;) {
    const rows = await pageOf(db, table, after);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS) return;
    after = keyOf(table, last);
  }
}

async function pageOf(db: Kysely<IndexTables>, table: TableName, after: unknown[] | undefined): Promise<Row[]> {
  const behind = after === undefined ? sql`` : sql`where (${keyColumns(table)}) > (${sql.join(after)})`;
  const { rows } = await sql<Row>`
    select ${list(columnsOf(table).map((column) => sql.ref(column)))} from ${sql.table(table)} ${behind}
    order by ${keyColumns(table)} limit ${sql.lit(ROWS)}`.execute(db);
  return rows;
}

/** The rows under these keys. */
export async function rowsAt(db: Kysely<IndexTables>, table: TableName, keys: readonly unknown[][]): Promise<Row[]> {
  if (keys.length === 0) return [];
  const isAt = (key: readonly unknown[]): RawBuilder<unknown> =>
    sql`(${sql.join(
      KEYS[table].map((column, index) => sql`${sql.ref(column)} = ${key[index]}`),
      sql` and `,
    )})`;
  const { rows } = await sql<Row>`
    select ${list(columnsOf(table).map((column) => sql.ref(column)))} from ${sql.table(table)}
    where ${sql.join(keys.map(isAt), sql` or `)}`.execute(db);
  return rows;
}

export interface Text {
  sequence: number;
  value: string;
  anchor: string;
  leaf?: string | null;
}

/** The texts of a table of anchored values, some at a time. */
export async function* textsIn(db: Kysely<IndexTables>, table: 'versions' | 'private_values'): AsyncGenerator<Text> {
  let after = -1;
  for (;;) {
    const sizes = await db
      .selectFrom(table)
      .select(['sequence', sql<number>`length(value)`.as(SIZE)])
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(ROWS)
      .execute();
    for (const sequences of groups(sizes.map((row) => ({ sequence: row.sequence, size: Number(row[SIZE]) })))) {
      yield* await db
        .selectFrom(table)
        .select(['sequence', 'value', 'anchor', ...(table === 'versions' ? (['leaf'] as never[]) : [])])
        .where('sequence', 'in', sequences)
        .execute();
    }
    const last = sizes.at(-1);
    if (last === undefined || sizes.length < ROWS) return;
    after = last.sequence;
  }
}

function groups(rows: readonly { sequence: number; size: number }[]): number[][] {
  const found: number[][] = [];
  let room = 0;
  for (const { sequence, size } of rows) {
    if (found.length === 0 || size > room) {
      found.push([]);
      room = TEXT_BYTES;
    }
    found.at(-1)?.push(sequence);
    room -= size;
  }
  return found;
}

/** As both databases order them: numbers by size, texts byte by byte. */
export function compareKeys(one: readonly unknown[], other: readonly unknown[]): number {
  for (const [index, value] of one.entries()) {
    const order = compareValues(value, other[index]);
    if (order !== 0) return order;
  }
  return 0;
}

const compareValues = (one: unknown, other: unknown): number =>
  typeof one === 'number' && typeof other === 'number'
    ? one - other
    : Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));

/** The columns in which two rows differ. */
export const differing = (table: TableName, one: Row, other: Row): string[] =>
  columnsOf(table).filter((column) => one[column] !== other[column]);
