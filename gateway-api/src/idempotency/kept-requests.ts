/**
 * Requests for authorization that the ledger has not taken yet. One is stored before anything of it is sent, so that no peer that is
 * away and no end of this process loses it; what it asks is forgotten when the ledger has it. Kept apart from the read model, as the
 * journal is: the ledger cannot give it back.
 */
import type { Kysely, Selectable } from 'kysely';
import type { KeptRequestsTable } from '../index/kept-requests-table.ts';
import type { JournalTables } from '../index/schema.ts';
import type { IdempotentRequest } from './request.ts';

export type KeptRequest = Selectable<KeptRequestsTable>;
export type NewRequest = Pick<
  KeptRequest,
  'id' | 'request' | 'coverage' | 'needs' | 'draft' | 'caller' | 'key' | 'request_hash'
>;
/** A pending one, without what it asks. */
export type Pending = Pick<KeptRequest, 'id' | 'request' | 'needs'>;

/** How one ended. */
export type RequestEnding = { status: 'done' } | { status: 'refused'; reason: string };

export class RequestJournal {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;

  /** `db` waits for the disk; `lazily`, a second connection to the same journal, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>) {
    this.#db = db;
    this.#lazily = lazily;
  }

  /** It is on the disk when this is done. */
  async add(kept: NewRequest): Promise<void> {
    const open = { status: 'pending', waits_for: null, reason: null, ended_at: null } as const;
    await this.#db
      .insertInto('kept_requests')
      .values({ ...kept, ...open, created_at: new Date().toISOString() })
      .execute();
  }

  find(id: string): Promise<KeptRequest | undefined> {
    return this.#lazily.selectFrom('kept_requests').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** What came under a key, whatever has become of it but a refusal. */
  under(caller: string, { key }: IdempotentRequest): Promise<KeptRequest | undefined> {
    return this.#lazily
      .selectFrom('kept_requests')
      .selectAll()
      .where('caller', '=', caller)
      .where('key', '=', key)
      .where('status', '!=', 'refused')
      .executeTakeFirst();
  }

  /** All that are pending, the first at the beginning. */
  pending(): Promise<Pending[]> {
    return this.#lazily
      .selectFrom('kept_requests')
      .select(['id', 'request', 'needs'])
      .where('status', '=', 'pending')
      .orderBy('created_at')
      .orderBy('id')
      .execute();
  }

  /** What the ledger does not have about a coverage (`Coverage/<id>`): what is pending or was refused, newest first. */
  about(coverage: string): Promise<KeptRequest[]> {
    return this.#lazily
      .selectFrom('kept_requests')
      .selectAll()
      .where('coverage', '=', coverage)
      .where('status', '!=', 'done')
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(MOST_ABOUT)
      .execute();
  }

  /** Notes whose endorsement was lacking. */
  async tried(id: string, waitsFor: readonly string[]): Promise<void> {
    const waits_for = waitsFor.join(',');
    await this.#lazily.updateTable('kept_requests').set({ waits_for }).where('id', '=', id).execute();
  }

  /** Ends a pending one. What was refused can be inquired, so that what it asked stays until it is pruned. */
  async end(id: string, ending: RequestEnding): Promise<void> {
    const ended = { ...ending, waits_for: null, ended_at: new Date().toISOString() };
    await this.#db
      .updateTable('kept_requests')
      .set(ending.status === 'done' ? { ...ended, draft: null } : ended)
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .execute();
  }

  /** Nothing of it is left to do, and who asked is told so. */
  async forget(id: string): Promise<void> {
    await this.#db.deleteFrom('kept_requests').where('id', '=', id).execute();
  }

  /** Forgets what ended more than so many hours ago. */
  async prune(hours: number): Promise<void> {
    const before = new Date(Date.now() - hours * 3_600_000).toISOString();
    await this.#lazily.deleteFrom('kept_requests').where('ended_at', '<', before).execute();
  }
}

const MOST_ABOUT = 100;
