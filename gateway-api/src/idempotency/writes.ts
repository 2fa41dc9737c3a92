/**
 * The one rule of every write: under one Idempotency-Key it happens once, whatever the client, the network or this
 * process does between the request and its answer. Requests under one key come one after the other; the signed
 * transaction is stored before it is submitted; what is stored is resolved with the same bytes and answered again.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Caller } from '../auth/caller.ts';
import { unavailable } from '../http/failures.ts';
import type { BeforeSubmit, Sender } from '../ledger/client.ts';
import { type Outcome, withFinalIds } from '../ledger/outcomes.ts';
import { senderOf } from '../ledger/sender.ts';
import type { Entry, Journal, Submission } from './journal.ts';
import type { IdempotentRequest } from './request.ts';
import { Turns } from './turns.ts';

const VALID = 0;
const STATUS_UNKNOWN = 504;
/** Kept, to be done later: what is stored under the key then is stored by who does it. */
const STATUS_ACCEPTED = 202;

/** What is stored under a key, but for the transaction that it is answered from. */
export type Promised = Omit<Submission, 'transactionId' | 'signed'>;

/** In whose name a transaction is sent, and what stores it before it is submitted. */
export interface Sending {
  as: Sender;
  /** Whose turn it takes: the subject of the caller's token. */
  client?: string;
  beforeSubmit?: BeforeSubmit | undefined;
  /** What `beforeSubmit` stores, for a write that may be done later. */
  promised?: Promised | undefined;
}

/** A write that is ready to be submitted. */
export interface Work<A, O extends Outcome = Outcome> {
  /** What the request is answered from when it comes again, as JSON: types, ids and versions, no content. */
  answer: A;
  submit: (sending: Sending) => Promise<O>;
}

/** A committed write: whatever is read for its answer is read by `afterCommit` alone. */
export interface Written<A, O extends Outcome = Outcome> {
  outcome: Outcome;
  /** Of the first request under the key. */
  answer: A;
  /** What this request submitted; undefined where an earlier one wrote. */
  submitted: O | undefined;
}

export interface IdempotentWritesOptions {
  journal: Pick<Journal, 'submitting' | 'find' | 'settled' | 'forget'>;
  /** How a transaction ended, where the read model knows it. */
  outcomeOf: (transactionId: string) => Promise<Outcome | undefined>;
  /** Submits the same bytes again and answers how they ended. */
  resolve: (signed: Uint8Array, as: Sender) => Promise<Outcome>;
}

export class IdempotentWrites {
  readonly #options: IdempotentWritesOptions;
  readonly #turns = new Turns();
  /** Outcomes that are being asked for, by transaction id. */
  readonly #resolving = new Map<string, Promise<Outcome>>();

  constructor(options: IdempotentWritesOptions) {
    this.#options = options;
  }

  /**
   * Writes what `prepare` returns, or answers what an earlier request under the key wrote. `prepare` runs when nothing
   * was written under the key, and returns undefined where nothing is to be written: then so does this. `locks` are
   * held with the key's turn from before `prepare` until the commit.
   * @throws {LedgerError} INVALID where the key came with another request. @throws {Failure} 503, 504
   */
  write<A, O extends Outcome>(
    caller: Caller,
    request: IdempotentRequest | undefined,
    prepare: () => Work<A, O> | Promise<Work<A, O>>,
  ): Promise<Written<A, O>>;
  write<A, O extends Outcome>(
    caller: Caller,
    request: IdempotentRequest | undefined,
    prepare: () => Promise<Work<A, O> | undefined>,
    locks?: readonly string[],
  ): Promise<Written<A, O> | undefined>;
  write<A, O extends Outcome>(
    caller: Caller,
    request: IdempotentRequest | undefined,
    prepare: () => Work<A, O> | Promise<Work<A, O> | undefined>,
    locks: readonly string[] = [],
  ): Promise<Written<A, O> | undefined> {
    return this.hold(caller, request, locks, async () => {
      const before = request && (await this.replay<A, O>(caller, request));
      if (before !== undefined) return before;
      const work = await prepare();
      if (work === undefined) return undefined;
      const submitted = await this.#submit(caller, request, work);
      const answer = JSON.parse(withFinalIds(JSON.stringify(work.answer), submitted.renamed)) as A;
      return { outcome: submitted, answer, submitted };
    });
  }

