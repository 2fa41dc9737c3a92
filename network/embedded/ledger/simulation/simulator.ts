/**
 * One transaction's view of one organisation's peer: reads come from a state that does not move, writes are only
 * collected (no read-your-writes), and the permission of the transaction's creator is checked on every collection
 * (spec 3.3, 4.1, 4.5).
 */
import { decodeMetadata, sameVersion } from '@telemed-ledger/formats/blocks/rwset.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type {
  Channel,
  Definition,
  Identity,
  KeyModification,
  KeyValue,
  SimulationResult,
  Simulator,
  StateIterator,
} from '../../seams.ts';
import type { Collection, CommittedDefinition } from '../definitions/definitions.ts';
import { fieldName, findCollection, LIFECYCLE, metadataName } from '../definitions/definitions.ts';
import { history } from '../state/history.ts';
import { hashKey, privateKey, stateKey } from '../state/keys.ts';
import { newRangeInfo, privateRange, publicRange, readPage } from '../state/ranges.ts';
import type { Versioned, View } from '../state/store.ts';
import { Interest } from './interest.ts';
import { RwsetBuilder } from './rwset-builder.ts';

export interface SimulatorOptions {
  channel: Channel;
  organisation: string;
  txId: string;
  creator: Identity;
  /** Released when the simulator is closed. */
  view: View;
  definitions: ReadonlyMap<string, CommittedDefinition>;
}

