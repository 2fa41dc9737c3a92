/** The types of columns, as each of the two databases has them. */
import { type ColumnDataType, type CreateTableBuilder, type RawBuilder, sql } from 'kysely';

export type Dialect = 'sqlite' | 'postgres';

type DataType = ColumnDataType | RawBuilder<unknown>;

export interface Types {
  /** Compared byte by byte, as SQLite does: times are texts, and their order must be the order of time. */
  text: DataType;
  /** 64 bits. */
  integer: DataType;
  /** A double. */
  number: DataType;
  bytes: DataType;
  /** A table with a key of its own needs no row number in SQLite. */
  withoutRowid<T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C>;
}

export const TYPES: Record<Dialect, Types> = {
  sqlite: {
    text: 'text',
    integer: 'integer',
    number: 'real',
    bytes: 'blob',
    withoutRowid: (table) => table.modifyEnd(sql`without rowid`),
  },
  postgres: {
    text: sql`text collate "C"`,
    integer: 'bigint',
    number: 'double precision',
    bytes: 'bytea',
    withoutRowid: (table) => table,
  },
};
