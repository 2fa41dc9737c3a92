/** Whether a block is the one that was ordered, and what of its bytes is not. */

import {
  COMMIT_HASH,
  decodeBlock,
  headerDer,
  SIGNATURES,
  type StoredBlock,
  TRANSACTIONS_FILTER,
} from '@telemed-ledger/formats/blocks/block.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel } from '../../seams.ts';
import type { Subject } from './damage.ts';

export interface JudgedBlock {
  /** undefined where the bytes are no block. */
  block: StoredBlock | undefined;
  /** What by the block itself is not as it was ordered. */
  faults: Subject[];
}

/** `previous` is the header hash of the block before, undefined where that is not known. */
export async function judgeBlock(
  bytes: Buffer,
  number: number,
  previous: Buffer | undefined,
  channel: Channel,
): Promise<JudgedBlock> {
  const block = readBlock(bytes);
  if (!block) return { block, faults: ['block'] };
  const { header } = block;
  if (header.number !== number) return { block, faults: ['block number'] };
  const faults = dataFault(block);
  if (previous && !header.previousHash.equals(previous)) faults.push('block link');
  if (number > 0 && !(await isSigned(block, channel))) faults.push('block signature');
  return { block, faults };
}

export function dataFault({ header, envelopes }: StoredBlock): Subject[] {
  return header.dataHash.equals(sha256(...envelopes)) ? [] : ['block data'];
}

export function readBlock(bytes: Buffer): StoredBlock | undefined {
  try {
    return decodeBlock(bytes);
  } catch {
    return undefined;
  }
}

/** Whether the SIGNATURES entry holds the signature of an orderer of the channel. */
async function isSigned({ header, metadata }: StoredBlock, { identities }: Channel): Promise<boolean> {
  try {
    const entry = new Message(metadata[SIGNATURES] ?? Buffer.alloc(0));
    const [bytes] = entry.list(2);
    if (!bytes) return false;
    const signature = new Message(bytes);
    const orderer = identities.parse(signature.message(1).bytes(1));
    if (orderer?.nodeOu !== 'orderer' || identities.invalidity(orderer) !== undefined) return false;
    const signed = Buffer.concat([entry.bytes(1), signature.bytes(1), headerDer(header)]);
    return await identities.verify(orderer, signed, signature.bytes(2));
  } catch {
    return false;
  }
}

/** What of a block's bytes differs from the block that belongs there; nothing where they are equal. */
export function faultsAgainst(bytes: Buffer, right: Buffer): Subject[] {
  if (bytes.equals(right)) return [];
  const [held, expected] = [readBlock(bytes), readBlock(right)];
  if (!held || !expected) return ['block'];
  if (held.header.number !== expected.header.number) return ['block number'];
  const faults: Subject[] = [];
  if (!held.header.previousHash.equals(expected.header.previousHash)) faults.push('block link');
  const isSameData = sha256(...held.envelopes).equals(sha256(...expected.envelopes));
  if (!isSameData || !held.header.dataHash.equals(expected.header.dataHash)) faults.push('block data');
  const differs = (entry: number): boolean =>
    !(held.metadata[entry] ?? Buffer.alloc(0)).equals(expected.metadata[entry] ?? Buffer.alloc(0));
  if (differs(SIGNATURES)) faults.push('block signature');
  if (differs(TRANSACTIONS_FILTER)) faults.push('validation codes');
  if (differs(COMMIT_HASH)) faults.push('commit hash');
  return faults.length > 0 ? faults : ['block metadata'];
}
