/**
 * The private sets of a block as they should be stored: as the store has them where their hash is the one the block
 * names, else put together again from whatever copies of their values are left, each held against its own hash.
 */

import { type CollectionRwset, decodePrivateSet, type Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { SetPlace } from '../private/stored-sets.ts';

export interface Copy {
  key: Buffer;
  /** Empty for a delete. */
  value: Buffer;
  /** Whose copy it is, in words. */
  from: string;
}

/** Copies of private values outside the stored sets. Whatever they answer has been held against its hash. */
export interface PrivateCopies {
  find(place: SetPlace, hashed: Write): Promise<Copy | undefined>;
  /** The key in plain text. */
  keyOf(place: SetPlace, keyHash: Buffer): Promise<Buffer | undefined>;
}

export interface RightSet {
  /** The set, without what it lacks. */
  bytes: Buffer;
  /** Hashes of keys that are in the block and in no copy; those of purged keys among them. */
  lacking: Buffer[];
  /** The stored set holds something that is not what the block names. */
  isWrong: boolean;
  /** Hashes of keys that the stored set does not have as the block says, with whose copy had them. */
  taken: { keyHash: Buffer; from: string }[];
}

/** The set that belongs to the hashed writes of a transaction in one collection. */
export async function rightSet(
  place: SetPlace,
  hashed: CollectionRwset,
  stored: Buffer | undefined,
  copies: PrivateCopies,
): Promise<RightSet> {
  if (stored && sha256(stored).equals(hashed.privateHash))
    return { bytes: stored, lacking: [], isWrong: false, taken: [] };
  const own = readSet(stored);
  const right: RightSet = { bytes: Buffer.alloc(0), lacking: [], isWrong: own.isWrong, taken: [] };
  let used = 0;
  const writes: Copy[] = [];
  for (const write of hashed.writes) {
    const held = own.writes.get(mapKey(write.key));
    if (held && fits(held, write)) {
      writes.push({ ...held, from: '' });
      used++;
      continue;
    }
    const copy = await copies.find(place, write);
    if (copy) writes.push(copy);
    if (copy) right.taken.push({ keyHash: write.key, from: copy.from });
    else right.lacking.push(write.key);
  }
  const metadataKeys: Buffer[] = [];
  for (const { key: keyHash } of hashed.metadataWrites) {
    const key = own.metadataKeys.get(mapKey(keyHash)) ?? (await copies.keyOf(place, keyHash));
    if (key) metadataKeys.push(key);
    else right.lacking.push(keyHash);
  }
  right.isWrong ||= used < own.writes.size;
  return { ...right, bytes: encodeSet(writes, metadataKeys) };
}

/** What a stored set holds, by the hashes of its keys; nothing where it cannot be read. */
function readSet(stored: Buffer | undefined): {
  writes: Map<string, Write>;
  metadataKeys: Map<string, Buffer>;
  isWrong: boolean;
} {
  try {
    const { writes, metadataKeys } = decodePrivateSet(stored ?? Buffer.alloc(0));
    return {
      writes: new Map(writes.map((write) => [mapKey(sha256(write.key)), write])),
      metadataKeys: new Map(metadataKeys.map((key) => [mapKey(sha256(key)), key])),
      isWrong: false,
    };
  } catch {
    return { writes: new Map(), metadataKeys: new Map(), isWrong: true };
  }
}

/** Whether a plain value is the one that was hashed. */
export function fits(plain: { value: Buffer; isDelete?: boolean }, hashed: Write): boolean {
  if (hashed.isDelete) return plain.value.length === 0;
  return plain.value.length > 0 && sha256(plain.value).equals(hashed.value);
}

/** A KVRWSet as an endorser writes it: keys in the order of their bytes. */
function encodeSet(writes: Copy[], metadataKeys: Buffer[]): Buffer {
  const ordered = writes.toSorted((a, b) => Buffer.compare(a.key, b.key));
  const encoded = ordered.map(({ key, value }) => encode([1, key], [2, value.length === 0], [3, value]));
  const keys = metadataKeys.toSorted(Buffer.compare).map((key) => encode([1, key]));
  return encode(...repeated(3, encoded), ...repeated(4, keys));
}
