/** Subscriptions, on the disk: a gateway that ends goes on telling what happened meanwhile. */
import type { Kysely, Selectable } from 'kysely';
import type { JournalTables } from '../index/schema.ts';
import type { SubscriptionsTable } from '../index/subscriptions-table.ts';

export type Subscription = Selectable<SubscriptionsTable>;

/** Of one owner, and of all that are to be told. */
const MOST = 1_000;

export class SubscriptionJournal {
  readonly #db: Kysely<JournalTables>;

  /** `db` waits for the disk. */
  constructor(db: Kysely<JournalTables>) {
    this.#db = db;
  }

  async add(row: Subscription): Promise<void> {
    await this.#db.insertInto('subscriptions').values(row).execute();
  }

  find(id: string): Promise<Subscription | undefined> {
    return this.#db.selectFrom('subscriptions').selectAll().where('id', '=', id).executeTakeFirst();
  }

  of(owners: readonly string[]): Promise<Subscription[]> {
    const query = this.#db
      .selectFrom('subscriptions')
      .selectAll()
      .where('owner', 'in', [...owners]);
    return query.orderBy('updated_at', 'desc').orderBy('id').limit(MOST).execute();
  }

  /** Those that are to be told something, or tried for the first time. */
  live(): Promise<Subscription[]> {
    const query = this.#db.selectFrom('subscriptions').selectAll().where('status', 'in', ['requested', 'active']);
    return query.orderBy('id').limit(MOST).execute();
  }

  /** Where it is still of that version: what its owner has changed meanwhile stays as it is. */
  async change(id: string, version: number, change: Partial<Omit<Subscription, 'id'>>): Promise<void> {
    await this.#db
      .updateTable('subscriptions')
      .set(change)
      .where('id', '=', id)
      .where('version', '=', version)
      .execute();
  }
}
