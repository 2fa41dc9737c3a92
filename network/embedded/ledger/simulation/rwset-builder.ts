/** Collects what a simulation reads and writes and serialises it as Fabric does (spec 4.1). */
import { ledger as ledgerProtos } from '@hyperledger/fabric-protos';
import type { Version } from '@telemed-ledger/formats/blocks/rwset.ts';
import { encodeMetadata, encodeRead } from '@telemed-ledger/formats/blocks/rwset.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type { Field } from '@telemed-ledger/formats/protobuf/encode.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { RangeInfo } from '../state/range-summary.ts';
import { encodeRangeInfo } from '../state/range-summary.ts';

interface PendingWrite {
  /** undefined deletes. */
  value: Uint8Array | undefined;
  isPurge: boolean;
}
type Keyed<T> = Map<string, T>;

interface CollectionSet {
  reads: Keyed<Version | undefined>;
  writes: Keyed<PendingWrite>;
  metadataWrites: Keyed<Map<string, Uint8Array>>;
}
interface NamespaceSet extends CollectionSet {
  ranges: RangeInfo[];
  collections: Keyed<CollectionSet>;
}

const newCollection = (): CollectionSet => ({ reads: new Map(), writes: new Map(), metadataWrites: new Map() });

export class RwsetBuilder {
  readonly #namespaces: Keyed<NamespaceSet> = new Map();

  read(namespace: string, key: string, version: Version | undefined): void {
    this.#namespace(namespace).reads.set(key, version);
  }
  write(namespace: string, key: string, value: Uint8Array | undefined): void {
    this.#namespace(namespace).writes.set(key, { value, isPurge: false });
  }
  writeMetadata(namespace: string, key: string, metadata: Map<string, Uint8Array>): void {
    this.#namespace(namespace).metadataWrites.set(key, metadata);
  }
  range(namespace: string, info: RangeInfo): void {
    this.#namespace(namespace).ranges.push(info);
  }
  readHashed(namespace: string, collection: string, key: string, version: Version | undefined): void {
    this.#collection(namespace, collection).reads.set(key, version);
  }
  writePrivate(namespace: string, collection: string, key: string, value: Uint8Array | undefined): void {
    this.#collection(namespace, collection).writes.set(key, { value, isPurge: false });
  }
  purge(namespace: string, collection: string, key: string): void {
    this.#collection(namespace, collection).writes.set(key, { value: undefined, isPurge: true });
  }
  writePrivateMetadata(namespace: string, collection: string, key: string, metadata: Map<string, Uint8Array>): void {
    this.#collection(namespace, collection).metadataWrites.set(key, metadata);
  }

  namespaces(): string[] {
    return [...this.#namespaces.keys()];
  }

  /** The serialised TxReadWriteSet and the private sets, absent when nothing private was written. */
  build(): { publicRwset: Buffer; privateRwset?: ledgerProtos.rwset.TxPvtReadWriteSet } {
    const privateSets = new ledgerProtos.rwset.TxPvtReadWriteSet();
    const namespaces = sorted(this.#namespaces).map(({ name, value }) => {
      const privates: ledgerProtos.rwset.CollectionPvtReadWriteSet[] = [];
      const collections = sorted(value.collections).map((each) => buildCollection(each.name, each.value, privates));
      if (privates.length > 0) privateSets.addNsPvtRwset(namespacePrivate(name, privates));
      return encode([1, name], [2, buildPublic(value)], ...repeated(3, collections));
    });
    const publicRwset = encode(...repeated(2, namespaces));
    return privateSets.getNsPvtRwsetList().length > 0 ? { publicRwset, privateRwset: privateSets } : { publicRwset };
  }

  #namespace(name: string): NamespaceSet {
    let set = this.#namespaces.get(name);
    if (!set) {
      set = { ...newCollection(), ranges: [], collections: new Map() };
      this.#namespaces.set(name, set);
    }
    return set;
  }

  #collection(namespace: string, name: string): CollectionSet {
    const { collections } = this.#namespace(namespace);
    let set = collections.get(name);
    if (!set) {
      set = newCollection();
      collections.set(name, set);
    }
    return set;
  }
}

