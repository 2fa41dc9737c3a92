/** qscc: reads of the chain itself (spec 5). */
import { envelopesOf } from '@telemed-ledger/formats/blocks/block.ts';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { Ledger } from '../seams.ts';

/** A function of qscc: the argument after the channel, at an organisation's peer, to the reply's payload. */
export type Query = (ledger: Ledger, argument: Buffer, organisation: string) => Uint8Array;

const LAST_BLOCK = 2n ** 64n - 1n;

/** Every one but GetChainInfo needs a third argument. */
export const queries: Record<string, Query> = {
  GetChainInfo: (ledger, _, organisation) => {
    const info = ledger.info(organisation);
    return encode([1, info.height], [2, info.currentBlockHash], [3, info.previousBlockHash]);
  },
  GetBlockByNumber: (ledger, argument) => {
    const text = argument.toString('utf8');
    if (!/^\d+$/.test(text)) {
      throw new Error(`Failed to parse block number with error strconv.ParseUint: parsing "${text}": invalid syntax`);
    }
    const number = BigInt(text) === LAST_BLOCK ? ledger.height() - 1 : Number(text);
    const block = ledger.block(number);
    if (block) return block;
    throw new Error(`Failed to get block number ${text}, error no such block number [${text}] in index`);
  },
  GetBlockByHash: (ledger, hash) => {
    const number = ledger.blockNumberByHash(hash);
    const block = number === undefined ? undefined : ledger.block(number);
    if (block) return block;
    const hex = hash.toString('hex');
    throw new Error(`Failed to get block hash ${hash.toString('utf8')}, error no such block hash [${hex}] in index`);
  },
  GetBlockByTxID: (ledger, argument) => {
    const txId = argument.toString('utf8');
    const transaction = ledger.transaction(txId);
    const block = transaction && ledger.block(transaction.block);
    if (block) return block;
    throw new Error(`Failed to get block for txID ${txId}, error no such transaction ID [${txId}] in index`);
  },
  GetTransactionByID: (ledger, argument) => {
    const txId = argument.toString('utf8');
    const transaction = ledger.transaction(txId);
    const block = transaction && ledger.block(transaction.block);
    const envelope = block && envelopesOf(block)[transaction.index];
    if (envelope) return encode([1, bufferOf(envelope), true], [2, transaction.code]);
    throw new Error(`Failed to get transaction with id ${txId}, error no such transaction ID [${txId}] in index`);
  },
};
