/**
 * Requests for authorization until the ledger has them. One is kept before it is sent; who asks waits for it as long as Da Vinci PAS
 * lets him wait, and is then told that it is pended. A duty sends what is kept, of each request in order, until the ledger has it.
 */
import { randomUUID } from 'node:crypto';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Consortium, organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import type { Caller } from '../../auth/caller.ts';
import { unavailable } from '../../http/failures.ts';
import type { KeptRequest, Pending, RequestJournal } from '../../idempotency/kept-requests.ts';
import type { IdempotentRequest } from '../../idempotency/request.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { SYSTEM } from '../../ledger/sender.ts';
import { loggable } from '../../operations/log.ts';
import { ended, lackingIn, type Try, within } from '../consents/tries.ts';
import { coverageIn, type Request, requestIn } from './asked.ts';

export interface KeptRequestsOptions {
  requests: RequestJournal;
  consortium: Consortium;
  ledger: Pick<LedgerClient, 'failedLately' | 'hedgeMs'>;
  /** Sends one to the ledger. */
  ask: (request: Request, sending: Sending) => Promise<Outcome>;
  /** Name of the member whose endorsement one takes beside this one's. */
  endorserOf: (request: Request) => Promise<string>;
  /** By what each step is told that the ledger has of a request. */
  saltsOf: (id: string) => Promise<string[]>;
  log: Logger;
  /** The promise's value; undefined when it takes longer than so many milliseconds. */
  wait?: typeof within;
}

/** Who asks, and under which key. */
export interface AskedBy {
  caller: Caller;
  idempotency: IdempotentRequest | undefined;
}

/**
 * How long who asks waits for the ledger: the guide has him answered within 15 s
 * (hl7.org/fhir/us/davinci-pas, "within 15 seconds"), of which reading what came and writing the answer take some.
 */
export const PATIENCE_MS = 12_000;
/** Kept for one member that is away. */
const MOST = 500;

export class KeptRequests {
  readonly #options: KeptRequestsOptions;
  readonly #requests: RequestJournal;
  readonly #wait: typeof within;
  /** Ids of those that are being sent: by the request that brought them, or by the duty. */
  readonly #inHand = new Set<string>();
  #pending = 0;

  constructor(options: KeptRequestsOptions) {
    this.#options = options;
    this.#requests = options.requests;
    this.#wait = options.wait ?? within;
  }

  /** How many are pending, as of the last look. */
  get pending(): number {
    return this.#pending;
  }