interface Entry<T> {
  name: string;
  bytes: Buffer;
  value: T;
}

/** By UTF-8 bytes, which is not JavaScript's order above U+FFFF. */
function sorted<T>(map: Keyed<T>): Entry<T>[] {
  const entries: Entry<T>[] = [];
  for (const [name, value] of map) entries.push({ name, bytes: Buffer.from(name, 'utf8'), value });
  return entries.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
}

function buildPublic(set: NamespaceSet): Buffer {
  const ranges = distinct(set.ranges).map(encodeRangeInfo);
  const fields: Field[] = [];
  for (const { bytes, value } of sorted(set.reads)) fields.push([1, encodeRead(bytes, value), true]);
  for (const range of ranges) fields.push([2, range, true]);
  for (const { bytes, value } of sorted(set.writes)) fields.push([3, encodeWrite(bytes, value.value), true]);
  for (const { bytes, value } of sorted(set.metadataWrites)) {
    fields.push([4, Buffer.concat([encode([1, bytes]), encodeMetadata(value)]), true]);
  }
  return encode(...fields);
}

function distinct(ranges: RangeInfo[]): RangeInfo[] {
  const seen = new Set<string>();
  return ranges.filter(({ start, end, exhausted }) => {
    const key = JSON.stringify([start, end, exhausted]);
    return !seen.has(key) && seen.add(key);
  });
}

/** KVWrite: an empty value is written as a delete. */
function encodeWrite(key: Buffer, value: Uint8Array | undefined): Buffer {
  return encode([1, key], [2, value === undefined || value.length === 0], [3, value]);
}

/** A CollectionHashedReadWriteSet; adds the private set to `privates` where something was written. */
function buildCollection(
  name: string,
  set: CollectionSet,
  privates: ledgerProtos.rwset.CollectionPvtReadWriteSet[],
): Buffer {
  const hashed: Field[] = [];
  const plain: Field[] = [];
  for (const { bytes, value } of sorted(set.reads)) hashed.push([1, encodeRead(sha256(bytes), value), true]);
  for (const { bytes, value } of sorted(set.writes)) {
    hashed.push([2, encodeHashedWrite(bytes, value), true]);
    plain.push([3, encodeWrite(bytes, value.value), true]);
  }
  for (const { bytes, value } of sorted(set.metadataWrites)) {
    hashed.push([3, Buffer.concat([encode([1, sha256(bytes)]), encodeMetadata(value)]), true]);
    plain.push([4, encode([1, bytes]), true]);
  }
  const privateSet = encode(...plain);
  if (plain.length > 0) privates.push(collectionPrivate(name, privateSet));
  return encode([1, name], [2, encode(...hashed)], [3, plain.length > 0 ? sha256(privateSet) : undefined]);
}

function encodeHashedWrite(key: Buffer, { value, isPurge }: PendingWrite): Buffer {
  const isDelete = value === undefined || value.length === 0;
  return encode([1, sha256(key)], [2, isDelete], [3, isDelete ? undefined : sha256(value)], [4, isPurge]);
}

function collectionPrivate(name: string, set: Buffer): ledgerProtos.rwset.CollectionPvtReadWriteSet {
  const collection = new ledgerProtos.rwset.CollectionPvtReadWriteSet();
  collection.setCollectionName(name);
  collection.setRwset(set);
  return collection;
}

function namespacePrivate(
  name: string,
  collections: ledgerProtos.rwset.CollectionPvtReadWriteSet[],
): ledgerProtos.rwset.NsPvtReadWriteSet {
  const namespace = new ledgerProtos.rwset.NsPvtReadWriteSet();
  namespace.setNamespace(name);
  namespace.setCollectionPvtRwsetList(collections);
  return namespace;
}
