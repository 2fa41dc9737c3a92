/**
 * What patients want and the ledger has not taken yet. A wish is stored before anything of it is sent, so that nothing that
 * is lacking, and no end of this process, loses it; its text is forgotten when it has ended. Kept apart from the read
 * model, as the journal is: the ledger cannot give it back.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { JournalTables, PendingWishesTable } from '../index/schema.ts';
import { Turns } from './turns.ts';

export type Wish = Selectable<PendingWishesTable>;
export type NewWish = Pick<
  Wish,
  'id' | 'kind' | 'patient' | 'consent' | 'provider' | 'draft' | 'caller' | 'key' | 'promised'
>;

/** How a wish ended. */
export interface Ending {
  status: 'done' | 'refused' | 'superseded';
  version?: number;
  transactionId?: string;
  /** A code, never a fact. */
  reason?: string;
}

export interface WishPage {
  count: number;
  /** `sequence` of the last one of the page before. */
  after?: number | undefined;
}

const LAST = 'last sequence';

export class WishJournal {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;
  readonly #turns = new Turns();

  /** `db` waits for the disk; `lazily`, a second connection to the same journal, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>) {
    this.#db = db;
    this.#lazily = lazily;
  }

  /** It is on the disk, behind all before it, when this is done. */
  add(wish: NewWish): Promise<void> {
    const open = { status: 'pending', waits_for: null, reason: null, version: null, transaction_id: null } as const;
    const times = { created_at: new Date().toISOString(), ended_at: null };
    const sequence = sql<number>`(select coalesce(max(sequence), 0) + 1 from pending_wishes)`;
    return this.#turns.hold([LAST], async () => {
      await this.#db
        .insertInto('pending_wishes')
        .values({ ...wish, ...open, ...times, sequence })
        .execute();
    });
  }

  find(id: string): Promise<Wish | undefined> {
    return this.#lazily.selectFrom('pending_wishes').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** The pending wish of a request that comes again. */
  under(caller: string, key: string): Promise<Wish | undefined> {
    return this.#lazily
      .selectFrom('pending_wishes')
      .selectAll()
      .where('caller', '=', caller)
      .where('key', '=', key)
      .where('status', '=', 'pending')
      .executeTakeFirst();
  }

  /** A patient's pending wishes, the first at the beginning. */
  pendingOf(patient: string): Promise<Wish[]> {
    return this.#lazily
      .selectFrom('pending_wishes')
      .selectAll()
      .where('patient', '=', patient)
      .where('status', '=', 'pending')
      .orderBy('sequence')
      .execute();
  }

  /** What is next: every revocation, and the first of each patient's other pending wishes. In their order. */
  async next({ count, after = 0 }: WishPage): Promise<Wish[]> {
    const firsts = this.#lazily
      .selectFrom('pending_wishes')
      .select(({ fn }) => fn.min('sequence').as('sequence'))
      .where('status', '=', 'pending')
      .where('kind', '!=', 'revoke')
      .groupBy('patient');
    return this.#lazily
      .selectFrom('pending_wishes')
      .selectAll()
      .where('status', '=', 'pending')
      .where((where) => where.or([where('kind', '=', 'revoke'), where('sequence', 'in', firsts)]))
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(count)
      .execute();
  }

  /** Those of one patient, or of all, oldest first. */
  page(patient: string | undefined, { count, after = 0 }: WishPage): Promise<Wish[]> {
    let query = this.#lazily
      .selectFrom('pending_wishes')
      .selectAll()
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(count);
    if (patient !== undefined) query = query.where('patient', '=', patient);
    return query.execute();
  }

  async count(): Promise<number> {
    const { wishes } = await this.#lazily
      .selectFrom('pending_wishes')
      .select(({ fn }) => fn.countAll<number>().as('wishes'))
      .where('status', '=', 'pending')
      .executeTakeFirstOrThrow();
    return Number(wishes);
  }

  /** Notes whose endorsement was lacking. */
  async tried(id: string, waitsFor: readonly string[]): Promise<void> {
    const waits_for = waitsFor.join(',');
    await this.#lazily.updateTable('pending_wishes').set({ waits_for }).where('id', '=', id).execute();
  }

  /** Ends a pending wish. One that has ended stays as it is, but that what was superseded may turn out to be done. */
  async end(id: string, { status, version, transactionId, reason }: Ending): Promise<void> {
    await this.#db
      .updateTable('pending_wishes')
      .set({
        ...{ status, version: version ?? null, transaction_id: transactionId ?? null, reason: reason ?? null },
        ...{ draft: null, promised: null, waits_for: null, ended_at: new Date().toISOString() },
      })
      .where('id', '=', id)
      .where('status', 'in', status === 'done' ? ['pending', 'superseded'] : ['pending'])
      .execute();
  }

  /** Nothing of it was written, and who asked is told so. */
  async forget(id: string): Promise<void> {
    await this.#db.deleteFrom('pending_wishes').where('id', '=', id).execute();
  }

  /** Forgets what ended more than so many hours ago. */
  async prune(hours: number): Promise<void> {
    const before = new Date(Date.now() - hours * 3_600_000).toISOString();
    await this.#lazily.deleteFrom('pending_wishes').where('ended_at', '<', before).execute();
  }
}
