/**
 * What every database can store and index. Two organisations that write between themselves can put anything into a
 * block; U+0000, half a surrogate pair, or a key longer than an index takes, must stop no gateway.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';

/**
 * In bytes of UTF-8. PostgreSQL indexes at most 2,704 bytes a row: the longest index holds a type, an id, a key and
 * the name of a collection, or a type, an id, a search value's two parts, its parameter, a Patient's
 * id and a collection.
 */
export const LONGEST = { type: 64, id: 128, key: 512, status: 64, identifier: 512 } as const;

export const isText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

export const fits = (text: string, bytes: number): boolean => Buffer.byteLength(text, 'utf8') <= bytes && isText(text);

/** A search value or its system as it is stored and looked for: a digest where it is longer than an index takes. */
export const indexed = (text: string): string =>
  Buffer.byteLength(text, 'utf8') <= LONGEST.identifier ? text : `sha256:${sha256Hex(text)}`;

/** Whether every text of a row comes back as it was stored. */
export const isStorable = (row: object): boolean =>
  Object.values(row).every((value) => typeof value !== 'string' || isText(value));
