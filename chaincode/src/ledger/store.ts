/**
 * What a transaction reads and writes. The only code that touches `ctx.stub`. Reads go to the peer at once;
 * writes are kept until the transaction has succeeded, so that one that throws has written nothing.
 */
import type { PolicyRule } from '@telemed-ledger/consortium/policies.ts';
import type { Context } from 'fabric-contract-api';
import type { z } from 'zod';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import type { EventName } from '../model/events.ts';
import { parseText } from './parse.ts';
import { policyBytes } from './policies.ts';

type Stub = Context['stub'];

/** A write as it goes to the peer; public state has the empty collection. */
export interface LedgerWrite {
  /** A value, an endorsement policy of the key's own, or that its value goes with its history. */
  kind: 'put' | 'policy' | 'purge';
  collection: string;
  key: string;
  bytes: Uint8Array;
}

/** What the ledger uses of the shim's stub; the in-memory stub implements exactly this. */
export type LedgerStub = Pick<
  Stub,
  | 'getState'
  | 'putState'
  | 'setStateValidationParameter'
  | 'getPrivateData'
  | 'getPrivateDataHash'
  | 'putPrivateData'
  | 'setPrivateDataValidationParameter'
  | 'purgePrivateData'
  | 'setEvent'
  | 'getTransient'
  | 'getTxID'
  | 'getDateTimestamp'
> & {
  /** All of them, in their order, as one call; absent where the peer takes each by itself alone. */
  writeBatch?: (writes: readonly LedgerWrite[]) => Promise<void>;
};

/** The peer refused or could not do what the chaincode asked of it. Its text names collections, never contents. */
export class PeerError extends Error {}

const decoder = new TextDecoder();
const NOTHING = new Uint8Array();

/** What we wrote ourselves always parses; that it does not is a bug, not a fault of the input. */
function parseStored<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  try {
    return parseText(schema, text);
  } catch {
    throw new Error('a stored value does not fit its schema');
  }
}

export class Store {
  /** Time of the transaction as the client signed it, ISO 8601 UTC: the only clock there is. */
  readonly time: string;
  readonly txId: string;
  readonly #stub: LedgerStub;
  readonly #writes: LedgerWrite[] = [];
  #last: { value: unknown; bytes: Uint8Array } | undefined;
  #event: { name: string; bytes: Buffer } | undefined;
  /** What was written, by the part of the transaction that did. */
  readonly #written = new Map<string, number>();
  #part = 0;
  /** Hashes that were asked for: what is committed stays the same while a transaction is simulated. */
  readonly #anchors = new Map<string, Promise<string | undefined>>();

  constructor(stub: LedgerStub) {
    this.#stub = stub;
    this.time = stub.getDateTimestamp().toISOString();
    this.txId = stub.getTxID();
  }

  /**
   * Begins what a transaction does for the next of several. One of them that reads or writes what another wrote is refused, CONFLICT:
   * Fabric answers from committed state.
   */
  nextPart(): void {
    this.#part += 1;
  }

  /** Public state under a key, parsed; undefined where there is none. */
  async get<S extends z.ZodType>(key: string, schema: S): Promise<z.output<S> | undefined> {
    const text = await this.#read('', key, () => this.#stub.getState(key));
    return text === undefined ? undefined : parseStored(schema, text);
  }

  /** Writes public state in canonical JSON; with a policy, organisations that must endorse every later write. */
  put(key: string, value: unknown, policy?: PolicyRule): void {
    this.#put('', key, value, policy);
  }

  /** The exact text under a private key; undefined where there is none. Every endorser must be a member. */
  getPrivateText(collection: string, key: string): Promise<string | undefined> {
    return this.#read(collection, key, () => this.#stub.getPrivateData(collection, key));
  }

  /** The value under a private key, parsed; undefined where there is none. */
  async getPrivate<S extends z.ZodType>(collection: string, key: string, schema: S): Promise<z.output<S> | undefined> {
    const text = await this.getPrivateText(collection, key);
    return text === undefined ? undefined : parseStored(schema, text);
  }

  /** The SHA-256 (hex) of what lies under a private key; undefined where there is none. Works on every peer. */
  anchor(collection: string, key: string): Promise<string | undefined> {
    const name = `${collection}\0${key}`;
    const known = this.#written.has(name) ? undefined : this.#anchors.get(name);
    const asked = known ?? this.#anchor(collection, key);
    this.#anchors.set(name, asked);
    return asked;
  }

