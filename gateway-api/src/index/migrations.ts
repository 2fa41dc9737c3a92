/**
 * The tables, step by step, the same for SQLite and PostgreSQL. The read model is made anew by each of its steps; a step
 * of the journal that has run anywhere is never changed, a new one is appended. They are separate files or schemas.
 */
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { type Dialect, TYPES, type Types } from './column-types.ts';
import { journalMigrations } from './journal-migrations.ts';
import { createRefusedKeys } from './refused-keys-table.ts';
import { COLUMNS } from './schema.ts';

/**
 * The read model is filled from the ledger, so a change of its tables is a new name here and nothing else: whatever an
 * older version left is dropped, and the start fills the new tables from block 0. The name must sort behind all others: the
 * migrator refuses a database that lacks an earlier one.
 */
export const INDEX_STEPS = [
  '2026-01-tables',
  '2026-11-order-of-the-ledger',
  '2026-11-search-values',
  '2026-11-states-that-name-us',
  '2026-11-seals',
  '2026-11-sheets',
  '2026-11-under-review',
  '2026-11-what-is-erased',
  '2026-11-who-had-it-erased',
  '2026-11-with-faults',
  '2026-11-with-whom',
  '2026-11-withdrawals',
  '2026-11-witnessed-tree',
  '2026-11-worn-identifiers',
  '2026-11-written-by-witnesses',
  '2026-11-x-reads-of-others',
  '2026-11-x-signed-in-cose',
  '2026-11-y-rows-of-others',
  '2026-11-z-all-search-parameters',
  '2026-11-zz-what-was-refused',
  '2026-11-zzz-values-by-patient',
];

const EARLIER_TABLES = ['identifiers', 'extraction'];

const indexMigrations = (types: Types): Record<string, Migration> =>
  Object.fromEntries(INDEX_STEPS.map((name) => [name, { up: (db: Kysely<unknown>) => createAnew(db, types) }]));

async function createAnew(db: Kysely<unknown>, types: Types): Promise<void> {
  for (const table of [...Object.keys(COLUMNS), ...EARLIER_TABLES]) {
    await db.schema.dropTable(table).ifExists().execute();
  }
  await createTransactions(db, types);
  await createVersions(db, types);
  await createSearchValues(db, types);
  await createPrivateValues(db, types);
  await createStates(db, types);
  await createAnchors(db, types);
  await createAccessConsents(db, types);
  await createErasures(db, types);
  await createTree(db, types);
  await createCarriedReads(db, types);
  await createRefusedKeys(db, types);
}

