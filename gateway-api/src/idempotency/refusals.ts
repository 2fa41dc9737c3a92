/**
 * Refusals of requests for access: what each rests on, from the moment at which that is known until the holder has been told.
 * Until then only this gateway knows it: neither who asked nor who endorses a refusal is told. Kept apart from the read model,
 * as the journal is: the ledger cannot give it back.
 */
import type { Kysely, Selectable } from 'kysely';
import type { JournalTables, RefusalsTable } from '../index/schema.ts';
import { Gathered } from './gathered.ts';

export type Refusal = Selectable<RefusalsTable>;
export type NewRefusal = Omit<Refusal, 'status' | 'created_at'>;

/** Rows in one statement. */
const ROWS = 100;

export class RefusalJournal {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;
  readonly #gathered = new Gathered<NewRefusal>((refusals) => this.#store(refusals));

  /** `db` waits for the disk; `lazily`, a second connection to the same journal, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>) {
    this.#db = db;
    this.#lazily = lazily;
  }

  /** It is on the disk when this is done. One that an access has already stays as it is. */
  add(refusal: NewRefusal): Promise<void> {
    return this.#gathered.add(refusal);
  }

  find(access: string): Promise<Refusal | undefined> {
    return this.#lazily.selectFrom('refusals').selectAll().where('access', '=', access).executeTakeFirst();
  }

  /** Those that are to be sent by now, in the order in which they are. @param now ISO 8601 UTC */
  async due(now: string, { count, after }: { count: number; after?: string | undefined }): Promise<Due[]> {
    const [time = '', access = ''] = after?.split(' ') ?? [];
    const rows = await this.#lazily
      .selectFrom('refusals')
      .selectAll()
      .where('status', '=', 'open')
      .where('due_at', '<=', now)
      .where('due_at', '>=', time)
      .where((where) => where.or([where('due_at', '>', time), where('access', '>', access)]))
      .orderBy('due_at')
      .orderBy('access')
      .limit(count)
      .execute();
    return rows.map((row) => ({ ...row, next: `${row.due_at} ${row.access}` }));
  }

  /** When the next of them is to be sent; milliseconds since 1970. */
  async nextDue(): Promise<number | undefined> {
    const row = await this.#lazily
      .selectFrom('refusals')
      .select('due_at')
      .where('status', '=', 'open')
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst();
    return row && Date.parse(row.due_at);
  }

  /** The ledger has it; the holder is still to be told. */
  async sent(access: string): Promise<void> {
    await this.#lazily.updateTable('refusals').set({ status: 'sent' }).where('access', '=', access).execute();
  }

  /** The holder has been told, or nothing came of it. */
  async forget(access: string): Promise<void> {
    await this.#lazily.deleteFrom('refusals').where('access', '=', access).execute();
  }

  async #store(refusals: readonly NewRefusal[]): Promise<void> {
    const created_at = new Date().toISOString();
    const rows = refusals.map((refusal) => ({ ...refusal, status: 'open' as const, created_at }));
    await this.#db.transaction().execute(async (db) => {
      for (let start = 0; start < rows.length; start += ROWS) {
        await db
          .insertInto('refusals')
          .values(rows.slice(start, start + ROWS))
          .onConflict((conflict) => conflict.column('access').doNothing())
          .execute();
      }
    });
  }
}

type Due = Refusal & { next: string };
