/**
 * Read/write sets as they stand in a transaction (fabric-protos ledger/rwset): decoded once, keys and values being
 * slices of the bytes that came.
 */
import { encode, repeated } from '../protobuf/encode.ts';
import { Message } from '../protobuf/message.ts';

/** Which transaction wrote a key last. */
export interface Version {
  block: number;
  tx: number;
}

export interface Read {
  /** The key, or its SHA-256 in a collection. */
  key: Buffer;
  /** undefined: the key did not exist. */
  version: Version | undefined;
}
export interface Write {
  key: Buffer;
  /** Deletes: is_delete, or an empty value (a hash of the empty value in a collection). */
  isDelete: boolean;
  isPurge: boolean;
  value: Buffer;
}
export interface MetadataWrite {
  key: Buffer;
  /** Encoded entries; empty drops the metadata. */
  entries: Buffer;
}
export interface RangeQuery {
  start: string;
  end: string;
  exhausted: boolean;
  rawReads: Read[];
  merkle: { degree: number; level: number; hashes: Buffer[] } | undefined;
}
export interface CollectionRwset {
  collection: string;
  reads: Read[];
  writes: Write[];
  metadataWrites: MetadataWrite[];
  /** SHA-256 of the private set; empty where nothing was written. */
  privateHash: Buffer;
}
export interface NamespaceRwset {
  namespace: string;
  reads: Read[];
  ranges: RangeQuery[];
  writes: Write[];
  metadataWrites: MetadataWrite[];
  collections: CollectionRwset[];
}

const EMPTY_HASH = Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex');

/** A namespace's sets as they came, for a reader that wants one namespace, some collections and no reads. */
export interface NamespaceSets {
  namespace: string;
  /** Bytes of a KVRWSet. */
  publicSet: Buffer;
  collections: { collection: string; hashedSet: Buffer; privateHash: Buffer }[];
}

/** The parts of a TxReadWriteSet. @throws MalformedMessage */
export function readNamespaces(bytes: Uint8Array): NamespaceSets[] {
  return new Message(bytes).messages(2).map((each) => ({
    namespace: each.text(1),
    publicSet: each.bytes(2),
    collections: each.messages(3).map((one) => ({
      collection: one.text(1),
      hashedSet: one.bytes(2),
      privateHash: one.bytes(3),
    })),
  }));
}

/** A whole TxReadWriteSet. @throws MalformedMessage */
export function decodeRwset(bytes: Uint8Array): NamespaceRwset[] {
  return readNamespaces(bytes).map(({ namespace, publicSet, collections }) => {
    const set = new Message(publicSet);
    return {
      namespace,
      reads: set.messages(1).map(decodeRead),
      ranges: set.messages(2).map(decodeRange),
      writes: set.messages(3).map(decodeWrite),
      metadataWrites: set.messages(4).map(decodeMetadataWrite),
      collections: collections.map(({ collection, hashedSet, privateHash }) => ({
        collection,
        ...decodeHashedSet(hashedSet),
        privateHash,
      })),
    };
  });
}

function decodeHashedSet(bytes: Buffer): Pick<CollectionRwset, 'reads' | 'writes' | 'metadataWrites'> {
  const set = new Message(bytes);
  return {
    reads: set.messages(1).map(decodeRead),
    writes: set.messages(2).map(decodeHashedWrite),
    metadataWrites: set.messages(3).map(decodeMetadataWrite),
  };
}

function decodeRead(read: Message): Read {
  return { key: read.bytes(1), version: read.has(2) ? decodeVersion(read.message(2)) : undefined };
}

function decodeVersion(message: Message): Version {
  return { block: message.number(1), tx: message.number(2) };
}

/** The writes of a KVRWSet, public or private. @throws MalformedMessage */
export const decodeWrites = (set: Uint8Array): Write[] => new Message(set).messages(3).map(decodeWrite);

/** The writes of a HashedRWSet: hashes of keys and of values. @throws MalformedMessage */
export const decodeHashedWrites = (set: Uint8Array): Write[] => new Message(set).messages(2).map(decodeHashedWrite);

function decodeWrite(write: Message): Write {
  const value = write.bytes(3);
  return { key: write.bytes(1), isDelete: write.flag(2) || value.length === 0, isPurge: false, value };
}

function decodeHashedWrite(write: Message): Write {
  const value = write.bytes(3);
  const isDelete = write.flag(2) || value.length === 0 || value.equals(EMPTY_HASH);
  return { key: write.bytes(1), isDelete, isPurge: write.flag(4), value };
}

function decodeMetadataWrite(write: Message): MetadataWrite {
  const entries = encode(...repeated(2, write.list(2)));
  decodeMetadata(entries);
  return { key: write.bytes(1), entries };
}

function decodeRange(range: Message): RangeQuery {
  const merkle = range.message(5);
  return {
    start: range.text(1),
    end: range.text(2),
    exhausted: range.flag(3),
    rawReads: range.message(4).messages(1).map(decodeRead),
    merkle: range.has(5) ? { degree: merkle.number(1), level: merkle.number(2), hashes: merkle.list(3) } : undefined,
  };
}

/** The writes of a private KVRWSet, and the keys whose metadata it says were written. */
export function decodePrivateSet(bytes: Uint8Array): { writes: Write[]; metadataKeys: Buffer[] } {
  const set = new Message(bytes);
  return {
    writes: set.messages(3).map(decodeWrite),
    metadataKeys: set.messages(4).map((each) => each.bytes(1)),
  };
}

/** A private KVRWSet without the keys for which `dropped` answers true; the same bytes where none is. */
export function withoutKeys(bytes: Uint8Array, dropped: (key: Buffer) => boolean): Uint8Array {
  const set = new Message(bytes);
  const kept = set.list(3).filter((each) => !dropped(new Message(each).bytes(1)));
  if (kept.length === set.list(3).length) return bytes;
  return encode(...repeated(3, kept), ...repeated(4, set.list(4)));
}

/** Metadata as stored with a key: name to value. */
export function decodeMetadata(entries: Uint8Array): Map<string, Buffer> {
  const metadata = new Map<string, Buffer>();
  for (const entry of new Message(entries).messages(2)) {
    metadata.set(entry.text(1), entry.bytes(2));
  }
  return metadata;
}

export function encodeMetadata(metadata: Map<string, Uint8Array>): Buffer {
  const names = [...metadata.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return encode(
    ...repeated(
      2,
      names.map((name) => encode([1, name], [2, metadata.get(name)])),
    ),
  );
}

/** Encoded kvrwset.Version: `Version{0,0}` is empty, "no version" is left out by the caller. */
function encodeVersion(version: Version): Buffer {
  return encode([1, version.block], [2, version.tx]);
}

/** KVRead and KVReadHash alike. */
export function encodeRead(key: Uint8Array, version: Version | undefined): Buffer {
  return encode([1, key], [2, version && encodeVersion(version), true]);
}

export function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.block === b.block && a.tx === b.tx;
}