async function createTransactions(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('checkpoint')
    .addColumn('id', types.integer, (column) => column.primaryKey())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('hash', types.text, (column) => column.notNull())
    .addColumn('writes', types.integer, (column) => column.notNull())
    .addColumn('sealed_by', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('transactions')
    .addColumn('transaction_id', types.text, (column) => column.primaryKey())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('position', types.integer, (column) => column.notNull())
    .addColumn('code', types.integer, (column) => column.notNull())
    .addColumn('creator', types.text, (column) => column.notNull())
    .addColumn('endorsers', types.text, (column) => column.notNull())
    .addColumn('event', types.text)
    .addColumn('time', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .$call(types.withoutRowid)
    .execute();
}

async function createVersions(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('versions')
    .addColumn('sequence', types.integer, (column) => column.primaryKey())
    .addColumn('type', types.text, (column) => column.notNull())
    .addColumn('id', types.text, (column) => column.notNull())
    .addColumn('version', types.integer, (column) => column.notNull())
    .addColumn('current', types.integer, (column) => column.notNull())
    .addColumn('held', types.integer, (column) => column.notNull())
    .addColumn('erased', types.integer, (column) => column.notNull())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('key', types.text, (column) => column.notNull())
    .addColumn('key_hash', types.text, (column) => column.notNull())
    .addColumn('value', types.text, (column) => column.notNull())
    .addColumn('anchor', types.text, (column) => column.notNull())
    .addColumn('leaf', types.text)
    .addColumn('author', types.text, (column) => column.notNull())
    .addColumn('patient', types.text)
    .addColumn('last_updated', types.text, (column) => column.notNull())
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('source', types.text)
    .addColumn('access', types.text)
    .addColumn('expires_at', types.text)
    .addColumn('fault', types.text)
    .addColumn('audience', types.text)
    .addColumn('seal', types.text, (column) => column.notNull())
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
    // The rest is for counting: it says without the row whether a version is shown.
    .columns(['type', 'sequence', 'source', 'fault', 'erased', 'collection', 'expires_at', 'audience'])
    .where(sql.ref('current'), '=', sql.lit(1))
    .execute();
  await db.schema
    .createIndex('versions_by_audience')
    .on('versions')
    .columns(['type', 'audience', 'sequence'])
    .where(sql.ref('audience'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('versions_by_access')
    .on('versions')
    .columns(['access'])
    .where(sql.ref('access'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('versions_delivered')
    .on('versions')
    .columns(['patient', 'source'])
    .where(sql.ref('access'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('versions_faulty')
    .on('versions')
    .columns(['type'])
    .where(sql.ref('fault'), 'is not', null)
    .execute();
  await db.schema.createIndex('versions_by_key').on('versions').columns(['key_hash', 'collection']).execute();
  await db.schema
    .createIndex('versions_erased')
    .on('versions')
    .columns(['sequence'])
    .where(sql.ref('erased'), '=', sql.lit(1))
    .execute();
}

async function createSearchValues(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('search_values')
    .addColumn('parameter', types.text, (column) => column.notNull())
    .addColumn('type', types.text, (column) => column.notNull())
    .addColumn('value', types.text, (column) => column.notNull())
    .addColumn('patient', types.text, (column) => column.notNull())
    .addColumn('system', types.text, (column) => column.notNull())
    .addColumn('id', types.text, (column) => column.notNull())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('place', types.integer, (column) => column.notNull())
    .addColumn('ranged', types.integer, (column) => column.notNull())
    .addColumn('low', types.number, (column) => column.notNull())
    .addColumn('high', types.number, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    // The patient before the rest: hers are found among those of everybody, and everybody's as well.
    .addPrimaryKeyConstraint('search_values_key', [
      ...(['type', 'value', 'parameter', 'patient', 'system', 'id', 'collection', 'place'] as const),
      ...(['ranged', 'low', 'high'] as const),
    ])
    .$call(types.withoutRowid)
    .execute();
  await db.schema.createIndex('search_values_by_id').on('search_values').columns(['id', 'type']).execute();
  await db.schema
    .createIndex('search_values_by_range')
    .on('search_values')
    .columns(['type', 'parameter', 'low', 'high'])
    .where(sql.ref('ranged'), '=', sql.lit(1))
    .execute();
}

async function createPrivateValues(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('private_values')
    .addColumn('sequence', types.integer, (column) => column.primaryKey())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('key', types.text, (column) => column.notNull())
    .addColumn('key_hash', types.text, (column) => column.notNull())
    .addColumn('kind', types.text, (column) => column.notNull())
    .addColumn('value', types.text, (column) => column.notNull())
    .addColumn('anchor', types.text, (column) => column.notNull())
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('patient_system', types.text)
    .addColumn('patient_value', types.text)
    .addColumn('seal', types.text, (column) => column.notNull())
    .addUniqueConstraint('private_values_key', ['key_hash', 'collection'])
    .execute();
  await db.schema
    .createIndex('private_values_by_patient')
    .on('private_values')
    .columns(['patient_value', 'patient_system', 'sequence'])
    .where(sql.ref('patient_value'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('private_values_by_kind')
    .on('private_values')
    .columns(['kind', 'collection', 'sequence'])
    .execute();
  await db.schema
    .createIndex('private_values_of_erasures')
    .on('private_values')
    .columns(['key'])
    .where(sql.ref('kind'), '=', sql.lit('erasure'))
    .execute();
  await db.schema
    .createTable('missing')
    .addColumn('sequence', types.integer, (column) => column.notNull())
    .addColumn('reason', types.text, (column) => column.notNull())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('key_hash', types.text, (column) => column.notNull())
    .addColumn('anchor', types.text, (column) => column.notNull())
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('missing_key', ['key_hash', 'collection'])
    .execute();
  await db.schema.createIndex('missing_by_block').on('missing').columns(['block']).execute();
  await db.schema.createIndex('missing_by_transaction').on('missing').columns(['transaction_id']).execute();
}

async function createStates(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('states')
    .addColumn('kind', types.text, (column) => column.notNull())
    .addColumn('id', types.text, (column) => column.notNull())
    .addColumn('sequence', types.integer, (column) => column.notNull())
    .addColumn('own', types.integer, (column) => column.notNull())
    .addColumn('status', types.text, (column) => column.notNull())
    .addColumn('last_updated', types.text)
    .addColumn('ends_at', types.text)
    .addColumn('about', types.text)
    .addColumn('value', types.text, (column) => column.notNull())
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('time', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('states_key', ['kind', 'id'])
    .execute();
  const own = (name: string, columns: string[]) =>
    db.schema.createIndex(name).on('states').columns(columns).where(sql.ref('own'), '=', sql.lit(1));
  await own('own_states', ['kind', 'sequence']).execute();
  await own('own_states_by_status', ['kind', 'status', 'sequence']).execute();
  await own('own_states_by_time', ['kind', 'last_updated', 'sequence']).execute();
  await db.schema
    .createIndex('states_about')
    .on('states')
    .columns(['kind', 'about', 'sequence'])
    .where(sql.ref('about'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('own_states_by_end')
    .on('states')
    .columns(['ends_at', 'sequence'])
    .where(sql.ref('ends_at'), 'is not', null)
    .execute();
}

async function createAnchors(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('anchors')
    .addColumn('key_hash', types.text, (column) => column.notNull())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('anchor', types.text, (column) => column.notNull())
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('sequence', types.integer)
    .addColumn('purged_by', types.text)
    .addColumn('rewritten_by', types.text)
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('anchors_key', ['key_hash', 'collection'])
    .$call(types.withoutRowid)
    .execute();
  await db.schema
    .createIndex('anchors_rewritten')
    .on('anchors')
    .columns(['block'])
    .where(sql.ref('rewritten_by'), 'is not', null)
    .execute();
}

async function createAccessConsents(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('access_consents')
    .addColumn('access', types.text, (column) => column.notNull())
    .addColumn('consent', types.text, (column) => column.notNull())
    .addColumn('version', types.integer, (column) => column.notNull())
    .addColumn('ended', types.integer, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('access_consents_key', ['access', 'consent'])
    .$call(types.withoutRowid)
    .execute();
  await db.schema.createIndex('access_consents_by_consent').on('access_consents').columns(['consent']).execute();
  await db.schema
    .createIndex('access_consents_ended')
    .on('access_consents')
    .columns(['access'])
    .where(sql.ref('ended'), '=', sql.lit(1))
    .execute();
}

async function createErasures(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('erasures')
    .addColumn('id', types.text, (column) => column.primaryKey())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('record', types.text, (column) => column.notNull())
    .addColumn('type', types.text, (column) => column.notNull())
    .addColumn('patient', types.text)
    .addColumn('status', types.text, (column) => column.notNull())
    .addColumn('sequence', types.integer, (column) => column.notNull())
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('marked_at', types.text, (column) => column.notNull())
    .addColumn('author', types.text, (column) => column.notNull())
    .addColumn('asked_by', types.text)
    .addColumn('purged_at', types.text)
    .addColumn('purged_by', types.text)
    .addColumn('seal', types.text, (column) => column.notNull())
    .$call(types.withoutRowid)
    .execute();
  const by = (name: string, columns: string[]) => db.schema.createIndex(name).on('erasures').columns(columns).execute();
  await by('erasures_by_patient', ['patient', 'sequence']);
  await by('erasures_by_record', ['record']);
  await by('erasures_in_order', ['sequence']);
}

async function createCarriedReads(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('carried_reads')
    .addColumn('sequence', types.integer, (column) => column.primaryKey())
    .addColumn('collection', types.text, (column) => column.notNull())
    .addColumn('key_hash', types.text, (column) => column.notNull())
    .addColumn('organisation', types.text, (column) => column.notNull())
    .addColumn('row', types.integer, (column) => column.notNull())
    .addColumn('patient', types.text, (column) => column.notNull())
    .addColumn('at', types.text, (column) => column.notNull())
    .addColumn('text', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .execute();
  const by = (name: string, columns: string[]) =>
    db.schema.createIndex(name).on('carried_reads').columns(columns).execute();
  await by('carried_reads_by_patient', ['patient', 'at', 'sequence']);
  await by('carried_reads_by_key', ['key_hash']);
  await by('carried_reads_by_row', ['organisation', 'row']);
}

async function createTree(db: Kysely<unknown>, types: Types): Promise<void> {
  await db.schema
    .createTable('leaves')
    .addColumn('leaf', types.integer, (column) => column.primaryKey())
    .addColumn('block', types.integer, (column) => column.notNull())
    .addColumn('position', types.integer, (column) => column.notNull())
    .addColumn('transaction_id', types.text)
    .addColumn('entry', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .execute();
  await db.schema.createIndex('leaves_by_place').on('leaves').columns(['block', 'position']).execute();
  await db.schema
    .createTable('tree_nodes')
    .addColumn('level', types.integer, (column) => column.notNull())
    .addColumn('position', types.integer, (column) => column.notNull())
    .addColumn('hash', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('tree_nodes_key', ['level', 'position'])
    .$call(types.withoutRowid)
    .execute();
  await db.schema
    .createTable('cosignatures')
    .addColumn('size', types.integer, (column) => column.notNull())
    .addColumn('msp_id', types.text, (column) => column.notNull())
    .addColumn('root', types.text, (column) => column.notNull())
    .addColumn('time', types.integer, (column) => column.notNull())
    .addColumn('public_key', types.text, (column) => column.notNull())
    .addColumn('signature', types.text, (column) => column.notNull())
    .addColumn('cose', types.text)
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('cosignatures_key', ['size', 'msp_id'])
    .$call(types.withoutRowid)
    .execute();
  await db.schema
    .createTable('witnesses')
    .addColumn('msp_id', types.text, (column) => column.notNull())
    .addColumn('public_key', types.text, (column) => column.notNull())
    .addColumn('time', types.integer, (column) => column.notNull())
    .addColumn('signature', types.text, (column) => column.notNull())
    .addColumn('certificate', types.text, (column) => column.notNull())
    .addColumn('transaction_id', types.text, (column) => column.notNull())
    .addColumn('seal', types.text, (column) => column.notNull())
    .addPrimaryKeyConstraint('witnesses_key', ['msp_id', 'public_key'])
    .$call(types.withoutRowid)
    .execute();
}

async function migrate<T>(
  db: Kysely<T>,
  migrations: Record<string, Migration>,
  dialect: Dialect,
  schema: string,
): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    ...(dialect === 'postgres' ? { migrationTableSchema: schema } : {}),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** In PostgreSQL the connections of `db` have the schema `index` as their search path. */
export const migrateIndex = <T>(db: Kysely<T>, dialect: Dialect): Promise<void> =>
  migrate(db, indexMigrations(TYPES[dialect]), dialect, 'index');

/** In PostgreSQL the connections of `db` have the schema `journal` as their search path. */
export const migrateJournal = <T>(db: Kysely<T>, dialect: Dialect): Promise<void> =>
  migrate(db, journalMigrations(TYPES[dialect]), dialect, 'journal');
