/**
 * A ledger in memory for the tests of contracts. Each submit is simulated once per organisation that may endorse it by the
 * table, each with only the private data that it is a member of; the writes of all must be the same bytes.
 * Like Fabric it gives no read of one's own writes, and it holds the caller to memberOnlyRead and -Write. Like the shim
 * it answers the calls of a transaction one after the other, and a transaction that answers earlier has failed the test.
 */
import { setImmediate as turn } from 'node:timers/promises';

import { type Collection, collectionsOf } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName, type Role } from '@telemed-ledger/consortium/members.ts';
import type { Contract } from 'fabric-contract-api';
import { canonicalJson, sha256 } from '../model/canonical.ts';
import { DECOYS_KEY } from '../model/decoys.ts';
import {
  type InputOf,
  type OutputOf,
  type PrivateOf,
  TRANSIENT_KEY,
  type Transaction,
  type TransactionName,
  transactions,
} from '../model/transactions.ts';
import type { LedgerStub, LedgerWrite } from './store.ts';
import type { LedgerContext } from './transaction.ts';

/** Everything that one transaction wrote, exactly. Private keys read `collection key`. */
export interface Writes {
  public: Record<string, string>;
  private: Record<string, string>;
  purged: string[];
  /** Key-level policies set, as hex of the SignaturePolicyEnvelope. */
  policies: Record<string, string>;
  event: { name: string; payload: string } | undefined;
}

/** A call as a client makes it. */
export interface Request<N extends TransactionName> {
  /** Name of the caller's organisation. */
  from: string;
  role: Role | string;
  fhirUser?: string;
  input: InputOf<N>;
  private?: PrivateOf<N>;
  /** As the client sends them. */
  decoys?: unknown;
  /** ISO 8601; the ledger's own default otherwise. */
  time?: string;
  /** Instead of the table's endorsers. */
  endorsers?: string[];
}

export interface Outcome<N extends TransactionName> {
  reply: OutputOf<N>;
  writes: Writes;
}

const noWrites = (): Writes => ({ public: {}, private: {}, purged: [], policies: {}, event: undefined });
const privateName = (collection: string, key: string): string => `${collection} ${key}`;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function collectionOf(consortium: Consortium, collection: string): Collection {
  const found = collectionsOf(consortium).find(({ name }) => name === collection);
  if (found === undefined) throw new Error(`collection ${collection} could not be found`);
  return found;
}

/** Names of the organisations that are members of a collection. */
const membersOf = (consortium: Consortium, collection: string): string[] =>
  collectionOf(consortium, collection).members.map(({ name }) => name);

class Simulation implements LedgerStub {
  readonly writes = noWrites();
  /** Calls that would each be a round trip to the peer. */
  calls = 0;
  /** Calls that are not answered yet. */
  pending = 0;
  #answered: Promise<void> = Promise.resolve();
  readonly #ledger: MemoryLedger;
  readonly #request: Request<TransactionName>;
  readonly #endorser: string;
  readonly #txId: string;

  constructor(ledger: MemoryLedger, request: Request<TransactionName>, endorser: string, txId: string) {
    this.#ledger = ledger;
    this.#request = request;
    this.#endorser = endorser;
    this.#txId = txId;
  }

  getState(key: string): Promise<Uint8Array> {
    return this.#ask(() => Buffer.from(this.#ledger.public.get(key) ?? ''));
  }

