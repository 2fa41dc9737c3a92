/**
 * The keys of the one database of a channel (spec 9.2). Namespaces, collections and organisations hold no NUL; keys
 * may, so they stand last or behind their length.
 */

export const META = Buffer.from('m');

/** Prefixes are few and are asked for with every key. */
const prefixes = new Map<string, Buffer>();

function prefix(text: string): Buffer {
  let bytes = prefixes.get(text);
  if (!bytes) {
    bytes = Buffer.from(text, 'utf8');
    if (prefixes.size < 10_000) prefixes.set(text, bytes);
  }
  return bytes;
}

function join(start: string, ...rest: Uint8Array[]): Buffer {
  return Buffer.concat([prefix(start), ...rest]);
}

export function number64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function readNumber64(bytes: Buffer, at = 0): number {
  return Number(bytes.readBigUInt64BE(at));
}

export function blockKey(number: number): Buffer {
  return join('b', number64(number));
}
export function headerHashKey(hash: Uint8Array): Buffer {
  return join('h', hash);
}
export function txIdKey(txId: string): Buffer {
  return Buffer.from(`t${txId}`, 'utf8');
}

export function stateKey(namespace: string, key: Uint8Array): Buffer {
  return join(`s${namespace}\0`, key);
}
export function hashKey(namespace: string, collection: string, keyHash: Uint8Array): Buffer {
  return join(`c${namespace}\0${collection}\0`, keyHash);
}
export function privateKey(organisation: string, namespace: string, collection: string, key: Uint8Array): Buffer {
  return join(`p${organisation}\0${namespace}\0${collection}\0`, key);
}

/** Which private sets were stored of a block. */
export function storedSetsKey(block: number): Buffer {
  return join('w', number64(block));
}
/** One collection's private set of a transaction. */
export function storedSetKey(block: number, tx: number, namespace: string, collection: string): Buffer {
  return join('w', number64(block), number64(tx), prefix(`${namespace}\0${collection}`));
}

/** Finds by its hash in which stored sets a private key occurs, and the key. */
export function occurrencePrefix(namespace: string, collection: string, keyHash: Uint8Array): Buffer {
  return join(`k${namespace}\0${collection}\0`, keyHash);
}
export function occurrenceKey(start: Buffer, block: number, tx: number): Buffer {
  return Buffer.concat([start, number64(block), number64(tx)]);
}

export function expiryPrefix(block: number): Buffer {
  return join('x', number64(block));
}
/** Where `hashKey` was written in `block`, to go when `expiry` commits. */
export function expiryKey(expiry: number, block: number, tx: number, hashKey: Uint8Array): Buffer {
  return join('x', number64(expiry), number64(block), number64(tx), hashKey);
}

export function historyPrefix(namespace: string, key: Uint8Array): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(key.length);
  return join(`y${namespace}\0`, length, key);
}
export function historyKey(namespace: string, key: Uint8Array, block: number, tx: number): Buffer {
  return Buffer.concat([historyPrefix(namespace, key), number64(block), number64(tx)]);
}

/** A private set not yet committed, by the hash under which the transaction will name it. */
export function transientKey(txId: string, privateHash: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`r${txId}\0`, 'utf8'), privateHash]);
}
export const TRANSIENT_RANGE = { gte: Buffer.from('r'), lt: Buffer.from('s') };

/** Collections of a chaincode as of a block. */
export function definitionKey(chaincode: string, block: number): Buffer {
  return join(`d${chaincode}\0`, number64(block));
}
export const DEFINITION_RANGE = { gte: Buffer.from('d'), lt: Buffer.from('e') };

/** The first key after all that begin with `start`. */
export function after(start: Uint8Array): Buffer {
  const end = Buffer.from(start);
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] ?? 0;
    if (byte < 0xff) {
      end[at] = byte + 1;
      return end.subarray(0, at + 1);
    }
  }
  return Buffer.from([0xff]);
}
