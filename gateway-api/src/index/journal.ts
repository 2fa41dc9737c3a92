/**
 * What this gateway promised under an Idempotency-Key: the request's hash, the signed transaction before it is
 * submitted, and what to answer from. Kept apart from the read model: the ledger cannot give it back.
 */
import type { Kysely, Selectable } from 'kysely';
import type { Idempotency } from '../fhir/repository.ts';
import type { IdempotencyTable, JournalTables } from './schema.ts';

export type Entry = Selectable<IdempotencyTable>;

export class Journal {
  readonly #db: Kysely<JournalTables>;

  constructor(db: Kysely<JournalTables>) {
    this.#db = db;
  }

  /** False where the key is taken already. */
  async begin(caller: string, { key, requestHash, answer }: Idempotency): Promise<boolean> {
    const inserted = await this.#db
      .insertInto('idempotency')
      .values({
        caller,
        key,
        request_hash: requestHash,
        status: 'begun',
        transaction_id: null,
        envelope: null,
        sender: null,
        answer,
        created_at: new Date().toISOString(),
      })
      .onConflict((conflict) => conflict.columns(['caller', 'key']).doNothing())
      .executeTakeFirst();
    return inserted.numInsertedOrUpdatedRows === 1n;
  }

  async find(caller: string, key: string): Promise<Entry | undefined> {
    return this.#db
      .selectFrom('idempotency')
      .selectAll()
      .where('caller', '=', caller)
      .where('key', '=', key)
      .executeTakeFirst();
  }

  /** Call before the transaction is submitted. */
  async submitting(
    caller: string,
    key: string,
    transactionId: string,
    signed: Uint8Array,
    sender: unknown,
  ): Promise<void> {
    await this.#set(caller, key, {
      status: 'submitted',
      transaction_id: transactionId,
      envelope: signed,
      sender: JSON.stringify(sender),
    });
  }

  async committed(caller: string, key: string): Promise<void> {
    await this.#set(caller, key, { status: 'committed', envelope: null });
  }

  async #set(caller: string, key: string, values: Partial<IdempotencyTable>): Promise<void> {
    await this.#db.updateTable('idempotency').set(values).where('caller', '=', caller).where('key', '=', key).execute();
  }

  /** The key is free again: nothing was written under it. */
  async forget(caller: string, key: string): Promise<void> {
    await this.#db.deleteFrom('idempotency').where('caller', '=', caller).where('key', '=', key).execute();
  }

  /** Forgets what is older than so many hours. */
  async prune(hours: number): Promise<void> {
    const before = new Date(Date.now() - hours * 3_600_000).toISOString();
    await this.#db.deleteFrom('idempotency').where('created_at', '<', before).execute();
  }
}
