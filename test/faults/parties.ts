/**
 * The clients of the load: whoever acts in the demo's story, with every request recorded and, until it is answered for
 * good, asked again under the same Idempotency-Key, as the gateways tell their clients to do.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { renewedToken } from '@telemed-ledger/scripts/credentials.ts';
import { type ConsortiumReach, expectThat, Parties, Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { type Answer, HttpClient, NoAnswer, type Sending } from '@telemed-ledger/scripts/http.ts';
import { type History, judge, meaningOf, type Request, reasonIn } from './history.ts';

const TOKEN_MINUTES = 50;
const ATTEMPT_TIMEOUT_MS = 60_000;
const PAUSE_MS = 300;
/** A write that is not answered for good by then never is: the run fails. */
const PATIENCE_MS = 90_000;

/** A request was never answered for good; whoever made it stops. */
export class GivenUp extends Error {}

export interface Recorded {
  request: Request;
  /** Undefined where none came. */
  answer: Answer | undefined;
}

export class RecordedParty extends Party {
  readonly #history: History;

  constructor(organisation: string, http: HttpClient, token: () => Promise<string>, history: History) {
    super(organisation, http, token);
    this.#history = history;
  }

  /** Until it is answered for good. What asks for something that is on its way judges a 404 by itself. */
  override async send(sending: Sending): Promise<Answer> {
    const request = this.begin(sending);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.attempt(request, sending);
      const meaning = meaningOf(request);
      if (answer !== undefined && (meaning === 'done' || meaning === 'false' || meaning === 'broken')) return answer;
      if (Date.now() > deadline)
        throw new GivenUp(`${sending.method ?? 'GET'} ${sending.path} is not answered for good`);
      await delay(PAUSE_MS);
    }
  }

  /** As the story's, with the patience that faults ask for. */
  override async find<T>(sending: Sending, waitedFor: string, isIt: (body: T) => boolean = () => true): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.send(sending);
      if (answer.status === 200 && isIt(answer.body as T)) return answer.body as T;
      expectThat(Date.now() < deadline, `${waitedFor} within ${PATIENCE_MS / 1000} s`, `status ${answer.status}`);
      await delay(PAUSE_MS);
    }
  }

  /** Reads once what must be there. */
  async readOnce(sending: Sending): Promise<Recorded> {
    const request = this.begin(sending, true);
    return { request, answer: await this.attempt(request, sending) };
  }

  begin({ method = 'GET', path, headers }: Sending, isThere = false): Request {
    const isWrite = method !== 'GET' && path !== '/verify';
    const key = isWrite ? (headers?.['idempotency-key'] ?? randomUUID()) : undefined;
    return this.#history.begin({
      organisation: this.organisation,
      method,
      path,
      key,
      isJudged: isThere || key !== undefined,
    });
  }

  async attempt(request: Request, sending: Sending): Promise<Answer | undefined> {
    const at = Date.now();
    const note = (status: number | undefined, meaning: Parameters<History['note']>[1]['meaning'], reason: string) =>
      this.#history.note(request, { at, ms: Date.now() - at, status, meaning, reason });
    try {
      const headers = request.key === undefined ? {} : { 'idempotency-key': request.key };
      const keyed = { ...sending, headers: { ...headers, ...sending.headers }, timeoutMs: ATTEMPT_TIMEOUT_MS };
      const answer = await super.send(keyed);
      note(answer.status, judge(answer), reasonIn(answer.body));
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      note(undefined, error.isRefused ? 'nothing' : 'unknown', (error.cause as Error).message);
      return undefined;
    }
  }
}

export class RecordedParties extends Parties {
  readonly #history: History;
  readonly #clients = new Map<string, HttpClient>();

  constructor(reach: ConsortiumReach, history: History) {
    super(reach);
    this.#history = history;
  }

  override of(organisation: string, role: Role, fhirUser?: string): RecordedParty {
    const { dataDir, urls } = this.reach;
    const who = {
      dataDir,
      organisation,
      role,
      minutes: TOKEN_MINUTES,
      ...(fhirUser === undefined ? {} : { fhirUser }),
    };
    const http = this.#clients.get(organisation) ?? new HttpClient(urls[organisation] ?? '');
    this.#clients.set(organisation, http);
    return new RecordedParty(organisation, http, renewedToken(who), this.#history);
  }

  override close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
