/**
 * Seals: what a row says is believed because of a code (HMAC-SHA-256) that only this gateway can make. Its key is derived
 * from a secret that is not in the database, so whoever can write into the database alone can change, move or add no row
 * unnoticed. The text of a value is held by its anchor, which is sealed.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { COLUMNS, type IndexRows, type Sealed, type TableName } from './schema.ts';

/** Base64url characters of a code: 132 bits. */
const LENGTH = 22;

/** What is sealed of each table: every column, but a text that has an anchor. */
const SEALED: Record<TableName, readonly string[]> = Object.fromEntries(
  Object.entries(COLUMNS).map(([table, columns]) => {
    const anchored = (columns as readonly string[]).includes('anchor');
    return [table, columns.filter((column) => !anchored || column !== 'value')];
  }),
) as unknown as Record<TableName, readonly string[]>;

export class Seals {
  readonly #key: KeyObject;
  /** Tells one key from another and says nothing of it. */
  readonly keyName: string;

  /**
   * @param secret of this gateway alone, and the same at each start
   * @param making says how rows are made. Another secret or another making is another key, and fills the read model anew.
   */
  constructor(secret: string, making = '') {
    const purpose = `telemed-ledger read model ${sha256Hex(making)}`;
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)));
    this.keyName = this.#code('key');
  }

  of<T extends TableName>(table: T, row: IndexRows[T]): string {
    const values = row as unknown as Record<string, unknown>;
    return this.#code(JSON.stringify([table, ...SEALED[table].map((column) => values[column])]));
  }

  /** Whether the row is as this gateway wrote it. */
  isOn<T extends TableName>(table: T, row: Sealed<IndexRows[T]>): boolean {
    const [stated, due] = [Buffer.from(String(row.seal)), Buffer.from(this.of(table, row))];
    return stated.length === due.length && timingSafeEqual(stated, due);
  }

  #code(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, LENGTH);
  }
}
