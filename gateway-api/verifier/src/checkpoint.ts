/**
 * Checkpoints and cosignatures as texts: C2SP tlog-checkpoint and tlog-cosignature (Ed25519, cosignature/v1). Hashes and keys
 * are bytes; nothing is signed or checked here.
 */

export interface Checkpoint {
  /** Names the log. */
  origin: string;
  /** Number of leaves. */
  size: number;
  root: Uint8Array;
}

/** A note signature line: 4 bytes of key id, 8 of time, 64 of signature. */
export interface Cosignature {
  name: string;
  keyId: Uint8Array;
  /** Seconds since 1970. */
  time: number;
  signature: Uint8Array<ArrayBuffer>;
}

const TYPE_COSIGNATURE = 4;
const KEY_ID = 4;
const TIME = 8;
const SIGNATURE = 64;
const encoder = new TextEncoder();

export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** @throws Error where it is not the one base64 of its bytes */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw new Error('not in base64');
  const binary = atob(text);
  // Of the last four characters some bits may say nothing: they are to be 0.
  if (btoa(binary.slice(-1 - ((binary.length + 2) % 3))) !== text.slice(-4)) throw new Error('not in base64');
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The ledger of a channel, told from every other by the hash of its block 0's header. */
export const originOf = (channel: string, genesis: string): string => `telemed-ledger.example/${channel}/${genesis}`;

/** The key name of a member's witness. */
export const witnessName = (origin: string, mspId: string): string => `${origin}/${mspId}`;

/** The note's text: what is signed, its last newline included. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${toBase64(root)}\n`;

/** What a witness signs. */
export const cosignedMessage = (checkpoint: string, time: number): Uint8Array<ArrayBuffer> =>
  encoder.encode(`cosignature/v1\ntime ${time}\n${checkpoint}`) as Uint8Array<ArrayBuffer>;

/** The first four bytes of its SHA-256 are the key id. */
export const keyIdSource = (name: string, publicKey: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([...encoder.encode(`${name}\n`), TYPE_COSIGNATURE, ...publicKey]);

export function signatureLine({ name, keyId, time, signature }: Cosignature): string {
  const stamp = new Uint8Array(TIME);
  new DataView(stamp.buffer).setBigUint64(0, BigInt(time));
  return `\u2014 ${name} ${toBase64(Uint8Array.from([...keyId, ...stamp, ...signature]))}\n`;
}

/** @throws Error where it is not exactly what `checkpointText` writes */
export function readCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', end, ...more] = text.split('\n');
  if (origin === '' || !/^[1-9]\d{0,14}$/.test(size) || end !== '' || more.length > 0)
    throw new Error('the checkpoint is not in its form');
  const hash = fromBase64(root);
  if (hash.length !== 32) throw new Error('the root is no SHA-256');
  return { origin, size: Number(size), root: hash };
}

/** @throws Error where it is not exactly what `signatureLine` writes */
export function readSignatureLine(line: string): Cosignature {
  const [, name, encoded] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  if (bytes?.length !== KEY_ID + TIME + SIGNATURE) throw new Error('a signature is not in its form');
  const time = Number(new DataView(bytes.buffer, KEY_ID, TIME).getBigUint64(0));
  if (!Number.isSafeInteger(time)) throw new Error('a signature is not in its form');
  return { name: name!, keyId: bytes.slice(0, KEY_ID), time, signature: bytes.slice(KEY_ID + TIME) };
}
