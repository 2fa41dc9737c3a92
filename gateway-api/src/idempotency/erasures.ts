/**
 * Erasures that were asked for here, from the request until nothing is left to do about them: that nothing that is lacking,
 * and no end of this process, loses one. Then nothing of them is left here either.
 */
import type { Kysely, Selectable } from 'kysely';
import type { JournalTables, WantedErasuresTable } from '../index/schema.ts';

export type WantedErasure = Selectable<WantedErasuresTable>;

export class ErasureJournal {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;

  /** `db` waits for the disk; `lazily`, a second connection to the same journal, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>) {
    this.#db = db;
    this.#lazily = lazily;
  }

  /** It is on the disk when this is done. One that was asked for before stays as it is. */
  async add(wanted: Omit<WantedErasure, 'marked' | 'waits_for' | 'created_at'>): Promise<void> {
    await this.#db
      .insertInto('wanted_erasures')
      .values({ ...wanted, marked: 0, waits_for: null, created_at: new Date().toISOString() })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }

  find(id: string): Promise<WantedErasure | undefined> {
    return this.#lazily.selectFrom('wanted_erasures').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** All of them, in the order of their ids. */
  async *all(): AsyncGenerator<WantedErasure> {
    for (let after = ''; ; ) {
      const page = await this.#lazily
        .selectFrom('wanted_erasures')
        .selectAll()
        .where('id', '>', after)
        .orderBy('id')
        .limit(PAGE)
        .execute();
      yield* page;
      after = page.at(-1)?.id ?? after;
      if (page.length < PAGE) return;
    }
  }

  /** How many the ledger has not marked yet. */
  async count(): Promise<number> {
    const { wanted } = await this.#lazily
      .selectFrom('wanted_erasures')
      .select(({ fn }) => fn.countAll<number>().as('wanted'))
      .where('marked', '=', 0)
      .executeTakeFirstOrThrow();
    return Number(wanted);
  }

  /** Notes whose endorsement was lacking. */
  async tried(id: string, waitsFor: readonly string[]): Promise<void> {
    const waits_for = waitsFor.join(',');
    await this.#lazily.updateTable('wanted_erasures').set({ waits_for }).where('id', '=', id).execute();
  }

  /** The ledger has it. */
  async marked(id: string): Promise<void> {
    await this.#db.updateTable('wanted_erasures').set({ marked: 1, waits_for: null }).where('id', '=', id).execute();
  }

  async forget(id: string): Promise<void> {
    await this.#db.deleteFrom('wanted_erasures').where('id', '=', id).execute();
  }
}

const PAGE = 100;
