/** The table of keys under which peers keep what transactions that were ordered and refused would have written; see write/refused.ts. */

import type { Kysely } from 'kysely';
import type { Types } from './column-types.ts';

/** At the keeper of a collection, until the key is purged. */
export interface RefusedKeysTable {
  /** SHA-256 of the key, hex. */
  key_hash: string;
  collection: string;
  key: string;
  /** The last in which something under it was refused. */
  block: number;
}

export async function createRefusedKeys(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('refused_keys')
    .addColumn('key_hash', types.text, (column) => column.notNull())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('key', types.text, (column) => column.notNull())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('refused_keys_key', ['key_hash', 'collection'])
    .$call(types.withoutRowid)
    .execute();
}
