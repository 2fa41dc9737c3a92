/** Who acts in the story: a person or a system of one organisation, speaking to that organisation's gateway. */

import { randomUUID } from 'node:crypto';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import pRetry from 'p-retry';
import { bearerToken } from '../credentials.ts';
import { type Answer, HttpClient, SeenBlocks, type Sending } from '../http.ts';
import { reasonOf } from '../load/sender.ts';

/** Something did not turn out as expected; the message names both, what was expected and what came. */
export class Unexpected extends Error {}

/** What was asked for was not done for now, and may be asked for again. */
class Unavailable extends Unexpected {}

export function expectThat(holds: boolean, expected: string, came: unknown): asserts holds {
  if (!holds)
    throw new Unexpected(`expected ${expected}; came ${typeof came === 'string' ? came : JSON.stringify(came)}`);
}

export type Resource = Record<string, unknown> & { resourceType: string; id: string };

/** An answer, and the transaction that wrote what it shows. */
export interface Written<T = Resource> {
  body: T;
  transactionId: string;
}

export interface Receipt {
  transactionId: string;
  block: number;
  validationCode: number;
  endorsers: string[];
  time: string;
  event?: string;
}

export interface ConsortiumReach {
  dataDir: string;
  /** Base URL by organisation name. */
  urls: Record<string, string>;
}

const PATIENCE_MS = 30_000;
const RETRY_PAUSE_MS = 1_000;
const FIND_PAUSE_MS = 50;

export class Party {
  readonly organisation: string;
  readonly http: HttpClient;
  readonly #token: () => Promise<string>;

  constructor(organisation: string, http: HttpClient, token: () => Promise<string>) {
    this.organisation = organisation;
    this.http = http;
    this.#token = token;
  }

  async send(sending: Sending): Promise<Answer> {
    const headers = { authorization: `Bearer ${await this.#token()}`, ...sending.headers };
    return this.http.send({ ...sending, headers });
  }

  /** Sends and expects a status. @throws Unexpected */
  async ask<T = Resource>(sending: Sending, status = 200): Promise<T> {
    return (await this.#expect(sending, [status])).body as T;
  }

  /**
   * A request that is answered with its transaction's id. What is answered 503, as on a busy machine, is sent again under its
   * key for half a minute. @throws Unexpected
   */
  async write<T = Resource>(sending: Sending, statuses: readonly number[] = [200, 201]): Promise<Written<T>> {
    const headers = { 'idempotency-key': randomUUID(), ...sending.headers };
    const answer = await pRetry(() => this.#expect({ ...sending, headers }, statuses), {
      ...{ retries: Number.POSITIVE_INFINITY, maxRetryTime: PATIENCE_MS, minTimeout: RETRY_PAUSE_MS, factor: 1 },
      shouldRetry: ({ error }) => error instanceof Unavailable,
    });
    const transactionId = answer.headers['x-transaction-id'];
    expectThat(typeof transactionId === 'string', 'the header X-Transaction-Id', 'none');
    return { body: answer.body as T, transactionId };
  }

  /** Asks until an answer is found to be the one waited for. @throws Unexpected after half a minute */
  async find<T = Resource>(sending: Sending, waitedFor: string, isIt: (body: T) => boolean = () => true): Promise<T> {
    const attempt = async (): Promise<T> => {
      const answer = await this.send(sending);
      const isFound = answer.status === 200 && isIt(answer.body as T);
      expectThat(isFound, `${waitedFor} within ${PATIENCE_MS / 1000} s`, `status ${answer.status}`);
      return answer.body as T;
    };
    return pRetry(attempt, {
      ...{ retries: Number.POSITIVE_INFINITY, maxRetryTime: PATIENCE_MS, minTimeout: FIND_PAUSE_MS, factor: 1 },
      shouldRetry: ({ error }) => error instanceof Unexpected,
    });
  }

  /** Reads a resource, with the transaction that wrote it. @throws Unexpected */
  read<T = Resource>(reference: string): Promise<Written<T>> {
    return this.write<T>({ path: `/fhir/R4/${reference}` }, [200]);
  }

  receipt(transactionId: string): Promise<Receipt> {
    return this.find<Receipt>({ path: `/receipts/${transactionId}` }, 'the receipt of a committed transaction');
  }

  async #expect(sending: Sending, statuses: readonly number[]): Promise<Answer> {
    const answer = await this.send(sending);
    const asked = `${sending.method ?? 'GET'} ${sending.path.split('?')[0]} at the ${this.organisation}'s gateway`;
    const came = `${answer.status}${reasonOf(answer.body)}`;
    if (statuses.includes(answer.status)) return answer;
    const what = `expected ${asked} to answer ${statuses.join(' or ')}; came ${came}`;
    throw answer.status === 503 ? new Unavailable(what) : new Unexpected(what);
  }
}

/** Opens the gateways; close it at the end. */
export class Parties {
  readonly reach: ConsortiumReach;
  readonly #clients = new Map<string, HttpClient>();
  /** What one party wrote, the next one finds. */
  readonly #seen = new SeenBlocks();

  constructor(reach: ConsortiumReach) {
    this.reach = reach;
  }

  /** Somebody of an organisation, with a development token of theirs. */
  of(organisation: string, role: Role, fhirUser?: string): Party {
    const { dataDir } = this.reach;
    const who = { dataDir, organisation, role, ...(fhirUser === undefined ? {} : { fhirUser }) };
    let token: Promise<string> | undefined;
    return new Party(organisation, this.#client(organisation), () => {
      token ??= bearerToken(who);
      return token;
    });
  }

  #client(organisation: string): HttpClient {
    const known = this.#clients.get(organisation);
    if (known !== undefined) return known;
    const url = this.reach.urls[organisation];
    if (url === undefined) throw new Error(`no gateway of ${organisation} is known`);
    const client = new HttpClient(url, this.#seen);
    this.#clients.set(organisation, client);
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
