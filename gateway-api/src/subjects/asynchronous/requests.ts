/**
 * Requests that are answered later (hl7.org/fhir/R4/async.html). What they are answered is in memory alone, for an hour, and goes
 * sooner where a record is erased or a copy purged; the journal holds that there is such a request, so that after a restart its
 * client is told that the answer is lost.
 */
import { createHash, randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Caller } from '../../auth/caller.ts';
import type { AsyncWork, Files, Later, Made } from '../../fhir/asynchronous.ts';
import { errorIssue, type Failed, failureOf, internalFailure } from '../../fhir/outcomes.ts';
import { throttled, unavailable } from '../../http/failures.ts';
import type { JournalTables } from '../../index/schema.ts';
import { loggable } from '../../operations/log.ts';

const KEPT_MS = 3_600_000;
/** How long one may take. */
const LONGEST_MS = 24 * 3_600_000;
/** Of one client, at the same time. */
const MOST_UNDER_WAY = 8;
/** Of one client that are kept; beyond that the first of them go. */
const MOST_KEPT = 50;
const MOST_BYTES_OF_ONE = 24 * 1024 * 1024;
/** Of all clients together. */
const MOST_BYTES = 64 * 1024 * 1024;

type Ended = { failed: Failed } | { made: Made; at: string };

interface Job extends Omit<AsyncWork, 'caller'> {
  owner: string;
  progress: string;
  isGone: boolean;
  isUnder: boolean;
  /** Something was erased or purged while it was under way. */
  isStale: boolean;
  ended?: Ended;
  /** ISO 8601 UTC; once it has ended. */
  expiresAt?: string;
}

/** How one stands. */
export type AsyncState =
  | { is: 'under way'; progress: string }
  | { is: 'lost' }
  | { is: 'failed'; failed: Failed; isBundle: boolean }
  | { is: 'done'; request: string; at: string; expiresAt: string; isBundle: boolean; files: Files };

/** What limits a caller now: a token with less does not read what one with more asked for. */
function ownerOf({ subject, role, fhirUser, scopes, linked, actsFor }: Caller): string {
  const limits = JSON.parse(JSON.stringify({ subject, role, fhirUser, scopes, linked, actsFor })) as object;
  return createHash('sha256').update(canonicalJson(limits)).digest('hex');
}

export class AsyncRequests implements Later {
  readonly #db: Kysely<JournalTables>;
  readonly #log: Pick<Logger, 'error' | 'warn'>;
  readonly #now: () => number;
  readonly #jobs = new Map<string, Job>();

  /** `db` waits for the disk. */
  constructor(db: Kysely<JournalTables>, log: Pick<Logger, 'error' | 'warn'>, now: () => number = Date.now) {
    this.#db = db;
    this.#log = log;
    this.#now = now;
  }

