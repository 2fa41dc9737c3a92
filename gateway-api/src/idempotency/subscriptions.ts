/** Subscriptions, on the disk: a gateway that ends goes on telling what happened meanwhile. */
import type { Kysely, Selectable } from 'kysely';
import type { JournalTables } from '../index/schema.ts';
import type { SubscriptionEventsTable, SubscriptionsTable } from '../index/subscriptions-table.ts';

export type Subscription = Selectable<SubscriptionsTable>;
export type SubscriptionEvent = Selectable<SubscriptionEventsTable>;

/** Of one owner, and of all that are to be told. */
const MOST = 1_000;
/** Events of one that are kept once its endpoint has them: they can be asked for again. */
const KEPT_EVENTS = 1_000;

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

  /** Numbers what a subscription is to be told, which is all up to a block. */
  async collect(id: string, found: readonly Pick<SubscriptionEvent, 'type' | 'id'>[], upTo: number): Promise<void> {
    const at = new Date().toISOString();
    await this.#db.transaction().execute(async (db) => {
      const row = await db.selectFrom('subscriptions').select('events').where('id', '=', id).executeTakeFirst();
      if (row === undefined) return;
      const events = Number(row.events);
      for (const [index, { type, id: record }] of found.entries())
        await db
          .insertInto('subscription_events')
          .values({ subscription: id, number: events + 1 + index, type, id: record, at })
          .execute();
      const change = { events: events + found.length, told: upTo };
      await db.updateTable('subscriptions').set(change).where('id', '=', id).execute();
    });
  }

  /** Events from a number on, the first at the beginning. */
  events(id: string, from: number, count: number): Promise<SubscriptionEvent[]> {
    return this.#db
      .selectFrom('subscription_events')
      .selectAll()
      .where('subscription', '=', id)
      .where('number', '>=', from)
      .orderBy('number')
      .limit(count)
      .execute();
  }

  /** Its endpoint has taken all up to a number. */
  async took(id: string, sent: number, at: string): Promise<void> {
    await this.#db.updateTable('subscriptions').set({ sent, sent_at: at }).where('id', '=', id).execute();
    await this.#db
      .deleteFrom('subscription_events')
      .where('subscription', '=', id)
      .where('number', '<=', sent - KEPT_EVENTS)
      .execute();
  }
}
