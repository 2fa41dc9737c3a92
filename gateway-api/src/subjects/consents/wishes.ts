/**
 * A patient's wish about a consent, from the request to the ledger. What lacks an endorser is kept, answered with 202 and
 * the address of its status, and sent again by a duty, each patient's wishes in their order. A revocation waits for none
 * of them; and where a new version only takes away, the old one is withdrawn before its provider agrees to the new one.
 */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import { type Consortium, organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import { throttled } from '../../http/failures.ts';
import type { Journal } from '../../idempotency/journal.ts';
import { Turns } from '../../idempotency/turns.ts';
import type { Wish, WishJournal } from '../../idempotency/wishes.ts';
import type { Promised, Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { SYSTEM } from '../../ledger/sender.ts';
import { loggable } from '../../operations/log.ts';
import { Kept } from './kept.ts';
import { committed, inForce, narrowed, type Prepared, prepared, withdraw } from './transactions.ts';
import { ended, endingOf, lackingIn, type Try, within } from './tries.ts';

/** What is asked for; without a draft it is the end of the consent. */
export interface Wanted extends Pick<Wish, 'kind' | 'consent' | 'patient' | 'provider'> {
  draft?: Draft;
}

export interface WishesOptions {
  index: ReadModel;
  ledger: LedgerClient;
  consortium: Consortium;
  journal: Pick<Journal, 'submitting' | 'settled'>;
  wishes: WishJournal;
  log: Logger;
}

/** How long a write that is under way is waited for by the next one of the same patient. */
const PATIENCE_MS = 3_000;
/** How long whoever narrows a consent waits for the new version, once the old one is withdrawn: that is what mattered. */
const WITHDRAWN_PATIENCE_MS = 500;
/** Of one patient, pending at the same time. */
const MOST = 50;
const PAGE = 100;

export class Wishes {
  readonly #options: WishesOptions;
  readonly #wishes: WishJournal;
  readonly #turns = new Turns();
  /** Ids of wishes that are being sent: by the request that brought them, or by the duty. */
  readonly #inHand = new Set<string>();
  /** First tries under way, by patient. */
  readonly #trying = new Map<string, Promise<Try>>();
  #pending = 0;

  constructor(options: WishesOptions) {
    this.#options = options;
    this.#wishes = options.wishes;
  }

  /** How many are pending, as of the last look. */
  get pending(): number {
    return this.#pending;
  }

  find(id: string): Promise<Wish | undefined> {
    return this.#wishes.find(id);
  }

  page(...listing: Parameters<WishJournal['page']>): Promise<Wish[]> {
    return this.#wishes.page(...listing);
  }

  /**
   * Sends what is asked for, and answers when it is committed.
   * @throws {Kept} where it lacks an endorser. @throws {LedgerError} what the ledger refuses: then nothing is written
   */
  async write(wanted: Wanted, sending: Sending): Promise<Outcome> {
    const earlier = sending.promised && (await this.#under(sending.promised));
    if (earlier !== undefined) throw await this.#kept(earlier.id);
    const { draft } = wanted;
    if (draft === undefined) return this.#revoke(wanted, sending);
    // One that the ledger is about to answer is waited for; behind one that hangs this one is kept.
    const before = this.#trying.get(wanted.patient);
    if (before !== undefined) await within(before, PATIENCE_MS);
    const place = await this.#turns.hold([wanted.patient], () => this.#placed({ ...wanted, draft }, sending));
    return place.sent();
  }

  /** What the duty has to send now: the first of each patient, and every revocation. */
  async *due(): AsyncGenerator<Wish> {
    this.#pending = await this.#wishes.count();
    for (let after = 0, isMore = true; isMore; ) {
      const page = await this.#wishes.next({ count: PAGE, after });
      for (const wish of page) if (!this.#inHand.has(wish.id)) yield wish;
      after = page.at(-1)?.sequence ?? after;
      isMore = page.length === PAGE;
    }
  }

  /** Sends a kept wish, and then the patient's others in their order. @throws what one of them lacks still */
  async send({ id, kind, patient }: Wish): Promise<void> {
    const sent = new Set<string>();
    for (let next: string | undefined = id; next !== undefined && !sent.has(next); ) {
      sent.add(next);
      await this.#inTurn(next, (wish) => this.#sendKept(wish));
      next = kind === 'revoke' ? undefined : (await this.#waiting(patient))[0]?.id;
    }
  }

  /** The pending wish of an earlier request under a key. */
  async #under({ caller, key, requestHash }: Promised): Promise<Wish | undefined> {
    const wish = await this.#wishes.under(caller, key);
    if (wish === undefined || promisedOf(wish)?.requestHash === requestHash) return wish;
    throw new LedgerError('INVALID', 'this key was used with another request', 'Idempotency-Key');
  }

  /** The patient's pending wishes but for revocations, which wait for nothing. */
  async #waiting(patient: string): Promise<Wish[]> {
    return (await this.#wishes.pendingOf(patient)).filter(({ kind }) => kind !== 'revoke');
  }

  /** Waits for no other wish, and ends what is pending about the consent: it is the last word. */
  async #revoke(wanted: Wanted, sending: Sending): Promise<Outcome> {
    const ready = await prepared(this.#options, wanted, undefined);
    const id = await this.#take(wanted, sending);
    const superseded = this.#supersedeAbout(wanted, id);
    await superseded.catch((error: unknown) => this.#warn(id, error, 'what it ends is still listed'));
    return this.#first({ id, wanted, ready, sending });
  }

  /** Takes its place: it is sent where nothing of the patient's is pending, and else kept behind what is. */
  async #placed(wanted: Wanted & { draft: Draft }, sending: Sending): Promise<{ sent(): Promise<Outcome> }> {
    const { patient, consent, draft } = wanted;
    const pending = await this.#wishes.pendingOf(patient);
    if (pending.some((wish) => wish.kind === 'revoke' && wish.consent === consent))
      throw new LedgerError('CONFLICT', 'the end of this consent is pending');
    if (pending.length >= MOST) throw throttled('Too many wishes of this patient are pending.');
    const old = await narrowed(this.#options, wanted, draft);
    const ready = await prepared(this.#options, wanted, draft);
    const isFirst = pending.every(({ kind }) => kind === 'revoke');
    if (isFirst && ready.version !== draft.version) throw new LedgerError('CONFLICT', 'this is not the next version');
    const id = await this.#take(wanted, sending);
    if (!isFirst) return { sent: () => this.#behind(id, wanted, old) };
    const outcome = this.#first({ id, wanted, ready, sending, old });
    const trying = ended(outcome).finally(() => {
      if (this.#trying.get(patient) === trying) this.#trying.delete(patient);
    });
    this.#trying.set(patient, trying);
    return { sent: () => outcome };
  }

  /** Of one consent the last word counts, and what it takes away is taken away at once. */
  async #behind(id: string, wanted: Wanted, old: number | undefined): Promise<never> {
    try {
      await this.#supersedeAbout(wanted, id);
      throw await this.#kept(id, old === undefined ? undefined : await this.#withdrawn(id, wanted, old));
    } finally {
      this.#inHand.delete(id);
    }
  }

  /** Ends what is pending about a consent. What is on its way to the ledger just now may yet be done. */
  async #supersedeAbout({ patient, consent }: Wanted, by: string): Promise<void> {
    const over = (await this.#waiting(patient)).filter((wish) => wish.consent === consent && wish.id !== by);
    for (const { id } of over) await this.#wishes.end(id, { status: 'superseded' });
  }

  /** Stores a wish before anything of it is sent, and answers its id. */
  async #take({ draft, ...wanted }: Wanted, { promised }: Sending): Promise<string> {
    const id = randomUUID();
    const { caller = null, key = null } = promised ?? {};
    const texts = { draft: textOf(draft), promised: textOf(promised) };
    this.#inHand.add(id);
    try {
      await this.#wishes.add({ id, ...wanted, ...texts, caller, key });
      return id;
    } catch (error) {
      this.#inHand.delete(id);
      throw error;
    }
  }

  /** The first try, by the request itself: it waits for the ledger, and not for a provider that narrows a consent. */
  async #first({ id, wanted, ready, sending, old }: FirstTry): Promise<Outcome> {
    const { client, promised } = sending;
    const turn = client === undefined ? {} : { client };
    const sent = ended(ready.send({ ...turn, ...this.#storing(promised, ready.version) }));
    let end = old === undefined ? await sent : await within(sent, this.#atOnceMs(wanted));
    let transactionId: string | undefined;
    if (old !== undefined && (end === undefined || lackingIn(end) !== undefined)) {
      transactionId = await this.#withdrawn(id, wanted, old);
      end ??= await within(sent, WITHDRAWN_PATIENCE_MS);
    }
    if (end === undefined) {
      void sent.then((later) => this.#note(id, later, ready.version)).finally(() => this.#inHand.delete(id));
      throw await this.#kept(id, transactionId);
    }
    this.#inHand.delete(id);
    if ('outcome' in end) {
      await this.#wishes.forget(id).catch((error: unknown) => this.#warn(id, error, 'it is looked into again'));
      return end.outcome;
    }
    // What is answered as a failure is not written, no part of it.
    if (lackingIn(end) === undefined && transactionId === undefined) {
      await this.#wishes.forget(id);
      throw end.error;
    }
    await this.#note(id, end, ready.version);
    throw await this.#kept(id, transactionId);
  }

  /** How long the provider has before the version that is only narrowed is withdrawn without it. */
  #atOnceMs({ provider }: Wanted): number {
    const { ledger } = this.#options;
    return ledger.failedLately(provider) ? 0 : ledger.hedgeMs;
  }

  /** Runs with a wish that is pending and that nobody else is sending. */
  async #inTurn(id: string, run: (wish: Wish) => Promise<void>): Promise<void> {
    if (this.#inHand.has(id)) return;
    this.#inHand.add(id);
    try {
      const wish = await this.#wishes.find(id);
      if (wish?.status === 'pending') await run(wish);
    } finally {
      this.#inHand.delete(id);
    }
  }

  async #sendKept(wish: Wish): Promise<void> {
    const draft = wish.draft === null ? undefined : (parseExact(wish.draft) as Draft);
    const done = await committed(this.#options, wish, draft);
    if (done !== undefined) return this.#wishes.end(wish.id, { status: 'done', ...done });
    const old = draft === undefined ? undefined : await narrowed(this.#options, wish, draft);
    if (old !== undefined) await this.#withdrawn(wish.id, wish, old);
    const ready = await prepared(this.#options, wish, draft);
    const end = await ended(ready.send(this.#storing(promisedOf(wish), ready.version)));
    await this.#note(wish.id, end, ready.version);
    if ('outcome' in end) await this.#options.journal.settled(end.outcome.transactionId).catch(() => {});
    else if (endingOf(end, 0) === undefined) throw end.error;
  }

  /** Notes how a try of a kept wish ended. */
  async #note(id: string, end: Try, version: number): Promise<void> {
    const ending = endingOf(end, version);
    try {
      if (ending !== undefined) await this.#wishes.end(id, ending);
      else
        await this.#wishes.tried(
          id,
          (lackingIn(end) ?? []).map((mspId) => this.#nameOf(mspId)),
        );
    } catch (error) {
      this.#warn(id, error, 'how it ended is not noted: it is looked into again');
    }
  }

  /** Withdraws the version that is narrowed; answers the transaction's id where it is committed now. */
  async #withdrawn(id: string, wanted: Wanted | Wish, version: number): Promise<string | undefined> {
    try {
      return await withdraw(this.#options, wanted, version);
    } catch (error) {
      this.#warn(id, error, 'the earlier version is not withdrawn yet');
      return undefined;
    }
  }

  /** What is stored, before it is submitted, under the key of the request that it came with. */
  #storing(promised: Promised | undefined, version: number): Pick<Sending, 'beforeSubmit'> {
    if (promised === undefined) return {};
    const { journal } = this.#options;
    const stored = { ...promised, answer: withVersion(promised.answer, version), sender: SYSTEM };
    return { beforeSubmit: (transactionId, signed) => journal.submitting({ ...stored, transactionId, signed }) };
  }

  async #kept(id: string, transactionId?: string): Promise<Kept> {
    const wish = await this.#wishes.find(id);
    if (wish === undefined) throw new Error('a wish that was kept is not there');
    this.#pending = await this.#wishes.count();
    const version = await inForce(this.#options, wish).catch(() => undefined);
    return new Kept(wish, version, transactionId);
  }

  #nameOf(mspId: string): string {
    return organisationByMsp(this.#options.consortium, mspId)?.name ?? mspId;
  }

  #warn(wish: string, error: unknown, what: string): void {
    this.#options.log.warn({ wish, ...loggable(error) }, what);
  }
}

interface FirstTry {
  id: string;
  wanted: Wanted;
  ready: Prepared;
  sending: Sending;
  /** The version in force that is withdrawn where the provider does not agree at once. */
  old?: number | undefined;
}

const textOf = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

const promisedOf = ({ promised }: Wish): Promised | undefined =>
  promised === null ? undefined : (JSON.parse(promised) as Promised);

/** A consent is the only line of its answer (fhir/writes.ts); the version that it made may not be the one it was planned as. */
const withVersion = (answer: string, version: number): string =>
  JSON.stringify((JSON.parse(answer) as object[]).map((line) => ({ ...line, version })));
