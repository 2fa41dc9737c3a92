/**
 * Every way to change a row of the read model behind its gateway's back, made from the tables as they are in the
 * database: a column that is added tomorrow is changed here tomorrow.
 */
import type { Kysely } from 'kysely';
import { type IndexTables, KEYS, type TableName } from '../schema.ts';

export interface Damage {
  name: string;
  table: TableName;
  /** The column that is changed; undefined where a row is removed or added. */
  column?: string;
  kind: 'changed' | 'removed' | 'added';
  /** The row before; where one is added, that one. */
  row: Record<string, unknown>;
  /** The row that it is made from. */
  of: Record<string, unknown>;
  inflict(): Promise<void>;
  undo(): Promise<void>;
}

/** Beyond everything that is there. */
const FAR = 1_000_003;

type Row = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: tables and columns are found at run time
type AnyKysely = Kysely<any>;

const isNumber = (dataType: string): boolean => /int|real|float/i.test(dataType);

/** Other values of the same kind; for a column that may be null null as well. What is a key is no flag. */
function others(value: unknown, dataType: string, isKey: boolean, nullable: boolean): unknown[] {
  const other = isNumber(dataType)
    ? isKey
      ? Number(value) + FAR
      : turned(value)
    : typeof value === 'string' && value !== ''
      ? value.slice(0, -1)
      : 'x';
  return nullable && value !== null ? [other, null] : [other];
}

/** 0 and 1 are flags. */
const turned = (value: unknown): number => (value === 0 ? 1 : value === 1 ? 0 : Number(value ?? 0) + FAR);

/** Every column of every row (each with some other values), every row removed, and every row added once more. */
export async function everyDamage(db: Kysely<IndexTables>): Promise<Damage[]> {
  const any = db as AnyKysely;
  const found: Damage[] = [];
  for (const { name, columns } of await db.introspection.getTables()) {
    if (!(name in KEYS)) continue;
    const table = name as TableName;
    const all = (await any.selectFrom(table).selectAll().execute()) as Row[];
    const rows = table === 'search_values' ? ofEachKind(all) : all;
    for (const row of rows) {
      const key = Object.fromEntries(KEYS[table].map((column) => [column, row[column]]));
      const where = (at: Row) => (builder: { and(row: Row): unknown }) => builder.and(at);
      const remove = async (at: Row) =>
        void (await any
          .deleteFrom(table)
          .where(where(at) as never)
          .execute());
      const add = async (values: Row) => void (await any.insertInto(table).values(values).execute());
      for (const { name: column, dataType, isNullable } of columns) {
        for (const value of others(row[column], dataType, column in key, isNullable && !(column in key))) {
          const changed = { ...row, [column]: value };
          const changedKey = Object.fromEntries(KEYS[table].map((one) => [one, changed[one]]));
          found.push({
            ...{
              name: `${table}.${column} = ${JSON.stringify(value)?.slice(0, 40)}`,
              table,
              column,
              kind: 'changed',
              row,
              of: row,
            },
            inflict: async () =>
              void (await any
                .updateTable(table)
                .set({ [column]: value })
                .where(where(key) as never)
                .execute()),
            undo: async () => {
              await remove(changedKey);
              await add(row);
            },
          });
        }
      }
      found.push({
        ...{
          name: `${table}: a row removed`,
          table,
          kind: 'removed',
          row,
          of: row,
          inflict: () => remove(key),
          undo: () => add(row),
        },
      });
      const additional = copyOf(row, table);
      if (additional === undefined) continue;
      const additionalKey = Object.fromEntries(KEYS[table].map((one) => [one, additional[one]]));
      found.push({
        ...{ name: `${table}: a row added`, table, kind: 'added', row: additional, of: row },
        inflict: () => add(additional),
        undo: () => remove(additionalKey),
      });
    }
  }
  return found;
}

/** Of what resources are found by: the identifiers, and of the rest one text and one range, of a composite and alone. */
function ofEachKind(rows: readonly Row[]): Row[] {
  const kindOf = ({ parameter, ranged, place }: Row): string =>
    String(parameter).startsWith('identifier') ? '' : `${ranged} ${Math.min(Number(place), 1)}`;
  const seen = new Set<string>();
  return rows.filter((row) => {
    const kind = kindOf(row);
    if (kind === '') return true;
    const isFirst = !seen.has(kind);
    seen.add(kind);
    return isFirst;
  });
}

/** The same row under keys of its own; none for the checkpoint, which is one. */
function copyOf(row: Row, table: TableName): Row | undefined {
  if (table === 'checkpoint') return undefined;
  const copy = { ...row };
  for (const column of [...KEYS[table], 'key', 'key_hash'])
    if (column in copy)
      copy[column] = typeof copy[column] === 'number' ? (copy[column] as number) + FAR : `${copy[column]}y`;
  return copy;
}