  /** @throws {Failure} 429 where the client has as many under way as it may, 503 where all that may be kept is kept */
  async begin({ caller, ...work }: AsyncWork): Promise<string> {
    await this.#prune();
    const owner = ownerOf(caller);
    if (this.#of(owner).filter(([, { isUnder }]) => isUnder).length >= MOST_UNDER_WAY)
      throw throttled('This client has as many requests under way that are answered later as it may.');
    if (bytesOf(this.#jobs.values()) >= MOST_BYTES)
      throw unavailable('This gateway keeps as many answers as it may; nothing was done.');
    this.#makeRoom(owner);
    const id = randomUUID();
    await this.#db
      .insertInto('async_requests')
      .values({ id, owner, expires_at: this.#at(LONGEST_MS) })
      .execute();
    const job: Job = { ...work, owner, progress: 'under way', isGone: false, isUnder: false, isStale: false };
    this.#jobs.set(id, job);
    void this.#run(id, job);
    return `$async-status/${id}`;
  }

  /** One of this caller's; undefined where there is none (any more). */
  async of(caller: Caller, id: string): Promise<AsyncState | undefined> {
    const row = await this.#db
      .selectFrom('async_requests')
      .select('expires_at')
      .where('id', '=', id)
      .where('owner', '=', ownerOf(caller))
      .where('expires_at', '>', this.#at())
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const job = this.#jobs.get(id);
    if (job === undefined) return { is: 'lost' };
    const { ended, request, isBundle, expiresAt = row.expires_at } = job;
    if (ended === undefined) {
      if (!job.isUnder) void this.#run(id, job);
      return { is: 'under way', progress: job.progress };
    }
    if ('failed' in ended) return { is: 'failed', failed: ended.failed, isBundle };
    const { files } = ended.made;
    return { is: 'done', request, at: ended.at, expiresAt, isBundle, files };
  }

  /** Whether there was one. What it has begun to write goes on. */
  async forget(caller: Caller, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('async_requests')
      .where('id', '=', id)
      .where('owner', '=', ownerOf(caller))
      .executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    this.#drop(id);
    return true;
  }

  /** Something was erased or purged: what was read is read again when it is asked for, of what was written the content goes. */
  forgetContents(): void {
    for (const job of this.#jobs.values()) {
      if (job.isUnder) job.isStale = true;
      else forgetContent(job);
    }
  }

  /** The gateway ends. */
  end(): void {
    for (const id of this.#jobs.keys()) this.#drop(id);
  }

  async #run(id: string, job: Job): Promise<void> {
    job.isUnder = true;
    const progress = {
      say: (text: string) => {
        job.progress = text;
      },
      get isGone() {
        return job.isGone;
      },
    };
    const ended = await job.run(progress).then(
      (made): Ended => ({ made, at: this.#at() }),
      (error: unknown): Ended => ({ failed: this.#failed(id, error) }),
    );
    if (!job.isGone && job.expiresAt === undefined) await this.#expiring(id, job);
    job.isUnder = false;
    job.ended = ended;
    if (job.isStale) forgetContent(job);
    job.isStale = false;
  }

  /** From its first answer on it is kept for its time, however often it is read again. */
  async #expiring(id: string, job: Job): Promise<void> {
    job.expiresAt = this.#at(KEPT_MS);
    setTimeout(() => this.#drop(id), KEPT_MS).unref();
    await this.#db
      .updateTable('async_requests')
      .set({ expires_at: job.expiresAt })
      .where('id', '=', id)
      .execute()
      .catch((error: Error) => this.#log.warn({ ...loggable(error), asyncRequest: id }, 'an answer expires later'));
  }

  #failed(asyncRequest: string, error: unknown): Failed {
    const known = failureOf(error);
    if (known === undefined) this.#log.error({ asyncRequest, ...loggable(error) }, 'request failed');
    return known ?? internalFailure(asyncRequest);
  }

  #drop(id: string): void {
    const job = this.#jobs.get(id);
    if (job !== undefined) job.isGone = true;
    this.#jobs.delete(id);
  }

  async #prune(): Promise<void> {
    await this.#db.deleteFrom('async_requests').where('expires_at', '<=', this.#at()).execute();
  }

  #of(owner: string): [id: string, job: Job][] {
    return [...this.#jobs].filter(([, job]) => job.owner === owner);
  }

  #makeRoom(owner: string): void {
    for (const [id, { isUnder }] of this.#of(owner)) {
      const own = this.#of(owner).map(([, job]) => job);
      if (own.length < MOST_KEPT && bytesOf(own) < MOST_BYTES_OF_ONE) return;
      if (!isUnder) this.#drop(id);
    }
  }

  #at(afterMs = 0): string {
    return new Date(this.#now() + afterMs).toISOString();
  }
}

function bytesOf(jobs: Iterable<Job>): number {
  let bytes = 0;
  for (const { ended } of jobs)
    if (ended !== undefined && 'made' in ended) for (const { text } of ended.made.files.values()) bytes += text.length;
  return bytes;
}

function forgetContent(job: Job): void {
  const { ended } = job;
  if (ended === undefined || 'failed' in ended) return;
  if (job.isWrite) job.ended = { at: ended.at, made: { files: ended.made.bare ?? new Map() } };
  else delete job.ended;
}

/** What a client is told whose answer is gone. */
export const LOST: Failed = {
  status: 500,
  issues: [
    errorIssue(
      'transient',
      'The answer is lost: the gateway was started again meanwhile, or this client asked for more than is kept. Send the request again: a write under the same Idempotency-Key is done once.',
    ),
  ],
  headers: {},
};
