/** What a regulator counts: how often something was done, never of whom. Counts need no content, and read none. */
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';

/** Beyond a page, so that its last block is whole: more than a block holds. */
const MOST_IN_BLOCK = 600;

export interface ReviewCount {
  /** Of the licence by which the glass was broken. */
  licence: string;
  status: string;
  number: number;
}

export interface TransactionCount {
  /** Name of the event of the ledger; null for what has none. */
  event: string | null;
  /** Fabric's TxValidationCode; 0 is valid. */
  code: number;
  number: number;
}

/** A transaction as every member sees it. */
export interface SeenTransaction {
  id: string;
  block: number;
  position: number;
  time: string;
  event?: string;
  code: number;
  /** MSP ids. */
  creator: string;
  endorsers: string[];
}

export class Counts {
  readonly #db: Kysely<IndexTables>;

  constructor(db: Kysely<IndexTables>) {
    this.#db = db;
  }

  /** Reviews of emergencies by licence and status. */
  async reviews(): Promise<ReviewCount[]> {
    const rows = await this.#db
      .selectFrom('states')
      .select(['about', 'status', (select) => select.fn.countAll<number>().as('number')])
      .where('kind', '=', 'review')
      .groupBy(['about', 'status'])
      .execute();
    return rows.map(({ about, status, number }) => ({ licence: about ?? '', status, number: Number(number) }));
  }

  /** When the review was opened that is open longest, ISO 8601 UTC; undefined where none is open. */
  async openSince(): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('states')
      .select((select) => select.fn.min('last_updated').as('since'))
      .where('kind', '=', 'review')
      .where('status', '=', 'open')
      .executeTakeFirst();
    return row?.since ?? undefined;
  }

  /** Transactions from a time on. @param since ISO 8601 UTC */
  async transactions(since: string): Promise<TransactionCount[]> {
    const rows = await this.#db
      .selectFrom('transactions')
      .select(['event', 'code', (select) => select.fn.countAll<number>().as('number')])
      .where('time', '>=', since)
      .groupBy(['event', 'code'])
      .execute();
    return rows.map(({ event, code, number }) => ({ event, code, number: Number(number) }));
  }

  /** Whole blocks of transactions, the newest first, about `count` of them. @param before blocks with lower numbers alone */
  async newest(count: number, before?: number): Promise<{ transactions: SeenTransaction[]; next?: number }> {
    const rows = await this.#db
      .selectFrom('transactions')
      .selectAll()
      .$if(before !== undefined, (query) => query.where('block', '<', before!))
      .orderBy('block', 'desc')
      .orderBy('position', 'desc')
      .limit(count + MOST_IN_BLOCK)
      .execute();
    const last = rows[count - 1]?.block;
    const whole = last === undefined ? rows : rows.filter(({ block }) => block >= last);
    const transactions = whole.map(
      ({ transaction_id: id, block, position, time, event, code, creator, endorsers }) => ({
        ...{ id, block, position, time, code, creator },
        ...(event === null ? {} : { event }),
        endorsers: endorsers.split(',').filter((one) => one !== ''),
      }),
    );
    return last === undefined || whole.length === rows.length ? { transactions } : { transactions, next: last };
  }
}
