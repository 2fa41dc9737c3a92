/**
 * The tables, step by step. A step that has run anywhere is never changed; a new one is appended. The read model
 * and the journal are separate files, so that the first can be deleted and rebuilt.
 */
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';

const indexMigrations: Record<string, Migration> = {
  '2026-01-tables': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('checkpoint')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('block', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('transactions')
        .addColumn('transaction_id', 'text', (column) => column.primaryKey())
        .addColumn('block', 'integer', (column) => column.notNull())
        .addColumn('position', 'integer', (column) => column.notNull())
        .addColumn('code', 'integer', (column) => column.notNull())
        .addColumn('creator', 'text', (column) => column.notNull())
        .addColumn('endorsers', 'text', (column) => column.notNull())
        .addColumn('event', 'text')
        .addColumn('time', 'text', (column) => column.notNull())
        .modifyEnd(sql`without rowid`)
        .execute();
      await createVersions(db);
      await createStates(db);
    },
  },
};

async function createVersions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('versions')
    .addColumn('sequence', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('current', 'integer', (column) => column.notNull())
    .addColumn('collection', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('anchor', 'text', (column) => column.notNull())
    .addColumn('author', 'text', (column) => column.notNull())
    .addColumn('patient', 'text')
    .addColumn('last_updated', 'text', (column) => column.notNull())
    .addColumn('transaction_id', 'text', (column) => column.notNull())
    .addColumn('block', 'integer', (column) => column.notNull())
    .addColumn('source', 'text')
    .addColumn('access', 'text')
    .addColumn('expires_at', 'text')
    .execute();
  await db.schema
    .createIndex('versions_by_id')
    .unique()
    .on('versions')
    .columns(['id', 'type', 'collection', 'key'])
    .execute();
  await db.schema
    .createIndex('versions_by_patient')
    .on('versions')
    .columns(['patient', 'type', 'sequence'])
    .where(sql.ref('current'), '=', sql.lit(1))
    .execute();
  await db.schema
    .createIndex('versions_by_type')
    .on('versions')
    .columns(['type', 'sequence'])
    .where(sql.ref('current'), '=', sql.lit(1))
    .execute();
  await db.schema.createIndex('versions_by_key').on('versions').columns(['collection', 'key']).execute();
  await db.schema
    .createTable('identifiers')
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('system', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('collection', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('identifiers_key', ['type', 'value', 'system', 'id', 'collection'])
    .modifyEnd(sql`without rowid`)
    .execute();
  await db.schema.createIndex('identifiers_by_id').on('identifiers').columns(['id', 'type']).execute();
}

async function createStates(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('private_values')
    .addColumn('sequence', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('collection', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('anchor', 'text', (column) => column.notNull())
    .addColumn('transaction_id', 'text', (column) => column.notNull())
    .addColumn('block', 'integer', (column) => column.notNull())
    .addUniqueConstraint('private_values_key', ['collection', 'key'])
    .execute();
  await db.schema
    .createTable('states')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('transaction_id', 'text', (column) => column.notNull())
    .addColumn('block', 'integer', (column) => column.notNull())
    .addColumn('time', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('states_key', ['kind', 'id'])
    .execute();
  await db.schema.createIndex('states_by_status').on('states').columns(['kind', 'status']).execute();
  await db.schema
    .createTable('missing')
    .addColumn('collection', 'text', (column) => column.notNull())
    .addColumn('key_hash', 'text', (column) => column.notNull())
    .addColumn('anchor', 'text', (column) => column.notNull())
    .addColumn('transaction_id', 'text', (column) => column.notNull())
    .addColumn('block', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('missing_key', ['collection', 'key_hash'])
    .execute();
}

const journalMigrations: Record<string, Migration> = {
  '2026-01-idempotency': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('idempotency')
        .addColumn('caller', 'text', (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('request_hash', 'text', (column) => column.notNull())
        .addColumn('transaction_id', 'text', (column) => column.notNull())
        .addColumn('envelope', 'blob')
        .addColumn('sender', 'text', (column) => column.notNull())
        .addColumn('answer', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('idempotency_key', ['caller', 'key'])
        .execute();
      await db.schema.createIndex('idempotency_by_age').on('idempotency').column('created_at').execute();
    },
  },
};

async function migrate<T>(db: Kysely<T>, migrations: Record<string, Migration>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

export const migrateIndex = <T>(db: Kysely<T>): Promise<void> => migrate(db, indexMigrations);
export const migrateJournal = <T>(db: Kysely<T>): Promise<void> => migrate(db, journalMigrations);
