/**
 * What can be wrong with a ledger: one table of what may be damaged, in the words it is reported in and with its
 * remedy. A place names blocks, files and hashes of keys, never a key or a value.
 */
import { sha256 } from '@telemed-ledger/formats/hash.ts';

/** What is damaged: in words, of which part of a ledger, and what an operator does. */
const SUBJECTS = {
  'store file': { text: 'a file of the store', part: 'store', remedy: 'repair' },
  block: { text: 'the block', part: 'blocks', remedy: 'repair' },
  'block number': { text: "the block's number", part: 'blocks', remedy: 'repair' },
  'block data': { text: "the block's transactions", part: 'blocks', remedy: 'repair' },
  'block link': { text: 'the hash of the block before', part: 'blocks', remedy: 'repair' },
  'block signature': { text: "the orderer's signature", part: 'blocks', remedy: 'repair' },
  'block metadata': { text: "the block's metadata", part: 'blocks', remedy: 'repair' },
  'validation codes': { text: "the block's validation codes", part: 'blocks', remedy: 'repair' },
  'commit hash': { text: "the block's commit hash", part: 'blocks', remedy: 'repair' },
  'block copy': { text: "the orderer's copy of the block", part: 'blocks', remedy: 'repair' },
  'chain record': { text: 'the record of height and last hashes', part: 'blocks', remedy: 'repair' },
  'header index': { text: 'an entry of the index of block hashes', part: 'blocks', remedy: 'repair' },
  'transaction index': { text: 'an entry of the index of transactions', part: 'blocks', remedy: 'repair' },
  'public state': { text: 'a key of public state', part: 'public state', remedy: 'repair' },
  'key policy': { text: "a key's endorsement policy", part: 'public state', remedy: 'repair' },
  history: { text: "an entry of a key's history", part: 'public state', remedy: 'repair' },
  'definition index': {
    text: 'an entry of the index of chaincode definitions',
    part: 'public state',
    remedy: 'repair',
  },
  'unknown entry': { text: 'an entry that no ledger writes', part: 'public state', remedy: 'repair' },
  'private hash': { text: 'the hash of a private value', part: 'private hashes', remedy: 'repair' },
  'expiry index': { text: 'an entry of the index of what expires', part: 'private hashes', remedy: 'repair' },
  'private value': { text: 'a private value', part: 'private values', remedy: 'repair' },
  'private set': { text: 'private data kept for delivery', part: 'private values', remedy: 'repair' },
  'private set index': { text: 'the list of private data kept for delivery', part: 'private values', remedy: 'repair' },
  'purge index': { text: 'an entry of the index by which purges find a key', part: 'private values', remedy: 'repair' },
  'pending private data': {
    text: 'private data of a transaction not yet committed',
    part: 'private values',
    remedy: 'resubmit',
  },
} as const satisfies Record<string, { text: string; part: Part; remedy: Remedy }>;

export const PARTS = ['store', 'blocks', 'public state', 'private hashes', 'private values'] as const;
export type Part = (typeof PARTS)[number];
export type Remedy = 'repair' | 'resubmit';
export type Subject = keyof typeof SUBJECTS;
/** `unexpected`: there is one that should not be. */
export type Fault = 'missing' | 'altered' | 'unexpected' | 'truncated';

export interface Damage {
  /** Whose peer holds it; undefined for what all peers of the embedded network share. */
  organisation: string | undefined;
  subject: Subject;
  fault: Fault;
  /** Block number, file and offset, or namespace and key hash. */
  place: string;
  /** No copy is left from which it could be had again. */
  isLost?: true;
}

export const describeDamage = ({ subject, fault }: Pick<Damage, 'subject' | 'fault'>): string =>
  `${fault}: ${SUBJECTS[subject].text}`;

export const describeSubject = ({ subject }: Pick<Damage, 'subject'>): string => SUBJECTS[subject].text;

export const partOf = ({ subject }: Pick<Damage, 'subject'>): Part => SUBJECTS[subject].part;

export const remedyOf = ({ subject, isLost }: Pick<Damage, 'subject' | 'isLost'>): Remedy | 'none' =>
  isLost ? 'none' : SUBJECTS[subject].remedy;

/** A peer that lacks private data says so when it is asked for it, as Fabric's peers do; all else must be mended first. */
export const preventsStart = ({ subject, fault, isLost }: Damage): boolean =>
  !(isLost && fault === 'missing' && partOf({ subject }) === 'private values');

/** Blocks from one to below another. */
export const blockRange = (from: number, to: number): string =>
  to - from === 1 ? `block ${from}` : `blocks ${from} to ${to - 1}`;

/** How a place names a key. */
export const keyPlace = (namespace: string, collection: string, keyHash: Uint8Array): string =>
  `${[namespace, collection].filter((part) => part !== '').join('/')} key ${Buffer.from(keyHash).toString('hex')}`;

export const publicKeyPlace = (namespace: string, key: Uint8Array): string => keyPlace(namespace, '', sha256(key));
