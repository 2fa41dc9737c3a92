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

/** @throws Error where the bytes are no TxReadWriteSet. */
export function decodeRwset(bytes: Uint8Array): NamespaceRwset[] {
  return new Message(bytes).list(2).map((each) => decodeNamespace(new Message(each)));
}

function decodeNamespace(message: Message): NamespaceRwset {
  const set = message.message(2);
  return {
    namespace: message.text(1),
    reads: set.list(1).map(decodeRead),
    ranges: set.list(2).map(decodeRange),
    writes: set.list(3).map(decodeWrite),
    metadataWrites: set.list(4).map(decodeMetadataWrite),
    collections: message.list(3).map((each) => decodeCollection(new Message(each))),
  };
}

function decodeCollection(message: Message): CollectionRwset {
  const set = message.message(2);
  return {
    collection: message.text(1),
    reads: set.list(1).map(decodeRead),
    writes: set.list(2).map(decodeHashedWrite),
    metadataWrites: set.list(3).map(decodeMetadataWrite),
    privateHash: message.bytes(3),
  };
}

function decodeRead(bytes: Buffer): Read {
  const read = new Message(bytes);
  return { key: read.bytes(1), version: read.has(2) ? decodeVersion(read.message(2)) : undefined };
}

function decodeVersion(message: Message): Version {
  return { block: message.number(1), tx: message.number(2) };
}

/** One KVWrite, of a public set or of a private one. */
export function decodeWrite(bytes: Buffer): Write {
  const write = new Message(bytes);
  const value = write.bytes(3);
  return { key: write.bytes(1), isDelete: write.number(2) !== 0 || value.length === 0, isPurge: false, value };
}

function decodeHashedWrite(bytes: Buffer): Write {
  const write = new Message(bytes);
  const value = write.bytes(3);
  const isDelete = write.number(2) !== 0 || value.length === 0 || value.equals(EMPTY_HASH);
  return { key: write.bytes(1), isDelete, isPurge: write.number(4) !== 0, value };
}

function decodeMetadataWrite(bytes: Buffer): MetadataWrite {
  const write = new Message(bytes);
  const entries = encode(...repeated(2, write.list(2)));
  decodeMetadata(entries);
  return { key: write.bytes(1), entries };
}

function decodeRange(bytes: Buffer): RangeQuery {
  const range = new Message(bytes);
  const merkle = range.message(5);
  return {
    start: range.text(1),
    end: range.text(2),
    exhausted: range.number(3) !== 0,
    rawReads: range.message(4).list(1).map(decodeRead),
    merkle: range.has(5) ? { degree: merkle.number(1), level: merkle.number(2), hashes: merkle.list(3) } : undefined,
  };
}

/** The writes of a private KVRWSet, and the keys whose metadata it says were written. */
export function decodePrivateSet(bytes: Uint8Array): { writes: Write[]; metadataKeys: Buffer[] } {
  const set = new Message(bytes);
  return { writes: set.list(3).map(decodeWrite), metadataKeys: set.list(4).map((each) => new Message(each).bytes(1)) };
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
  for (const bytes of new Message(entries).list(2)) {
    const entry = new Message(bytes);
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
export function encodeVersion(version: Version): Buffer {
  return encode([1, version.block], [2, version.tx]);
}

/** KVRead and KVReadHash alike. */
export function encodeRead(key: Uint8Array, version: Version | undefined): Buffer {
  return encode([1, key], [2, version && encodeVersion(version), true]);
}

export function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.block === b.block && a.tx === b.tx;
}