  async #anchor(collection: string, key: string): Promise<string | undefined> {
    const hash = await this.#ask(collection, key, () => this.#stub.getPrivateDataHash(collection, key));
    return hash.length === 0 ? undefined : Buffer.from(hash).toString('hex');
  }

  /**
   * The SHA-256 (hex) of what the answering peer has under a key, private or, for the collection '', public; undefined
   * where there is none. @throws PeerError where the peer is no member or lacks the value
   */
  async held(collection: string, key: string): Promise<string | undefined> {
    const read = () => (collection === '' ? this.#stub.getState(key) : this.#stub.getPrivateData(collection, key));
    const bytes = await this.#ask(collection, key, read);
    return bytes.length === 0 ? undefined : sha256Hex(bytes);
  }

  /** Writes a private value in canonical JSON; with a policy, organisations that must endorse every later write. */
  putPrivate(collection: string, key: string, value: unknown, policy?: PolicyRule): void {
    this.#put(collection, key, value, policy);
  }

  /**
   * Writes the next value of a series: its key must never have been written. @throws LedgerError CONFLICT at `expression`
   */
  async putOnce(
    collection: string,
    key: string,
    value: unknown,
    { expression, policy }: { expression: string; policy?: PolicyRule },
  ): Promise<void> {
    if ((await this.anchor(collection, key)) !== undefined)
      throw new LedgerError('CONFLICT', 'this is already written', expression);
    this.putPrivate(collection, key, value, policy);
  }

  /** Removes a private value from every peer, with its history; the hashes in the blocks stay. */
  purge(collection: string, key: string): void {
    this.#write({ kind: 'purge', collection, key, bytes: NOTHING });
  }

  /** The transaction's event; a second replaces the first. The payload stands in the block: no content. */
  emit(name: EventName, payload: unknown): void {
    this.#event = { name, bytes: Buffer.from(canonicalJson(payload)) };
  }

  /** Text under a key of the transient map; undefined where there is none. */
  transient(key: string): string | undefined {
    const bytes = this.#stub.getTransient().get(key);
    return bytes === undefined ? undefined : decoder.decode(bytes);
  }

  /** The collections that it has written into, purges included; '' is public state. */
  get collections(): Set<string> {
    return new Set([...this.#written.keys()].map((name) => name.slice(0, name.indexOf('\0'))));
  }

  /** Sends the writes, in the order in which they were made. Called once, when the transaction has succeeded. */
  async flush(): Promise<void> {
    const [writes, event] = [this.#writes, this.#event];
    if (event !== undefined) this.#stub.setEvent(event.name, event.bytes);
    if (this.#stub.writeBatch !== undefined && writes.length > 1)
      return this.#asPeerError(async () => this.#stub.writeBatch?.(writes));
    await Promise.all(writes.map((write) => this.#asPeerError(() => this.#send(write))));
  }

  #send({ kind, collection, key, bytes }: LedgerWrite): Promise<void> {
    const stub = this.#stub;
    const isPublic = collection === '';
    switch (kind) {
      case 'put':
        return isPublic ? stub.putState(key, bytes) : stub.putPrivateData(collection, key, bytes);
      case 'policy':
        return isPublic
          ? stub.setStateValidationParameter(key, bytes)
          : stub.setPrivateDataValidationParameter(collection, key, bytes);
      default:
        return stub.purgePrivateData(collection, key);
    }
  }

  async #read(collection: string, key: string, read: () => Promise<Uint8Array>): Promise<string | undefined> {
    const bytes = await this.#ask(collection, key, read);
    return bytes.length === 0 ? undefined : decoder.decode(bytes);
  }

  #ask(collection: string, key: string, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    // Fabric answers from committed state: what this transaction has written is not in it.
    this.#checkUnwritten(`${collection}\0${key}`, 'a key is read after it was written');
    return this.#asPeerError(read);
  }

  #put(collection: string, key: string, value: unknown, policy: PolicyRule | undefined): void {
    // Copies come right behind what they are of.
    const known = this.#last?.value === value ? this.#last : undefined;
    const { bytes } = known ?? { bytes: Buffer.from(canonicalJson(value)) };
    this.#last = { value, bytes };
    this.#write({ kind: 'put', collection, key, bytes });
    if (policy !== undefined) this.#writes.push({ kind: 'policy', collection, key, bytes: policyBytes(policy) });
  }

  #write(write: LedgerWrite): void {
    const name = `${write.collection}\0${write.key}`;
    this.#checkUnwritten(name, 'a key is written twice');
    this.#written.set(name, this.#part);
    this.#writes.push(write);
  }

  /** @throws LedgerError CONFLICT where another part wrote it; Error: within one, a bug */
  #checkUnwritten(name: string, fault: string): void {
    const part = this.#written.get(name);
    if (part === undefined) return;
    if (part === this.#part) throw new Error(fault);
    throw new LedgerError('CONFLICT', 'rests on another one of the same transaction');
  }

  async #asPeerError<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw new PeerError(error instanceof Error ? error.message : String(error));
    }
  }
}