  putState(key: string, value: Uint8Array): Promise<void> {
    return this.#ask(() => {
      this.writes.public[key] = text(value);
    });
  }

  setStateValidationParameter(key: string, policy: Uint8Array): Promise<void> {
    return this.#ask(() => {
      this.writes.policies[key] = Buffer.from(policy).toString('hex');
    });
  }

  getPrivateData(collection: string, key: string): Promise<Uint8Array> {
    return this.#ask(() => {
      const members = membersOf(this.#ledger.consortium, collection);
      this.#checkMember(members, 'read', collection);
      if (!members.includes(this.#endorser))
        throw new Error(`private data matching public hash version is not available on ${this.#endorser}`);
      return Buffer.from(this.#ledger.private.get(privateName(collection, key)) ?? '');
    });
  }

  getPrivateDataHash(collection: string, key: string): Promise<Uint8Array> {
    return this.#ask(() => {
      membersOf(this.#ledger.consortium, collection);
      const value = this.#ledger.private.get(privateName(collection, key));
      return value === undefined ? Buffer.alloc(0) : sha256(value);
    });
  }

  putPrivateData(collection: string, key: string, value: Uint8Array): Promise<void> {
    return this.#ask(() => {
      this.#checkWriter(collection);
      this.writes.private[privateName(collection, key)] = text(value);
    });
  }

  setPrivateDataValidationParameter(collection: string, key: string, policy: Uint8Array): Promise<void> {
    return this.#ask(() => {
      this.writes.policies[privateName(collection, key)] = Buffer.from(policy).toString('hex');
    });
  }

  purgePrivateData(collection: string, key: string): Promise<void> {
    return this.#ask(() => {
      this.#checkWriter(collection);
      this.writes.purged.push(privateName(collection, key));
    });
  }

  /** One call for all of them, which the peer takes in their order. */
  writeBatch(writes: readonly LedgerWrite[]): Promise<void> {
    return this.#ask(() => {
      for (const { kind, collection, key, bytes } of writes) {
        if (collection !== '' && kind !== 'policy') this.#checkWriter(collection);
        const name = collection === '' ? key : privateName(collection, key);
        if (kind === 'policy') this.writes.policies[name] = Buffer.from(bytes).toString('hex');
        else if (kind === 'purge') this.writes.purged.push(name);
        else if (collection === '') this.writes.public[key] = text(bytes);
        else this.writes.private[name] = text(bytes);
      }
    });
  }

  setEvent(name: string, payload: Uint8Array): void {
    this.writes.event = { name, payload: text(payload) };
  }

  getTransient(): Map<string, Uint8Array> {
    const { private: hidden, decoys } = this.#request;
    const given = Object.entries({ [TRANSIENT_KEY]: hidden, [DECOYS_KEY]: decoys });
    return new Map(
      given.flatMap(([key, value]) => (value === undefined ? [] : [[key, Buffer.from(JSON.stringify(value))]])),
    );
  }

  getTxID(): string {
    return this.#txId;
  }

  getDateTimestamp(): Date {
    return new Date(this.#request.time ?? this.#ledger.time);
  }

  /** One round trip: answered in a turn of its own, after those asked before. */
  #ask<T>(answer: () => T): Promise<T> {
    this.calls += 1;
    this.pending += 1;
    const answered = this.#answered
      .then(() => turn())
      .finally(() => {
        this.pending -= 1;
      });
    this.#answered = answered;
    return answered.then(answer);
  }

  #checkWriter(collection: string): void {
    const { members, openToWriters } = collectionOf(this.#ledger.consortium, collection);
    if (openToWriters === true) return;
    this.#checkMember(
      members.map(({ name }) => name),
      'write',
      collection,
    );
  }

  #checkMember(members: string[], action: string, collection: string): void {
    if (members.includes(this.#request.from)) return;
    throw new Error(
      `tx creator does not have ${action} access permission on privatedata in collectionName: ${collection}`,
    );
  }
}

/** A stand-in for a contract's public methods by transaction name. */
type Methods = Record<string, (ctx: LedgerContext, argument: string) => Promise<string>>;

export class MemoryLedger {
  readonly public = new Map<string, string>();
  /** By `collection key`. */
  readonly private = new Map<string, string>();
  readonly consortium: Consortium;
  /** Time of transactions that state none. */
  time = '2026-03-01T12:00:00.000Z';
  /** Stub calls of the last simulation. */
  lastCalls = 0;
  readonly #contracts: Map<string, Contract>;
  #transactions = 0;

  constructor(consortium: Consortium, contracts: Contract[]) {
    this.consortium = consortium;
    this.#contracts = new Map(contracts.map((contract) => [contract.getName(), contract]));
  }

