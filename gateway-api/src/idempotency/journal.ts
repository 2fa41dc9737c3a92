/**
 * What this gateway promised under an Idempotency-Key: the request's hash, the signed transaction before it is
 * submitted, and what to answer from. Kept apart from the read model: the ledger cannot give it back.
 */
import type { Kysely, Selectable } from 'kysely';
import type { IdempotencyTable, JournalTables } from '../index/schema.ts';
import type { IdempotentRequest } from './request.ts';

export type Entry = Selectable<IdempotencyTable>;

/** What is stored before a transaction is submitted. */
export interface Submission extends IdempotentRequest {
  caller: string;
  /** What the request is answered from when it comes again: types, ids and versions as JSON, no content. */
  answer: string;
  transactionId: string;
  signed: Uint8Array;
  sender: unknown;
}

export class Journal {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;

  /** `db` waits for the disk; `lazily`, a second connection to the same file, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>) {
    this.#db = db;
    this.#lazily = lazily;
  }

  /** Call before the transaction is submitted: it is on the disk when this is done. */
  async submitting({ caller, key, requestHash, answer, transactionId, signed, sender }: Submission): Promise<void> {
    const values = {
      request_hash: requestHash,
      transaction_id: transactionId,
      envelope: signed,
      sender: JSON.stringify(sender),
      answer,
    };
    await this.#db
      .insertInto('idempotency')
      .values({ caller, key, ...values, created_at: new Date().toISOString() })
      .onConflict((conflict) => conflict.columns(['caller', 'key']).doUpdateSet(values))
      .execute();
  }

  async find(caller: string, key: string): Promise<Entry | undefined> {
    return this.#db
      .selectFrom('idempotency')
      .selectAll()
      .where('caller', '=', caller)
      .where('key', '=', key)
      .executeTakeFirst();
  }

  /** The outcome is in the read model: the bytes are not needed any more. */
  async committed(caller: string, key: string): Promise<void> {
    await this.#lazily
      .updateTable('idempotency')
      .set({ envelope: null })
      .where('caller', '=', caller)
      .where('key', '=', key)
      .execute();
  }

  /** The key is free again: nothing was written under it. */
  async forget(caller: string, key: string): Promise<void> {
    await this.#lazily.deleteFrom('idempotency').where('caller', '=', caller).where('key', '=', key).execute();
  }

  /** Forgets what is older than so many hours. */
  async prune(hours: number): Promise<void> {
    const before = new Date(Date.now() - hours * 3_600_000).toISOString();
    await this.#lazily.deleteFrom('idempotency').where('created_at', '<', before).execute();
  }
}
