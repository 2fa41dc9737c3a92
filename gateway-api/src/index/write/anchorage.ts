/**
 * What the blocks must say of a private key before something that rests on it is believed: that one of some collections
 * holds exactly this value under it. Every member reads that from the hashes, whether it holds the value or not.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';

export interface Anchorage {
  anyOf: readonly string[];
  /** SHA-256 of the key, hex. */
  keyHash: string;
  /** SHA-256 of the value, hex. */
  anchor: string;
}

export const anchorageOf = (anyOf: readonly string[], key: string, text: string): Anchorage => ({
  ...{ anyOf, keyHash: sha256Hex(key), anchor: sha256Hex(text) },
});
