/**
 * What one leaf of the ledger's tree says: a text for every envelope of every block, valid or not, and a text for every
 * private write of a valid one. They hold hashes alone, so that either can be shown to anybody.
 */

/** One envelope of a block, as every member's peer has it. */
export interface Entry {
  block: number;
  /** Hash of the block's header, hex: over its number, the header before it and the hash of its envelopes. */
  header: string;
  /** Of the envelope in its block, from 0. */
  position: number;
  /** Hex; undefined where the envelope proves none. */
  transactionId: string | undefined;
  /** Fabric's TxValidationCode: 0 is valid. No header covers it. */
  code: number;
  /** SHA-256 of the envelope, hex. */
  envelope: string;
  /** What a valid transaction wrote into private collections: how many keys, and the root over `writeText` of each, hex. */
  writes: { count: number; root: string } | undefined;
}

/** A private write as its block has it, hex. Without a value it is a removal. */
export interface HashedKey {
  collection: string;
  keyHash: string;
  valueHash: string | undefined;
}

const FIRST_LINE = 'telemed-ledger/transaction@v1';
const NONE = '-';

/** The text whose hash is the leaf; each line ends with a newline. */
export function entryText({ block, header, position, transactionId, code, envelope, writes }: Entry): string {
  const lines = [
    FIRST_LINE,
    `block ${block}`,
    `header ${header}`,
    `position ${position}`,
    `transaction ${transactionId ?? NONE}`,
    `code ${code}`,
    `envelope ${envelope}`,
    `writes ${writes === undefined ? NONE : `${writes.count} ${writes.root}`}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const ENTRY = new RegExp(
  [
    `^${FIRST_LINE}`,
    'block (\\d{1,15})',
    'header ([0-9a-f]{64})',
    'position (\\d{1,15})',
    'transaction (-|[0-9a-f]{64})',
    'code (\\d{1,3})',
    'envelope ([0-9a-f]{64})',
    'writes (-|(\\d{1,15}) ([0-9a-f]{64}))\n$',
  ].join('\n'),
);

/** @throws Error where it is not exactly what `entryText` writes */
export function readEntry(text: string): Entry {
  const found = ENTRY.exec(text);
  if (found === null) throw new Error('the entry is not in its form');
  const [, block, header, position, id, code, envelope, , count, root] = found;
  const entry: Entry = {
    ...{ block: Number(block), header: header!, position: Number(position), code: Number(code), envelope: envelope! },
    transactionId: id === NONE ? undefined : id!,
    writes: root === undefined ? undefined : { count: Number(count), root },
  };
  if (entryText(entry) !== text) throw new Error('the entry is not in its form');
  return entry;
}

/** The text of a leaf of the tree over a transaction's private writes. */
export const writeText = ({ collection, keyHash, valueHash }: HashedKey): string =>
  `${collection} ${keyHash} ${valueHash ?? NONE}\n`;
