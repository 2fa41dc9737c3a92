/** The commit hash: a running hash over validation codes and state updates (spec 2.3). */

import { unsigned } from '../der/der.ts';
import { sha256 } from '../hash.ts';
import type { Field } from '../protobuf/encode.ts';
import { encode } from '../protobuf/encode.ts';
import type { Version } from './rwset.ts';

/** One key that a block writes; in a collection its key and value are hashes. */
export interface HashedUpdate {
  namespace: string;
  /** '' for public state. */
  collection: string;
  key: Buffer;
  version: Version;
  /** undefined: deleted. */
  value: Uint8Array | undefined;
}

/** `previous` is empty for block 1. */
export function commitHash(filter: Uint8Array, updates: HashedUpdate[], previous: Uint8Array): Buffer {
  return sha256(uvarint(filter.length), filter, encodeUpdates(updates), previous);
}

/** `Updates{repeated KVWrite}`: namespaces in order, in each the public keys, then collections by name. */
export function encodeUpdates(updates: HashedUpdate[]): Buffer {
  const ordered = updates.filter((update) => update.namespace !== '').sort(byPlace);
  let [namespace, collection] = ['', ''];
  const fields = ordered.map((update): Field => {
    const newNamespace = update.namespace !== namespace;
    const newCollection = update.collection !== '' && (newNamespace || update.collection !== collection);
    ({ namespace, collection } = update);
    const write = encode(
      [1, newNamespace ? namespace : ''],
      [2, newCollection ? collection : ''],
      [3, update.key],
      [4, update.value === undefined],
      [5, update.value],
      [6, encodeHeight(update.version)],
    );
    return [1, write, true];
  });
  return encode(...fields);
}

function byPlace(a: HashedUpdate, b: HashedUpdate): number {
  if (a.namespace !== b.namespace) return Buffer.compare(Buffer.from(a.namespace), Buffer.from(b.namespace));
  if (a.collection !== b.collection) return Buffer.compare(Buffer.from(a.collection), Buffer.from(b.collection));
  return Buffer.compare(a.key, b.key);
}

/** Block, then transaction: a length byte and the number, big-endian without leading zeros. */
export function encodeHeight(version: { block: number; tx: number }): Buffer {
  const [block, tx] = [unsigned(version.block), unsigned(version.tx)];
  return Buffer.concat([Buffer.from([block.length]), block, Buffer.from([tx.length]), tx]);
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
