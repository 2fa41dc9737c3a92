/**
 * Idempotency-Key: a write under a key happens once, whatever the client, the network or this process does between
 * the request and its answer. The signed transaction is stored before it is submitted, and its outcome is resolved
 * with those same bytes.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Caller, Idempotency, IdempotentRequest, Receipt, Replay } from '../fhir/repository.ts';
import { Failure, unavailable } from '../http/failures.ts';
import { type ReadModel, receiptOf } from '../index/read/queries.ts';
import type { BeforeSubmit, LedgerClient, Sender } from '../ledger/client.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import { senderOf } from '../ledger/sender.ts';
import type { Entry, Journal } from './journal.ts';

const VALID = 0;
const STATUS_UNKNOWN = 504;

export class IdempotentWrites {
  readonly #journal: Journal;
  readonly #index: ReadModel;
  readonly #ledger: LedgerClient;
  /** Keys whose write is under way in this process. */
  readonly #busy = new Set<string>();

  constructor(journal: Journal, index: ReadModel, ledger: LedgerClient) {
    this.#journal = journal;
    this.#index = index;
    this.#ledger = ledger;
  }

  /** Runs a write, under a key where there is one. @throws {Failure} 409 while the same key is under way. */
  async run(
    caller: Caller,
    idempotency: Idempotency | undefined,
    submit: (beforeSubmit: BeforeSubmit | undefined) => Promise<Outcome>,
  ): Promise<Receipt> {
    if (idempotency === undefined) return receipt(await submit(undefined));
    const { key } = idempotency;
    const { subject } = caller;
    const name = nameOf(subject, key);
    if (this.#busy.has(name)) throw underWay();
    this.#busy.add(name);
    try {
      const sender = senderOf(caller);
      const outcome = await submit((transactionId, signed) =>
        this.#journal.submitting({ ...idempotency, caller: subject, transactionId, signed, sender }),
      );
      // Failing to tidy up is no failure of the write.
      await this.#journal.committed(subject, key).catch(() => {});
      return receipt(outcome);
    } catch (error) {
      // An unknown outcome keeps the key and the bytes: the next request under it resolves them.
      const unknown = error instanceof Failure && error.status === STATUS_UNKNOWN;
      // Nor may a journal that fails hide why the write did.
      if (!unknown) await this.#journal.forget(subject, key).catch(() => {});
      throw error;
    } finally {
      this.#busy.delete(name);
    }
  }

  /** See Repository.replay. */
  async replay(caller: Caller, { key, requestHash }: IdempotentRequest): Promise<Replay | undefined> {
    const entry = await this.#journal.find(caller.subject, key);
    if (entry === undefined) return undefined;
    if (entry.request_hash !== requestHash) {
      throw new LedgerError('INVALID', 'this key was used with another request', 'Idempotency-Key');
    }
    if (this.#busy.has(nameOf(caller.subject, key))) throw underWay();
    const found = await this.#resolve(entry);
    if (found !== undefined) return { receipt: found, answer: entry.answer };
    await this.#journal.forget(caller.subject, key);
    return undefined;
  }

  /** What an entry's transaction came to; undefined where nothing was written. */
  async #resolve(entry: Entry): Promise<Receipt | undefined> {
    const known = await this.#index.transaction(entry.transaction_id);
    if (known !== undefined) return known.code === VALID ? receiptOf(known) : undefined;
    if (entry.envelope === null) throw unavailable('The read model is still catching up.');
    const name = nameOf(entry.caller, entry.key);
    this.#busy.add(name);
    try {
      const outcome = await this.#ledger.resolve(entry.envelope, JSON.parse(entry.sender) as Sender);
      if (outcome.code !== VALID) return undefined;
      await this.#journal.committed(entry.caller, entry.key).catch(() => {});
      return receipt(outcome);
    } finally {
      this.#busy.delete(name);
    }
  }
}

const nameOf = (caller: string, key: string): string => `${caller}\n${key}`;

const underWay = (): Failure =>
  new Failure(409, 'conflict', 'A request under this key is under way.', {
    headers: { 'Retry-After': '1' },
    expression: 'Idempotency-Key',
  });

export const receipt = ({ transactionId, block, endorsers, time }: Outcome): Receipt => ({
  transactionId,
  block,
  endorsers,
  time,
});
