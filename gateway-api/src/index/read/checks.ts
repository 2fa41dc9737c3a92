/** Every row that is read goes through here: one that is not as this gateway wrote it is refused, and logged without its id. */
import type { Logger } from 'pino';
import { IntegrityFailure } from '../../http/failures.ts';
import { placeOf } from '../places.ts';
import type { IndexRows, Sealed, TableName } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { isAnchored } from '../write/sheets.ts';

/** A row as it is stored; the text of an anchored value need not have been read. */
type Stored<T extends TableName> = Sealed<Omit<IndexRows[T], 'value'>>;

export class Checks {
  readonly #seals: Seals;
  readonly #log: Logger;
  readonly #onFailure: () => void;
  /** Rows, as they were read, whose seal or text has been found right: the same object is not looked at twice. */
  readonly #sealed = new WeakSet<object>();
  readonly #anchored = new WeakSet<object>();

  constructor(seals: Seals, log: Logger, onFailure: () => void) {
    this.#seals = seals;
    this.#log = log;
    this.#onFailure = onFailure;
  }

  /** The same row. @throws {IntegrityFailure} where its seal is not on it */
  row<T extends TableName, Row extends Stored<T>>(table: T, row: Row): Row {
    if (this.#sealed.has(row)) return row;
    if (!this.#seals.isOn(table, row as unknown as Sealed<IndexRows[T]>)) this.refuse(table, row);
    this.#sealed.add(row);
    return row;
  }

  rows<T extends TableName, Row extends Stored<T>>(table: T, rows: readonly Row[]): readonly Row[] {
    for (const row of rows) this.row(table, row);
    return rows;
  }

  /** The same row. @throws {IntegrityFailure} where its text is not the anchored one */
  anchored<T extends 'versions' | 'private_values'>(table: T, row: Sealed<IndexRows[T]>): Sealed<IndexRows[T]> {
    if (this.#anchored.has(row)) return row;
    this.row(table, row);
    if (!isAnchored(row)) this.refuse(table, row);
    this.#anchored.add(row);
    return row;
  }

  refuse<T extends TableName>(table: T, row: Stored<T>): never {
    const { transaction_id: transactionId, type } = row as { transaction_id?: string; type?: string };
    this.#log.error({ table, transactionId, type }, 'a stored row fails its check');
    this.#onFailure();
    throw new IntegrityFailure(placeOf(table, row));
  }
}
