/**
 * The journal's tables: what only this gateway knows, so that each step keeps what the one before held. A step that has run
 * anywhere is never changed; the name of a new one sorts behind all others.
 */
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Types } from './column-types.ts';

export const journalMigrations = (types: Types): Record<string, Migration> => ({
  '2026-01-idempotency': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('idempotency')
        .addColumn('caller', types.text, (column) => column.notNull())
        .addColumn('key', types.text, (column) => column.notNull())
        .addColumn('request_hash', types.text, (column) => column.notNull())
        .addColumn('transaction_id', types.text, (column) => column.notNull())
        .addColumn('envelope', types.bytes)
        .addColumn('sender', types.text, (column) => column.notNull())
        .addColumn('answer', types.text, (column) => column.notNull())
        .addColumn('created_at', types.text, (column) => column.notNull())
        .addPrimaryKeyConstraint('idempotency_key', ['caller', 'key'])
        .execute();
      await db.schema.createIndex('idempotency_by_age').on('idempotency').column('created_at').execute();
    },
  },
  /** Writes under many keys share a transaction: it is stored once. */
  '2026-11-envelopes': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('envelopes')
        .addColumn('transaction_id', types.text, (column) => column.primaryKey())
        .addColumn('envelope', types.bytes, (column) => column.notNull())
        .addColumn('created_at', types.text, (column) => column.notNull())
        .execute();
      await sql`insert into envelopes (transaction_id, envelope, created_at)
        select transaction_id, envelope, created_at from idempotency where envelope is not null
        on conflict do nothing`.execute(db);
      await db.schema.alterTable('idempotency').dropColumn('envelope').execute();
      await db.schema.createIndex('envelopes_by_age').on('envelopes').column('created_at').execute();
    },
  },
  '2026-11-pending-wishes': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('pending_wishes')
        .addColumn('sequence', types.integer, (column) => column.primaryKey())
        .addColumn('id', types.text, (column) => column.notNull().unique())
        .addColumn('kind', types.text, (column) => column.notNull())
        .addColumn('patient', types.text, (column) => column.notNull())
        .addColumn('consent', types.text, (column) => column.notNull())
        .addColumn('provider', types.text, (column) => column.notNull())
        .addColumn('status', types.text, (column) => column.notNull())
        .addColumn('draft', types.text)
        .addColumn('caller', types.text)
        .addColumn('key', types.text)
        .addColumn('promised', types.text)
        .addColumn('waits_for', types.text)
        .addColumn('reason', types.text)
        .addColumn('version', types.integer)
        .addColumn('transaction_id', types.text)
        .addColumn('created_at', types.text, (column) => column.notNull())
        .addColumn('ended_at', types.text)
        .execute();
      const wishes = (name: string, columns: string[]) =>
        db.schema.createIndex(name).on('pending_wishes').columns(columns).execute();
      await wishes('pending_wishes_by_patient', ['patient', 'status', 'sequence']);
      await wishes('pending_wishes_by_status', ['status', 'patient', 'sequence']);
      await wishes('pending_wishes_by_key', ['caller', 'key']);
      await wishes('pending_wishes_by_end', ['ended_at']);
    },
  },
  '2026-11-wanted-erasures': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('wanted_erasures')
        .addColumn('id', types.text, (column) => column.primaryKey())
        .addColumn('provider', types.text, (column) => column.notNull())
        .addColumn('type', types.text, (column) => column.notNull())
        .addColumn('record', types.text, (column) => column.notNull())
        .addColumn('patient', types.text)
        .addColumn('asked_by', types.text, (column) => column.notNull())
        .addColumn('marked', types.integer, (column) => column.notNull())
        .addColumn('waits_for', types.text)
        .addColumn('created_at', types.text, (column) => column.notNull())
        .execute();
    },
  },
  '2026-11-who-looked': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('delivered_reads')
        .addColumn('sequence', types.integer, (column) => column.primaryKey())
        .addColumn('access', types.text, (column) => column.notNull())
        .addColumn('at', types.text, (column) => column.notNull())
        .addColumn('outcome', types.text, (column) => column.notNull())
        .addColumn('interaction', types.text, (column) => column.notNull())
        .addColumn('subject', types.text, (column) => column.notNull())
        .addColumn('role', types.text, (column) => column.notNull())
        .addColumn('fhir_user', types.text)
        .addColumn('type', types.text, (column) => column.notNull())
        .addColumn('records', types.text, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('delivered_reads_by_access')
        .on('delivered_reads')
        .columns(['access', 'sequence'])
        .execute();
    },
  },
  '2026-11-why-refused': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('refusals')
        .addColumn('access', types.text, (column) => column.primaryKey())
        .addColumn('reason', types.text, (column) => column.notNull())
        .addColumn('consent', types.text)
        .addColumn('consent_version', types.integer)
        .addColumn('salt', types.text, (column) => column.notNull())
        .addColumn('due_at', types.text, (column) => column.notNull())
        .addColumn('status', types.text, (column) => column.notNull())
        .addColumn('created_at', types.text, (column) => column.notNull())
        .execute();
      await db.schema.createIndex('refusals_by_due').on('refusals').columns(['status', 'due_at', 'access']).execute();
    },
  },
  /** Whom a refusal was about; those that are noted by then do not say so. */
  '2026-11-x-whom-refused': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema.alterTable('refusals').addColumn('patient', types.text).execute();
    },
  },
  /** One log of all reads: what was written of deliveries is kept in it. */
  '2026-11-y-all-reads': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('reads')
        .addColumn('sequence', types.integer, (column) => column.primaryKey())
        .addColumn('at', types.text, (column) => column.notNull())
        .addColumn('outcome', types.text, (column) => column.notNull())
        .addColumn('interaction', types.text, (column) => column.notNull())
        .addColumn('subject', types.text, (column) => column.notNull())
        .addColumn('role', types.text, (column) => column.notNull())
        .addColumn('fhir_user', types.text)
        .addColumn('patient', types.text)
        .addColumn('access', types.text)
        .addColumn('type', types.text, (column) => column.notNull())
        .addColumn('records', types.text, (column) => column.notNull())
        .addColumn('hash', types.text, (column) => column.notNull())
        .execute();
      await sql`insert into reads
        (sequence, at, outcome, interaction, subject, role, fhir_user, patient, access, type, records, hash)
        select sequence, at, outcome, interaction, subject, role, fhir_user, null, access, type, records, ''
        from delivered_reads`.execute(db);
      await db.schema.dropTable('delivered_reads').execute();
      for (const about of ['patient', 'access'])
        await db.schema
          .createIndex(`reads_by_${about}`)
          .on('reads')
          .columns([about, 'sequence'])
          .where(sql.ref(about), 'is not', null)
          .execute();
    },
  },
  /** What this gateway's anchors of the log of reads state: on the disk before they are sent. */
  '2026-11-z-anchors-of-the-log': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('log_statements')
        .addColumn('n', types.integer, (column) => column.primaryKey())
        .addColumn('statement', types.text, (column) => column.notNull())
        .addColumn('secret', types.text, (column) => column.notNull())
        .execute();
    },
  },
  '2026-11-z-health-links': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('health_links')
        .addColumn('id', types.text, (column) => column.primaryKey())
        .addColumn('token_hash', types.text, (column) => column.notNull().unique())
        .addColumn('patient', types.text, (column) => column.notNull())
        .addColumn('file', types.text, (column) => column.notNull())
        .addColumn('label', types.text)
        .addColumn('passcode', types.text)
        .addColumn('attempts', types.integer, (column) => column.notNull())
        .addColumn('fetches', types.integer, (column) => column.notNull())
        .addColumn('created_at', types.text, (column) => column.notNull())
        .addColumn('expires_at', types.text)
        .addColumn('ended_at', types.text)
        .execute();
      await db.schema
        .createIndex('health_links_by_patient')
        .on('health_links')
        .columns(['patient', 'created_at'])
        .execute();
    },
  },
  /** Who granted, amended or revoked which version of a consent. */
  '2026-11-z-who-acted': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createIndex('reads_of_acts')
        .on('reads')
        .column('records')
        .where(sql.ref('interaction'), 'in', sql`('grant', 'amend', 'revoke')`)
        .execute();
    },
  },
  '2026-11-zz-subscriptions': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('subscriptions')
        .addColumn('id', types.text, (column) => column.primaryKey())
        .addColumn('owner', types.text, (column) => column.notNull())
        .addColumn('patient', types.text)
        .addColumn('resource', types.text, (column) => column.notNull())
        .addColumn('status', types.text, (column) => column.notNull())
        .addColumn('error', types.text)
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('failures', types.integer, (column) => column.notNull())
        .addColumn('due_at', types.text)
        .addColumn('told', types.integer, (column) => column.notNull())
        .addColumn('updated_at', types.text, (column) => column.notNull())
        .execute();
      await db.schema.createIndex('subscriptions_by_owner').on('subscriptions').column('owner').execute();
    },
  },
  '2026-11-zzz-link-codes': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('link_codes')
        .addColumn('code_hash', types.text, (column) => column.primaryKey())
        .addColumn('patient', types.text, (column) => column.notNull())
        .addColumn('claimed_by', types.text)
        .addColumn('expires_at', types.text, (column) => column.notNull())
        .execute();
      await db.schema.createIndex('link_codes_by_patient').on('link_codes').column('patient').execute();
      await db.schema.createIndex('link_codes_by_age').on('link_codes').column('expires_at').execute();
    },
  },
  /** Who restricted a record, or had that lifted. */
  '2026-11-zzz-who-restricted': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createIndex('reads_of_restrictions')
        .on('reads')
        .column('records')
        .where(sql.ref('interaction'), 'in', sql`('restrict', 'lift-restriction')`)
        .execute();
    },
  },
  /** Who works on which claim at a payer, and what is noted about it. */
  '2026-11-zzzz-desk': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('desk_claims')
        .addColumn('claim', types.text, (column) => column.primaryKey())
        .addColumn('assignee', types.text)
        .addColumn('assigned_by', types.text, (column) => column.notNull())
        .addColumn('since', types.text, (column) => column.notNull())
        .execute();
      await db.schema.createIndex('desk_claims_by_assignee').on('desk_claims').column('assignee').execute();
      await db.schema
        .createTable('desk_notes')
        .addColumn('claim', types.text, (column) => column.notNull())
        .addColumn('id', types.text, (column) => column.notNull())
        .addColumn('author', types.text, (column) => column.notNull())
        .addColumn('at', types.text, (column) => column.notNull())
        .addColumn('text', types.text, (column) => column.notNull())
        .addPrimaryKeyConstraint('desk_notes_key', ['claim', 'id'])
        .execute();
    },
  },
  /** Exports of many records, without their content. */
  '2026-11-zzzzz-bulk-exports': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('bulk_exports')
        .addColumn('id', types.text, (column) => column.primaryKey())
        .addColumn('owner', types.text, (column) => column.notNull())
        .addColumn('asked', types.text, (column) => column.notNull())
        .addColumn('outcome', types.text)
        .addColumn('expires_at', types.text, (column) => column.notNull())
        .execute();
      await db.schema.createIndex('bulk_exports_by_owner').on('bulk_exports').column('owner').execute();
    },
  },
  /** What Binaries hold, as cipher texts. */
  '2026-11-zzzzz-contents': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('contents')
        .addColumn('hash', types.text, (column) => column.primaryKey())
        .addColumn('bytes', types.bytes, (column) => column.notNull())
        .execute();
    },
  },
  /** That requests are answered later; without what they ask and are answered. */
  '2026-11-zzzzzz-async-requests': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('async_requests')
        .addColumn('id', types.text, (column) => column.primaryKey())
        .addColumn('owner', types.text, (column) => column.notNull())
        .addColumn('expires_at', types.text, (column) => column.notNull())
        .execute();
    },
  },
  /** Events that subscriptions are told with numbers. */
  '2026-11-zzzzzzz-subscription-events': {
    async up(db: Kysely<unknown>): Promise<void> {
      const add = (name: string) => db.schema.alterTable('subscriptions').addColumn(name, types.text).execute();
      await add('caller');
      await add('sent_at');
      for (const name of ['events', 'sent'])
        await db.schema
          .alterTable('subscriptions')
          .addColumn(name, types.integer, (column) => column.notNull().defaultTo(0))
          .execute();
      await db.schema
        .createTable('subscription_events')
        .addColumn('subscription', types.text, (column) => column.notNull())
        .addColumn('number', types.integer, (column) => column.notNull())
        .addColumn('type', types.text, (column) => column.notNull())
        .addColumn('id', types.text, (column) => column.notNull())
        .addColumn('at', types.text, (column) => column.notNull())
        .addPrimaryKeyConstraint('subscription_events_key', ['subscription', 'number'])
        .execute();
    },
  },
  /** Requests for authorization that the ledger has not taken yet. */
  '2026-11-zzzzzzzz-kept-requests': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('kept_requests')
        .addColumn('id', types.text, (column) => column.primaryKey())
        .addColumn('request', types.text, (column) => column.notNull())
        .addColumn('coverage', types.text, (column) => column.notNull())
        .addColumn('needs', types.text, (column) => column.notNull())
        .addColumn('status', types.text, (column) => column.notNull())
        .addColumn('draft', types.text)
        .addColumn('caller', types.text)
        .addColumn('key', types.text)
        .addColumn('request_hash', types.text)
        .addColumn('waits_for', types.text)
        .addColumn('reason', types.text)
        .addColumn('created_at', types.text, (column) => column.notNull())
        .addColumn('ended_at', types.text)
        .execute();
      const requests = (name: string, columns: string[]) =>
        db.schema.createIndex(name).on('kept_requests').columns(columns).execute();
      await requests('kept_requests_by_status', ['status', 'created_at']);
      await requests('kept_requests_by_coverage', ['coverage', 'created_at']);
      await requests('kept_requests_by_key', ['caller', 'key']);
      await requests('kept_requests_by_end', ['ended_at']);
    },
  },
});
