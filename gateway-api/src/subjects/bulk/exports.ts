/**
 * Exports of many records (hl7.org/fhir/uv/bulkdata/export.html), as they are kept: what was asked for, by whom, and of which
 * types there is something. No record is copied: the files are made while they are read, by what their reader may see then.
 * On the disk, so that they outlast a restart.
 */
import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { throttled } from '../../http/failures.ts';
import type { JournalTables } from '../../index/schema.ts';

const KEPT_MS = 24 * 3_600_000;
/** Of one client, at the same time. */
const MOST_OF_ONE = 20;

export interface ExportAsked {
  /** The URL that asked for it. */
  request: string;
  types: string[];
  /** Queries by which a type is narrowed; one of them is enough. */
  filters: Record<string, string[]>;
  /** ISO 8601. */
  since?: string;
  /** Of these patients alone; absent: of everybody. */
  patients?: string[];
  /** Of patients alone: what is about nobody is left out. */
  ofPatients: boolean;
  /** When it was asked: what came later is not in it. ISO 8601 UTC. */
  at: string;
}

export interface ExportOutcome {
  /** Types of which there is something. */
  types: string[];
  /** What is not in it, and why, as OperationOutcomes say it. */
  notes: string[];
}

export interface BulkExport {
  id: string;
  asked: ExportAsked;
  outcome: ExportOutcome | undefined;
  expiresAt: string;
}

export class BulkExports {
  readonly #db: Kysely<JournalTables>;
  readonly #now: () => number;
  /** Those that are being looked through by this process, and how far. */
  readonly under = new Map<string, { done: number; of: number }>();

  /** `db` waits for the disk. */
  constructor(db: Kysely<JournalTables>, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  /** @throws {Failure} 429 where the client has as many as it may */
  async begin(owner: string, asked: ExportAsked): Promise<string> {
    await this.#db.deleteFrom('bulk_exports').where('expires_at', '<=', this.#at()).execute();
    const own = await this.#db.selectFrom('bulk_exports').select('id').where('owner', '=', owner).execute();
    if (own.length >= MOST_OF_ONE)
      throw throttled('This client keeps as many exports as it may: it deletes one first.');
    const id = randomUUID();
    const row = { id, owner, asked: JSON.stringify(asked), outcome: null, expires_at: this.#at(KEPT_MS) };
    await this.#db.insertInto('bulk_exports').values(row).execute();
    return id;
  }

  /** One of this client's; undefined where there is none (any more). */
  async of(owner: string, id: string): Promise<BulkExport | undefined> {
    const row = await this.#db
      .selectFrom('bulk_exports')
      .selectAll()
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('expires_at', '>', this.#at())
      .executeTakeFirst();
    return (
      row && {
        id,
        asked: JSON.parse(row.asked) as ExportAsked,
        outcome: row.outcome === null ? undefined : (JSON.parse(row.outcome) as ExportOutcome),
        expiresAt: row.expires_at,
      }
    );
  }

  async done(id: string, outcome: ExportOutcome): Promise<void> {
    await this.#db
      .updateTable('bulk_exports')
      .set({ outcome: JSON.stringify(outcome) })
      .where('id', '=', id)
      .execute();
  }

  /** Whether there was one. */
  async forget(owner: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('bulk_exports')
      .where('id', '=', id)
      .where('owner', '=', owner)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  #at(afterMs = 0): string {
    return new Date(this.#now() + afterMs).toISOString();
  }
}