  /** What was kept under the key that this comes with. @throws {LedgerError} INVALID where that came with another request */
  async under({ caller, idempotency }: AskedBy): Promise<KeptRequest | undefined> {
    const kept = idempotency && (await this.#requests.under(caller.subject, idempotency));
    if (kept === undefined || kept.request_hash === idempotency?.requestHash) return kept;
    throw new LedgerError('INVALID', 'this key was used with another request', 'Idempotency-Key');
  }

  /** Whether a first request is kept: by the id of its Claim. */
  async isPending(request: string): Promise<boolean> {
    return (await this.#requests.pending()).some((one) => one.request === request);
  }

  /** What is kept about a coverage (`Coverage/<id>`), or was refused when it was sent, newest first. */
  about(coverage: string): Promise<KeptRequest[]> {
    return this.#requests.about(coverage);
  }

  /**
   * Writes what is asked, and keeps it where the ledger does not take it in time.
   * @param write calls `keep` before anything is sent
   * @returns what was written; undefined where it is kept
   * @throws what the ledger refuses: then nothing is kept. @throws {Failure} 503 where nothing could be kept
   */
  async hold<W extends { outcome: Outcome }>(
    request: Request,
    by: AskedBy,
    write: (keep: () => Promise<void>) => Promise<W>,
  ): Promise<W | undefined> {
    const id = randomUUID();
    const needs = await this.#options.endorserOf(request);
    let keeping: Promise<void> | undefined;
    let isLate = false;
    let done: W | undefined;
    const keep = (): Promise<void> => {
      if (isLate) throw nothingTaken();
      keeping = this.#keep({ id, request, needs, by });
      return keeping;
    };
    const sent = ended(
      write(keep).then((value) => {
        done = value;
        return value.outcome;
      }),
    );
    const end = await this.#wait(sent, this.#patienceMs(needs));
    isLate = true;
    if (end === undefined) {
      if (keeping === undefined) throw nothingTaken();
      await keeping;
      void sent.then((later) => this.#note(id, later, request)).finally(() => this.#inHand.delete(id));
      return undefined;
    }
    this.#inHand.delete(id);
    if ('error' in end && end.error instanceof Behind) return undefined;
    if ('error' in end && keeping !== undefined && lackingIn(end) !== undefined) {
      await this.#note(id, end, request);
      return undefined;
    }
    if (keeping !== undefined) await this.#forget(id);
    if ('error' in end) throw end.error;
    return done;
  }

  /** What the duty has to send now: the first of each request. */
  async *due(): AsyncGenerator<Pending> {
    const pending = await this.#requests.pending();
    this.#pending = pending.length;
    const firsts = new Map<string, Pending>();
    for (const one of pending) if (!firsts.has(one.request)) firsts.set(one.request, one);
    for (const one of firsts.values()) if (!this.#inHand.has(one.id)) yield one;
  }

  /** Sends a kept one. @throws what it lacks still */
  async send({ id }: Pending): Promise<void> {
    if (this.#inHand.has(id)) return;
    this.#inHand.add(id);
    try {
      const kept = await this.#requests.find(id);
      if (kept?.status === 'pending' && kept.draft !== null) await this.#send(id, kept.draft);
    } finally {
      this.#inHand.delete(id);
    }
  }

  async #send(id: string, draft: string): Promise<void> {
    const request = requestIn(draft);
    if (await this.#isOnLedger(request)) return this.#requests.end(id, { status: 'done' });
    const end = await ended(this.#options.ask(request, { as: SYSTEM }));
    if (!(await this.#note(id, end, request)) && 'error' in end) throw end.error;
  }

  /** @throws {Behind} where it is kept, and not to be sent yet */
  async #keep({ id, request, needs, by }: { id: string; request: Request; needs: string; by: AskedBy }): Promise<void> {
    const pending = await this.#requests.pending();
    if (pending.filter((one) => one.needs === needs).length >= MOST) throw nothingTaken();
    const { caller, idempotency } = by;
    this.#inHand.add(id);
    try {
      await this.#requests.add({
        ...{ id, needs, request: request.claim.id, coverage: coverageIn(request) },
        ...{ draft: JSON.stringify(request), caller: caller.subject },
        ...{ key: idempotency?.key ?? null, request_hash: idempotency?.requestHash ?? null },
      });
    } catch (error) {
      this.#inHand.delete(id);
      throw error;
    }
    if (pending.some((one) => one.request === request.claim.id)) throw new Behind();
  }

  /** Notes how a try ended; whether it has ended the request. */
  async #note(id: string, end: Try, request: Request): Promise<boolean> {
    try {
      if ('outcome' in end || (await this.#isOnLedger(request))) {
        await this.#requests.end(id, { status: 'done' });
        return true;
      }
      const lacking = lackingIn(end);
      const { error } = end;
      // Of a first request nothing else can be on the ledger: that is this one, which is not here yet.
      const isOwn = error instanceof LedgerError && error.code === 'CONFLICT' && !request.isAmendment;
      if (lacking === undefined && error instanceof LedgerError && !isOwn) {
        const reason = [error.reason, ...(error.expression === undefined ? [] : [error.expression])].join(': ');
        await this.#requests.end(id, { status: 'refused', reason });
        return true;
      }
      await this.#requests.tried(
        id,
        (lacking ?? []).map((mspId) => this.#nameOf(mspId)),
      );
    } catch (error) {
      this.#options.log.warn({ kept: id, ...loggable(error) }, 'how it ended is not noted: it is looked into again');
    }
    return false;
  }

  /** Whether a step of the request was written with what is asked here. */
  async #isOnLedger({ claim, salt }: Request): Promise<boolean> {
    const salts = await this.#options.saltsOf(claim.id);
    return salts.includes(sha256Hex(`authorization-state/${salt}`));
  }

  /** A member that failed a moment ago is not waited for as long. */
  #patienceMs(needs: string): number {
    const { ledger } = this.#options;
    return ledger.failedLately(needs) ? Math.min(ledger.hedgeMs, PATIENCE_MS) : PATIENCE_MS;
  }

  async #forget(id: string): Promise<void> {
    await this.#requests.forget(id).catch((error: unknown) => {
      this.#options.log.warn({ kept: id, ...loggable(error) }, 'it is looked into again');
    });
  }

  #nameOf(mspId: string): string {
    return organisationByMsp(this.#options.consortium, mspId)?.name ?? mspId;
  }
}

/** What was asked of the same request before is still to be sent. */
class Behind extends Error {}

const nothingTaken = () => unavailable('This cannot be kept here now. Nothing of it was taken: send it again.', 5);