  /** Runs while nothing else runs under this key or one of these locks in this process. */
  hold<T>(
    { subject }: Caller,
    request: IdempotentRequest | undefined,
    locks: readonly string[],
    run: () => Promise<T>,
  ): Promise<T> {
    const own = request === undefined ? [] : [`idempotency ${subject} ${request.key}`];
    return this.#turns.hold([...own, ...locks], run);
  }

  /**
   * What an earlier request of this caller under the same key wrote; undefined where it wrote nothing. An outcome that
   * is not known is resolved first. Call it within `hold`. @throws as `write` does.
   */
  async replay<A, O extends Outcome = Outcome>(
    caller: Caller,
    { key, requestHash }: IdempotentRequest,
  ): Promise<Written<A, O> | undefined> {
    const { journal } = this.#options;
    const entry = await journal.find(caller.subject, key);
    if (entry === undefined) return undefined;
    if (entry.request_hash !== requestHash) {
      throw new LedgerError('INVALID', 'this key was used with another request', 'Idempotency-Key');
    }
    const outcome = await this.#outcomeOf(entry);
    if (outcome.code === VALID) return { outcome, answer: JSON.parse(entry.answer) as A, submitted: undefined };
    await journal.forget(caller.subject, key);
    return undefined;
  }

  /** Requests under several keys may ask for one transaction that they share: it is looked for, and sent again, once. */
  #outcomeOf(entry: Entry): Promise<Outcome> {
    const { transaction_id: transactionId } = entry;
    const known = this.#resolving.get(transactionId);
    if (known !== undefined) return known;
    const resolving = this.#resolve(entry).finally(() => this.#resolving.delete(transactionId));
    this.#resolving.set(transactionId, resolving);
    return resolving;
  }

  async #resolve({ transaction_id: transactionId, envelope, sender }: Entry): Promise<Outcome> {
    const { journal, outcomeOf, resolve } = this.#options;
    const known = await outcomeOf(transactionId);
    if (envelope === null) {
      if (known === undefined) throw unavailable('The read model is still catching up.');
      return known;
    }
    const outcome = known ?? (await resolve(envelope, JSON.parse(sender) as Sender));
    // An outcome that the read model does not hold yet is asked for again by the others who share it.
    if (known !== undefined || outcome.code === VALID) await journal.settled(transactionId).catch(() => {});
    return outcome;
  }

  async #submit<A, O extends Outcome>(
    caller: Caller,
    request: IdempotentRequest | undefined,
    { answer, submit }: Work<A, O>,
  ): Promise<O> {
    const as = senderOf(caller);
    const { subject } = caller;
    if (request === undefined) return submit({ as, client: subject, beforeSubmit: undefined });
    const { journal } = this.#options;
    const promised = { ...request, caller: subject, sender: as, answer: JSON.stringify(answer) };
    try {
      const outcome = await submit({
        as,
        client: subject,
        promised,
        beforeSubmit: (transactionId, signed, renamed) => {
          const answer = withFinalIds(promised.answer, renamed);
          return journal.submitting({ ...promised, answer, transactionId, signed });
        },
      });
      // Failing to tidy up is no failure of the write.
      await journal.settled(outcome.transactionId).catch(() => {});
      return outcome;
    } catch (error) {
      // An unknown outcome keeps the key and the bytes: the next request under it resolves them.
      const { status } = error as { status?: unknown };
      const isOpen = status === STATUS_UNKNOWN || status === STATUS_ACCEPTED;
      // Nor may a journal that fails hide why the write did.
      if (!isOpen) await journal.forget(subject, request.key).catch(() => {});
      throw error;
    }
  }
}
