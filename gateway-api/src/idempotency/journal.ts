/**
 * What this gateway promised under an Idempotency-Key: the request's hash, the signed transaction before it is
 * submitted, and what to answer from. Kept apart from the read model: the ledger cannot give it back.
 */
import type { Kysely, Selectable } from 'kysely';
import type { IdempotencyTable, JournalTables } from '../index/schema.ts';
import { Gathered } from './gathered.ts';
import type { IdempotentRequest } from './request.ts';

/** What was promised under a key. */
export interface Entry extends Omit<Selectable<IdempotencyTable>, 'created_at'> {
  /** The signed transaction; null once its outcome is in the read model. */
  envelope: Uint8Array | null;
}

/** What is stored before a transaction is submitted. */
export interface Submission extends IdempotentRequest {
  caller: string;
  /** What the request is answered from when it comes again: types, ids and versions as JSON, no content. */
  answer: string;
  transactionId: string;
  signed: Uint8Array;
  sender: unknown;
}

/** Rows in one statement: few enough for SQLite's limit of parameters. */
const ROWS = 100;

export class Journal {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;
  readonly #submissions = new Gathered<Submission>((submissions) => this.#store(submissions));
  readonly #settled = new Gathered<string>((transactionIds) => this.#tidy([...new Set(transactionIds)]));

  /** `db` waits for the disk; `lazily`, a second connection to the same file, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>) {
    this.#db = db;
    this.#lazily = lazily;
  }

  /**
   * Call before the transaction is submitted: it is on the disk when this is done. Writes that share a transaction store
   * it once, in one wait for the disk.
   */
  submitting(submission: Submission): Promise<void> {
    return this.#submissions.add(submission);
  }

  async find(caller: string, key: string): Promise<Entry | undefined> {
    return this.#db
      .selectFrom('idempotency')
      .leftJoin('envelopes', 'envelopes.transaction_id', 'idempotency.transaction_id')
      .select(['caller', 'key', 'request_hash', 'idempotency.transaction_id', 'sender', 'answer', 'envelope'])
      .where('caller', '=', caller)
      .where('key', '=', key)
      .executeTakeFirst();
  }

  /** The outcome is known: the bytes are not needed any more. */
  settled(transactionId: string): Promise<void> {
    return this.#settled.add(transactionId);
  }

  /** The key is free again: nothing was written under it. */
  async forget(caller: string, key: string): Promise<void> {
    await this.#lazily.deleteFrom('idempotency').where('caller', '=', caller).where('key', '=', key).execute();
  }

  /** Forgets what is older than so many hours. */
  async prune(hours: number): Promise<void> {
    const before = new Date(Date.now() - hours * 3_600_000).toISOString();
    await this.#lazily.deleteFrom('idempotency').where('created_at', '<', before).execute();
    await this.#lazily.deleteFrom('envelopes').where('created_at', '<', before).execute();
  }

  async #store(submissions: readonly Submission[]): Promise<void> {
    const created_at = new Date().toISOString();
    const envelopes = new Map(
      submissions.map(({ transactionId, signed }) => [
        transactionId,
        { transaction_id: transactionId, envelope: signed, created_at },
      ]),
    );
    const promises = new Map(
      submissions.map(({ caller, key, requestHash, transactionId, sender, answer }) => [
        `${caller}\n${key}`,
        {
          ...{ caller, key, answer, created_at, request_hash: requestHash, transaction_id: transactionId },
          sender: JSON.stringify(sender),
        },
      ]),
    );
    await this.#db.transaction().execute(async (db) => {
      for (const rows of pieces([...envelopes.values()])) {
        await db
          .insertInto('envelopes')
          .values(rows)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      for (const rows of pieces([...promises.values()])) {
        await db
          .insertInto('idempotency')
          .values(rows)
          .onConflict((conflict) =>
            conflict.columns(['caller', 'key']).doUpdateSet({
              request_hash: ({ ref }) => ref('excluded.request_hash'),
              transaction_id: ({ ref }) => ref('excluded.transaction_id'),
              sender: ({ ref }) => ref('excluded.sender'),
              answer: ({ ref }) => ref('excluded.answer'),
              created_at: ({ ref }) => ref('excluded.created_at'),
            }),
          )
          .execute();
      }
    });
  }

  async #tidy(transactionIds: readonly string[]): Promise<void> {
    for (const some of pieces(transactionIds)) {
      await this.#lazily.deleteFrom('envelopes').where('transaction_id', 'in', some).execute();
    }
  }
}

function* pieces<T>(rows: readonly T[]): Generator<T[]> {
  for (let start = 0; start < rows.length; start += ROWS) yield rows.slice(start, start + ROWS);
}