  /**
   * Endorses, compares and commits a transaction of the table.
   * @throws what the contract throws; nothing is committed then, and it is a bug when something was written before
   */
  async submit<N extends TransactionName>(name: N, request: Request<N>): Promise<Outcome<N>> {
    this.#transactions += 1;
    const definition: Transaction = transactions[name];
    const endorsers = request.endorsers ?? this.#endorsersOf(definition, request);
    if (definition.kind === 'submit' && endorsers.length < 2) throw new Error(`${name} needs two endorsers`);
    const outcomes: Outcome<N>[] = [];
    for (const endorser of endorsers) outcomes.push(await this.#simulate(name, request, endorser));
    const [first, ...others] = outcomes;
    for (const other of others)
      if (canonicalJson(other) !== canonicalJson(first)) throw new Error('the endorsers wrote different bytes');
    this.#checkAlways(definition, request, first!.writes);
    this.#commit(first!.writes);
    return first!;
  }

  /** All that may: whichever of them stands in must compute the same. */
  #endorsersOf(definition: Transaction, request: Request<TransactionName>): string[] {
    const input = request.input as Record<string, unknown>;
    const { must, oneOf } = definition.endorsers(this.consortium, request.from, input);
    return [...must, ...oneOf];
  }

  #checkAlways(definition: Transaction, request: Request<TransactionName>, writes: Writes): void {
    const told = { consortium: this.consortium, caller: request.from, input: request.input, private: request.private };
    const written = new Set([...Object.keys(writes.private), ...writes.purged].map((name) => name.split(' ')[0]));
    for (const collection of definition.writes?.(told).always ?? [])
      if (!written.has(collection)) throw new Error(`the table says that it writes into ${collection}`);
  }

  /** Evaluates on the caller's own peer. */
  async evaluate<N extends TransactionName>(name: N, request: Request<N>): Promise<OutputOf<N>> {
    return (await this.#simulate(name, request, request.from)).reply;
  }

  /** The parsed value under a private key. */
  read(collection: string, key: string): unknown {
    const value = this.private.get(privateName(collection, key));
    return value === undefined ? undefined : JSON.parse(value);
  }

  async #simulate<N extends TransactionName>(name: N, request: Request<N>, endorser: string): Promise<Outcome<N>> {
    const simulation = new Simulation(this, request as Request<TransactionName>, endorser, `tx${this.#transactions}`);
    const mspId = organisationByName(this.consortium, request.from)?.mspId ?? request.from;
    const attributes: Record<string, string | undefined> = { role: request.role, fhirUser: request.fhirUser };
    const ctx: LedgerContext = {
      stub: simulation,
      clientIdentity: { getMSPID: () => mspId, getAttributeValue: (attribute) => attributes[attribute] ?? null },
    };
    const contract = this.#contracts.get(transactions[name].contract) as unknown as Methods | undefined;
    const method = contract?.[name];
    if (method === undefined) throw new Error(`no contract has the transaction ${name}`);
    try {
      const reply = JSON.parse(await method.call(contract, ctx, JSON.stringify(request.input)));
      return { reply, writes: simulation.writes };
    } catch (error) {
      if (
        canonicalJson(simulation.writes) !== canonicalJson(noWrites()) &&
        !(error as Error).message.startsWith('tx creator')
      )
        throw new Error('a transaction that failed had written', { cause: error });
      throw error;
    } finally {
      this.lastCalls = simulation.calls;
      // biome-ignore lint/correctness/noUnsafeFinally: whatever the transaction answered, it answered too early.
      if (simulation.pending > 0) throw new Error('the transaction answered before the peer had answered it');
    }
  }

  #commit(writes: Writes): void {
    for (const [key, value] of Object.entries(writes.public)) this.public.set(key, value);
    for (const [name, value] of Object.entries(writes.private)) this.private.set(name, value);
    for (const name of writes.purged) this.private.delete(name);
  }
}

/** The message an action fails with. @throws when it succeeds */
export async function failureOf(action: Promise<unknown>): Promise<string> {
  const failure = await action.then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (failure === undefined) throw new Error('the action did not fail');
  return failure;
}
