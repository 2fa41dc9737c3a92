/** Who acts in the story: a person or a system of one organisation, speaking to that organisation's gateway. */

import type { Role } from '@telemed-ledger/consortium/members.ts';
import pRetry from 'p-retry';
import { bearerToken } from '../credentials.ts';
import { type Answer, HttpClient, SeenBlocks, type Sending } from '../http.ts';
import { reasonOf } from '../load/sender.ts';

/** Something did not turn out as expected; the message names both, what was expected and what came. */
export class Unexpected extends Error {}

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

const FIND_TIMEOUT_MS = 30_000;
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

  /** A request that is answered with its transaction's id. @throws Unexpected */
  async write<T = Resource>(sending: Sending, statuses: readonly number[] = [200, 201]): Promise<Written<T>> {
    const answer = await this.#expect(sending, statuses);
    const transactionId = answer.headers['x-transaction-id'];
    expectThat(typeof transactionId === 'string', 'the header X-Transaction-Id', 'none');
    return { body: answer.body as T, transactionId };
  }

  /** Asks until an answer is found to be the one waited for. @throws Unexpected after half a minute */
  async find<T = Resource>(sending: Sending, waitedFor: string, isIt: (body: T) => boolean = () => true): Promise<T> {
    const attempt = async (): Promise<T> => {
      const answer = await this.send(sending);
      const isFound = answer.status === 200 && isIt(answer.body as T);
      expectThat(isFound, `${waitedFor} within ${FIND_TIMEOUT_MS / 1000} s`, `status ${answer.status}`);
      return answer.body as T;
    };
    return pRetry(attempt, {
      ...{ retries: Number.POSITIVE_INFINITY, maxRetryTime: FIND_TIMEOUT_MS, minTimeout: FIND_PAUSE_MS, factor: 1 },
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
    expectThat(statuses.includes(answer.status), `${asked} to answer ${statuses.join(' or ')}`, came);
    return answer;
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