export class LedgerSimulator implements Simulator {
  readonly #options: SimulatorOptions;
  readonly #view: View;
  readonly #rwset = new RwsetBuilder();
  readonly #interest = new Interest();
  readonly #open = new Set<StateIterator>();
  readonly #collections = new Map<string, Collection | undefined>();
  readonly #hashes = new Map<string, Versioned | undefined>();
  #wrote = false;
  #queriedPrivate = false;
  #queriedPages = false;
  #closed = false;

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#view = options.view;
  }

  getState(namespace: string, collection: string, key: string): Uint8Array | undefined {
    this.#checkOpen();
    const bytes = Buffer.from(key, 'utf8');
    if (collection !== '') return this.#getPrivate(namespace, collection, key, bytes);
    const found = this.#view.versioned(stateKey(namespace, bytes));
    this.#rwset.read(namespace, key, found?.version);
    return found?.value;
  }

  #getPrivate(namespace: string, collection: string, key: string, bytes: Buffer): Uint8Array | undefined {
    this.#readable(namespace, collection);
    const found = this.#view.versioned(privateKey(this.#options.organisation, namespace, collection, bytes));
    const hashed = this.#hashed(namespace, collection, key, bytes);
    if (!sameVersion(found?.version, hashed?.version)) {
      throw new Error(
        'private data matching public hash version is not available. ' +
          `Public hash version = ${versionText(hashed)}, Private data version = ${versionText(found)}`,
      );
    }
    this.#rwset.readHashed(namespace, collection, key, found?.version);
    this.#interest.readPrivate(namespace, collection);
    return found?.value;
  }

  getPrivateDataHash(namespace: string, collection: string, key: string): Uint8Array | undefined {
    this.#checkOpen();
    if (!this.#collection(namespace, collection)) {
      throw new Error(`collection [${collection}] not defined in the collection config for chaincode [${namespace}]`);
    }
    return this.#readHash(namespace, collection, key)?.value;
  }

  #readHash(namespace: string, collection: string, key: string): Versioned | undefined {
    const found = this.#hashed(namespace, collection, key, Buffer.from(key, 'utf8'));
    this.#rwset.readHashed(namespace, collection, key, found?.version);
    return found;
  }

  /** What is committed under a private key's hash: often looked up to read it and again to write it. */
  #hashed(namespace: string, collection: string, key: string, bytes: Buffer): Versioned | undefined {
    const id = `${namespace}\0${collection}\0${key}`;
    if (this.#hashes.has(id)) return this.#hashes.get(id);
    const found = this.#view.versioned(hashKey(namespace, collection, sha256(bytes)));
    this.#hashes.set(id, found);
    return found;
  }

  putState(namespace: string, collection: string, key: string, value: Uint8Array): void {
    this.#write(namespace, collection, key, value.length === 0 ? undefined : value);
  }

  deleteState(namespace: string, collection: string, key: string): void {
    this.#write(namespace, collection, key, undefined);
  }

  #write(namespace: string, collection: string, key: string, value: Uint8Array | undefined): void {
    this.#beforeWrite(namespace, collection);
    if (collection === '') this.#rwset.write(namespace, key, value);
    else this.#rwset.writePrivate(namespace, collection, key, value);
    this.#notePolicy(namespace, collection, key);
  }

  purgePrivateData(namespace: string, collection: string, key: string): void {
    if (collection === '') throw new Error('only applicable for private data');
    this.#beforeWrite(namespace, collection);
    this.#rwset.purge(namespace, collection, key);
    this.#notePolicy(namespace, collection, key);
  }

  getMetadata(namespace: string, collection: string, key: string): Map<string, Uint8Array> {
    this.#checkOpen();
    if (collection !== '') {
      this.#readable(namespace, collection);
      return metadataOf(this.#readHash(namespace, collection, key));
    }
    const found = this.#view.versioned(stateKey(namespace, Buffer.from(key, 'utf8')));
    this.#rwset.read(namespace, key, found?.version);
    return metadataOf(found);
  }

  putMetadata(namespace: string, collection: string, key: string, metakey: string, value: Uint8Array): void {
    this.#beforeWrite(namespace, collection);
    const metadata = new Map([[metakey, value]]);
    if (collection === '') this.#rwset.writeMetadata(namespace, key, metadata);
    else this.#rwset.writePrivateMetadata(namespace, collection, key, metadata);
    this.#notePolicy(namespace, collection, key);
  }

  range(namespace: string, collection: string, start: string, end: string): StateIterator {
    this.#checkOpen();
    const iterator =
      collection === ''
        ? this.#publicRange(namespace, start, end)
        : this.#privateRange(namespace, collection, start, end);
    this.#open.add(iterator);
    return iterator;
  }

  #publicRange(namespace: string, start: string, end: string): StateIterator {
    const info = newRangeInfo(start);
    this.#rwset.range(namespace, info);
    return publicRange(this.#view, namespace, end, info);
  }

  /** Records nothing: private ranges are not protected against phantoms. */
  #privateRange(namespace: string, collection: string, start: string, end: string): StateIterator {
    this.#readable(namespace, collection);
    if (this.#wrote) throw this.#unsupported('Queries on pvt data is supported only in a read-only transaction');
    this.#queriedPrivate = true;
    const prefix = privateKey(this.#options.organisation, namespace, collection, Buffer.alloc(0));
    return privateRange(this.#view, namespace, prefix, start, end);
  }

  page(
    namespace: string,
    start: string,
    end: string,
    size: number,
    bookmark: string,
  ): Promise<{ results: KeyValue[]; bookmark: string }> {
    this.#checkOpen();
    if (this.#wrote) throw this.#unsupported('Paginated queries are supported only in a read-only transaction');
    this.#queriedPages = true;
    const info = newRangeInfo(bookmark || start);
    this.#rwset.range(namespace, info);
    return readPage(this.#view, namespace, end, size || Number.POSITIVE_INFINITY, info);
  }

  history(namespace: string, key: string): AsyncIterableIterator<KeyModification> {
    this.#checkOpen();
    return history(this.#view, namespace, Buffer.from(key, 'utf8'));
  }

  readDefinition(chaincode: string, withCollections: boolean): Definition | undefined {
    const definition = this.#options.definitions.get(chaincode);
    const keys = [fieldName(chaincode, 'Sequence')];
    if (withCollections) {
      keys.push(metadataName(chaincode));
      for (const field of ['EndorsementInfo', 'ValidationInfo', 'Collections'] as const) {
        keys.push(fieldName(chaincode, field));
      }
    }
    for (const key of keys) this.#rwset.read(LIFECYCLE, key, definition?.versions.get(key));
    return definition;
  }

  result(): SimulationResult {
    return { ...this.#rwset.build(), interest: this.#interest.of(this.#rwset.namespaces()) };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const iterator of this.#open) iterator.close();
    this.#view.release();
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('this instance should not be used after calling Done()');
  }

  #beforeWrite(namespace: string, collection: string): void {
    this.#checkOpen();
    if (collection !== '') this.#writable(namespace, collection);
    if (this.#queriedPrivate) {
      throw this.#unsupported('Transaction has already performed queries on pvt data. Writes are not allowed');
    }
    if (this.#queriedPages) {
      throw this.#unsupported('Transaction has already performed a paginated query. Writes are not allowed');
    }
    this.#wrote = true;
  }

  #unsupported(reason: string): Error {
    return new Error(`txid [${this.#options.txId}]: unsuppored transaction. ${reason}`);
  }

  /** A key's own policy, if it has one, belongs to what an endorsement plan must satisfy. */
  #notePolicy(namespace: string, collection: string, key: string): void {
    const bytes = Buffer.from(key, 'utf8');
    const found =
      collection === ''
        ? this.#view.versioned(stateKey(namespace, bytes))
        : this.#hashed(namespace, collection, key, bytes);
    this.#interest.wrote(namespace, collection, metadataOf(found).get('VALIDATION_PARAMETER'));
  }

  /** The first use of private data of a chaincode puts its definition into the read set. */
  #collection(namespace: string, name: string): Collection | undefined {
    const id = `${namespace}\0${name}`;
    if (!this.#collections.has(id)) {
      this.readDefinition(namespace, true);
      const definition = this.#options.definitions.get(namespace);
      this.#collections.set(id, findCollection(definition, name, this.#options.channel));
    }
    return this.#collections.get(id);
  }

  #readable(namespace: string, name: string): void {
    this.#checkMember(namespace, name, 'read', (each) => each.config.memberOnlyRead);
  }

  #writable(namespace: string, name: string): void {
    this.#checkMember(namespace, name, 'write', (each) => each.config.memberOnlyWrite);
  }

  #checkMember(namespace: string, name: string, access: string, guarded: (each: Collection) => boolean): void {
    const collection = this.#collection(namespace, name);
    if (!collection)
      throw new Error(`collection ${this.#options.channel.name}/${namespace}/${name} could not be found`);
    if (guarded(collection) && !collection.isMember(this.#options.creator)) {
      throw new Error(
        `tx creator does not have ${access} access permission on privatedata in ` +
          `chaincodeName:${namespace} collectionName: ${name}`,
      );
    }
  }
}

function metadataOf(found: Versioned | undefined): Map<string, Uint8Array> {
  return found && found.metadata.length > 0 ? decodeMetadata(found.metadata) : new Map();
}

function versionText(found: Versioned | undefined): string {
  return found ? `{BlockNum: ${found.version.block}, TxNum: ${found.version.tx}}` : '<nil>';
}
