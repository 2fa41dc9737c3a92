/**
 * Links that patients have made to a summary of their records: what is shared as the link's key encrypts it, never the key, and of
 * the link's address its hash alone. So nobody who has this journal can read a summary, nor open a link.
 */
import type { Kysely, Selectable } from 'kysely';
import type { HealthLinksTable } from '../index/health-links-table.ts';
import type { JournalTables } from '../index/schema.ts';

export type HealthLink = Selectable<HealthLinksTable>;

export class HealthLinkJournal {
  readonly #db: Kysely<JournalTables>;

  /** `db` waits for the disk. */
  constructor(db: Kysely<JournalTables>) {
    this.#db = db;
  }

  async add(link: HealthLink): Promise<void> {
    await this.#db.insertInto('health_links').values(link).execute();
  }

  find(by: { id: string } | { token_hash: string }): Promise<HealthLink | undefined> {
    return this.#db
      .selectFrom('health_links')
      .selectAll()
      .where((where) => where.and(by))
      .executeTakeFirst();
  }

  /** Of one patient, newest first. */
  of(patient: string): Promise<HealthLink[]> {
    const query = this.#db.selectFrom('health_links').selectAll().where('patient', '=', patient);
    return query.orderBy('created_at', 'desc').orderBy('id').limit(MOST).execute();
  }

  /** Takes one try at the passcode; how many are left, undefined where there was none. */
  async tried(id: string): Promise<number | undefined> {
    const row = await this.#db
      .updateTable('health_links')
      .set((set) => ({ attempts: set('attempts', '-', 1) }))
      .where('id', '=', id)
      .where('attempts', '>', 0)
      .returning('attempts')
      .executeTakeFirst();
    return row && Number(row.attempts);
  }

  /** It was shown; a try that was right is given back. */
  async shown(id: string, triesBack: 0 | 1): Promise<void> {
    await this.#db
      .updateTable('health_links')
      .set((set) => ({ fetches: set('fetches', '+', 1), attempts: set('attempts', '+', triesBack) }))
      .where('id', '=', id)
      .execute();
  }

  /** Nobody is shown it any more; what was shared is removed. Of those that have ended already nothing is changed. */
  async end(which: { id: string } | { patient: string }, at: string): Promise<void> {
    await this.#db
      .updateTable('health_links')
      .set({ ended_at: at, file: '' })
      .where((where) => where.and(which))
      .where('ended_at', 'is', null)
      .execute();
  }

  /** Removes what was shared by those whose time is over. */
  async expire(now: string): Promise<void> {
    const files = this.#db.updateTable('health_links').set({ file: '' });
    await files.where('expires_at', '<=', now).where('file', '!=', '').execute();
  }
}

const MOST = 500;
