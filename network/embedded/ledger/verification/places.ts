/** What an entry of the store is, by its key: which damage it would be, whose it is and where. */
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type { SetPlace } from '../private/stored-sets.ts';
import { readNumber64 } from '../state/keys.ts';
import { keyPlace, publicKeyPlace, type Subject } from './damage.ts';

export interface EntryPlace {
  subject: Subject;
  place: string;
  /** Of private state. */
  organisation?: string;
  /** Of private state and of the index by which purges find a key: which value it is, without its key. */
  value?: { namespace: string; collection: string; keyHash: Buffer };
  /** Of a stored set. */
  set?: SetPlace;
}

type Describe = (key: Buffer) => EntryPlace | undefined;

/** By the first letter of the database key (see state/keys.ts). */
const KINDS: Record<string, Describe> = {
  b: (key) => (key.length === 9 ? { subject: 'block', place: `block ${readNumber64(key, 1)}` } : undefined),
  c: (key) => {
    const parts = split(key, 2);
    return parts && hashed('private hash', parts.texts, parts.rest);
  },
  d: (key) => {
    const parts = split(key, 1);
    if (parts?.rest.length !== 8) return undefined;
    return { subject: 'definition index', place: `${parts.texts[0]} in block ${readNumber64(parts.rest)}` };
  },
  h: (key) => ({ subject: 'header index', place: `block hash ${key.toString('hex', 1)}` }),
  k: (key) => {
    const parts = split(key, 2);
    if (parts?.rest.length !== 48) return undefined;
    const [namespace = '', collection = ''] = parts.texts;
    const value = { namespace, collection, keyHash: parts.rest.subarray(0, 32) };
    const { place } = hashed('purge index', parts.texts, value.keyHash);
    return { subject: 'purge index', place: `${place} of block ${readNumber64(parts.rest, 32)}`, value };
  },
  m: (key) => (key.length === 1 ? { subject: 'chain record', place: 'chain record' } : undefined),
  p: (key) => {
    const parts = split(key, 3);
    if (!parts) return undefined;
    const [organisation = '', ...texts] = parts.texts;
    const [namespace = '', collection = ''] = texts;
    const keyHash = sha256(parts.rest);
    return { ...hashed('private value', texts, keyHash), organisation, value: { namespace, collection, keyHash } };
  },
  r: (key) => {
    const parts = split(key, 1);
    return parts && { subject: 'pending private data', place: `transaction ${parts.texts[0]}` };
  },
  s: (key) => {
    const parts = split(key, 1);
    return parts && { subject: 'public state', place: publicKeyPlace(parts.texts[0] ?? '', parts.rest) };
  },
  t: (key) => ({ subject: 'transaction index', place: `transaction ${key.toString('utf8', 1)}` }),
  w: (key) => {
    if (key.length < 9) return undefined;
    const block = readNumber64(key, 1);
    if (key.length === 9) return { subject: 'private set index', place: `block ${block}` };
    if (key.length < 17) return undefined;
    const [namespace = '', collection = ''] = key.toString('utf8', 17).split('\0');
    const set = { block, tx: readNumber64(key, 9), namespace, collection };
    return { subject: 'private set', place: setPlaceText(set), set };
  },
  x: (key) => {
    if (key.length < 25) return undefined;
    const hash = KINDS['c']?.(key.subarray(25));
    const place = `${hash?.place ?? 'a key'} of block ${readNumber64(key, 9)}`;
    return { subject: 'expiry index', place };
  },
  y: (key) => {
    const parts = split(key, 1);
    const length = parts && parts.rest.length >= 20 ? parts.rest.readUInt32BE() : -1;
    if (!parts || parts.rest.length !== length + 20) return undefined;
    const place = publicKeyPlace(parts.texts[0] ?? '', parts.rest.subarray(4, 4 + length));
    return { subject: 'history', place: `${place} in block ${readNumber64(parts.rest, 4 + length)}` };
  },
};

export function placeOf(key: Buffer): EntryPlace {
  const found = KINDS[key.toString('latin1', 0, 1)]?.(key);
  return found ?? { subject: 'unknown entry', place: `entry ${sha256(key).toString('hex')}` };
}

function hashed(subject: Subject, [namespace = '', collection = '']: string[], keyHash: Buffer): EntryPlace {
  return { subject, place: keyPlace(namespace, collection, keyHash) };
}

export const setPlaceText = ({ block, tx, namespace, collection }: SetPlace): string =>
  `block ${block}, transaction ${tx}, ${namespace}/${collection}`;

/** The texts behind the first letter that end with NUL, and what follows them. */
function split(key: Buffer, count: number): { texts: string[]; rest: Buffer } | undefined {
  const texts: string[] = [];
  let at = 1;
  while (texts.length < count) {
    const end = key.indexOf(0, at);
    if (end < 0) return undefined;
    texts.push(key.toString('utf8', at, end));
    at = end + 1;
  }
  return { texts, rest: key.subarray(at) };
}
