/**
 * An erasure from the request to its end. It is kept here before anything of it is sent; the mark is sent at once, and by a
 * duty where it lacks an endorser; the texts are purged by duties of the custodian's.
 */
import { beginningOf, erasureHandle } from '@telemed-ledger/chaincode/model/erasures.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Consortium, type Organisation, organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import type { ErasureJournal, WantedErasure } from '../../idempotency/erasures.ts';
import type { ErasureSubject } from '../../index/read/erasures.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { ErasuresTable } from '../../index/schema.ts';
import { erasureIdOf } from '../../index/write/erasures.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { newSalt, SYSTEM } from '../../ledger/sender.ts';
import { loggable } from '../../operations/log.ts';
import { ended, lackingIn, type Try, within } from '../consents/tries.ts';

export interface ErasureRequestsOptions {
  index: ReadModel;
  ledger: LedgerClient;
  organisation: Organisation;
  consortium: Consortium;
  journal: ErasureJournal;
  log: Logger;
}

/** How an erasure stands. */
export interface ErasureStanding extends ErasureSubject {
  id: string;
  /** waiting: for its mark, and the record is shown until then. marked: it is shown nowhere. erased: nothing of it is left. */
  status: 'waiting' | 'marked' | 'erased';
  /** When it was asked for here; undefined where that was elsewhere, or is forgotten. */
  since?: string;
  waitsFor: string[];
  mark?: ErasuresTable;
  /** What is still held of it by this organisation. */
  held: ('content' | 'copies')[];
}

/** How long whoever asks waits for the mark. */
const PATIENCE_MS = 3_000;

export class ErasureRequests {
  readonly #options: ErasureRequestsOptions;
  /** Ids of those that are being sent: by the request that brought them, or by the duty. */
  readonly #inHand = new Set<string>();
  #waiting = 0;

  constructor(options: ErasureRequestsOptions) {
    this.#options = options;
  }

  /** How many wait for their mark, as of the last look. */
  get waiting(): number {
    return this.#waiting;
  }

  /** @throws {LedgerError} what the ledger refuses: then nothing is written, and nothing kept */
  async erase(subject: ErasureSubject, askedBy: WantedErasure['asked_by']): Promise<ErasureStanding> {
    const id = erasureIdOf(erasureHandle(subject.provider, subject.record));
    const known = await this.standing(id);
    if (known !== undefined && known.status !== 'waiting') return known;
    const { journal } = this.#options;
    await journal.add({ id, ...subject, asked_by: askedBy });
    const wanted = await journal.find(id);
    if (wanted !== undefined && !this.#inHand.has(id)) await this.#first(wanted);
    return (await this.standing(id)) ?? { id, ...subject, status: 'waiting', waitsFor: [], held: [] };
  }

  /** How an erasure stands that was asked for here, or that this organisation has a part in. */
  async standing(id: string): Promise<ErasureStanding | undefined> {
    const { index, journal } = this.#options;
    const [mark, wanted] = [await index.erasures.find(id), await journal.find(id)];
    const subject = mark === undefined ? wanted : { ...mark, provider: providerOf(mark) };
    if (subject === undefined) return undefined;
    const { provider, record, type, patient } = subject;
    const isMarked = mark !== undefined || wanted?.marked === 1;
    const rows = isMarked ? await index.erasures.heldOf(provider, record) : [];
    const held = new Set(rows.map(({ access }) => (access === null ? ('content' as const) : ('copies' as const))));
    const isDone = mark?.status === 'purged' && held.size === 0;
    return {
      ...{ id, type, record, provider, patient, held: [...held] },
      status: isDone ? 'erased' : isMarked ? 'marked' : 'waiting',
      waitsFor: (wanted?.waits_for ?? '').split(',').filter((name) => name !== ''),
      ...(wanted === undefined ? {} : { since: wanted.created_at }),
      ...(mark === undefined ? {} : { mark }),
    };
  }

  /** What the duty has to send, or to forget, now. */
  async *due(): AsyncGenerator<WantedErasure> {
    const { journal } = this.#options;
    this.#waiting = await journal.count();
    for await (const wanted of journal.all()) if (!this.#inHand.has(wanted.id)) yield wanted;
  }

  /** Sends the mark of one that was kept; forgets one that is done. @throws what it lacks still */
  async send(wanted: WantedErasure): Promise<void> {
    if (wanted.marked === 1) return this.#forgetDone(wanted);
    const end = await this.#inTurn(wanted, () => ended(this.#mark(wanted)));
    if (end === undefined) return;
    await this.#note(wanted, end);
    if ('error' in end && !(await this.#isMarked(wanted))) throw end.error;
  }

  /** Who asked for the erasure of a record, where that was here. */
  async askedBy(provider: string, record: string): Promise<WantedErasure['asked_by'] | undefined> {
    return (await this.#options.journal.find(erasureIdOf(erasureHandle(provider, record))))?.asked_by;
  }

  /** The first try, by the request itself: it does not wait longer than whoever asks would. */
  async #first(wanted: WantedErasure): Promise<void> {
    const sent = this.#inTurn(wanted, () => ended(this.#mark(wanted)));
    const end = await within(sent, PATIENCE_MS);
    if (end === undefined) {
      const noted = sent.then((later) => later && this.#note(wanted, later));
      noted.catch((error: unknown) => this.#warn(wanted, error, 'how it ended is not noted: it is sent again'));
      return;
    }
    const isRefused = 'error' in end && lackingIn(end) === undefined && !(await this.#isMarked(wanted));
    if (!isRefused) return this.#note(wanted, end);
    await this.#options.journal.forget(wanted.id);
    throw end.error;
  }

  async #inTurn<T>({ id }: WantedErasure, run: () => Promise<T>): Promise<T | undefined> {
    if (this.#inHand.has(id)) return undefined;
    this.#inHand.add(id);
    try {
      return await run();
    } finally {
      this.#inHand.delete(id);
    }
  }

  /** The custodian shows nobody which record; a provider shows the custodian that it is its own. */
  #mark({ provider, record }: WantedErasure) {
    const { ledger, organisation } = this.#options;
    const shown = organisation.kind === 'provider' ? { record } : {};
    const marked = { handle: erasureHandle(provider, record), begins: beginningOf(record), salt: newSalt(), ...shown };
    return ledger.submit('EraseRecord', { provider }, marked, { as: SYSTEM });
  }

  async #isMarked({ record }: WantedErasure): Promise<boolean> {
    return (await this.#options.index.erasures.marked([record])).has(record);
  }

  async #note(wanted: WantedErasure, end: Try): Promise<void> {
    const { journal, consortium } = this.#options;
    if ('outcome' in end || (end.error instanceof LedgerError && (await this.#isMarked(wanted))))
      return journal.marked(wanted.id);
    const names = (lackingIn(end) ?? []).map((mspId) => organisationByMsp(consortium, mspId)?.name ?? mspId);
    await journal.tried(wanted.id, names);
  }

  async #forgetDone({ id }: WantedErasure): Promise<void> {
    const standing = await this.standing(id);
    if (standing?.status === 'erased') await this.#options.journal.forget(id);
  }

  #warn({ id }: WantedErasure, error: unknown, what: string): void {
    this.#options.log.warn({ erasure: id, ...loggable(error) }, what);
  }
}

const providerOf = ({ collection }: ErasuresTable): string => collection.slice('care_'.length);
