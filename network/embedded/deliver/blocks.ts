/**
 * Blocks as the event services send them. Several streams read the same block at about the same time, so what is
 * taken from it is made once and kept for the most recent blocks.
 */
import { codesOf, envelopesOf } from '@telemed-ledger/formats/blocks/block.ts';
import {
  CONFIG,
  chaincodeOfExtension,
  ENDORSER_TRANSACTION,
  readActionPayload,
  readActions,
  readChaincodeAction,
  readChaincodeEvent,
  readChannelHeader,
  readEnvelope,
  readHeader,
  readPayload,
  readResponsePayload,
} from '@telemed-ledger/formats/blocks/transaction.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Ledger } from '../seams.ts';

const KEPT = 8;

export interface BlockTransaction {
  txId: string;
  /** common.HeaderType; config transactions are 1, endorser transactions 3. */
  type: number;
  /** peer.TxValidationCode. */
  code: number;
  channel: string;
  chaincode: string;
  /** Serialised ChaincodeEvent. */
  event: Buffer | undefined;
}

export class SharedBlock {
  readonly number: number;
  /** Serialised common.Block. */
  readonly bytes: Uint8Array;
  #transactions: BlockTransaction[] | undefined;
  #filtered: Buffer | undefined;

  constructor(number: number, bytes: Uint8Array) {
    this.number = number;
    this.bytes = bytes;
  }

  get transactions(): BlockTransaction[] {
    this.#transactions ??= readTransactions(this.bytes);
    return this.#transactions;
  }

  /** Serialised FilteredBlock: ids, codes, and events without their payload, invalid transactions included. */
  filtered(channel: string): Buffer {
    this.#filtered ??= encode([1, channel], [2, this.number], ...repeated(4, this.transactions.map(filterTransaction)));
    return this.#filtered;
  }

  /** The block without its data, unless that is a configuration. */
  headerWithSignatures(): Uint8Array {
    if (this.transactions.some(({ type }) => type === CONFIG)) return this.bytes;
    const block = new Message(this.bytes);
    return encode([1, block.bytes(1), true], [3, block.bytes(3), true]);
  }
}

/** The channel's blocks by number, shared by all streams of all peers. */
export class Blocks {
  readonly #ledger: Ledger;
  readonly #recent = new Map<number, SharedBlock>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get(number: number): SharedBlock {
    const known = this.#recent.get(number);
    if (known) return known;
    const bytes = this.#ledger.block(number);
    if (!bytes) throw new Error(`block ${number} is not in the ledger`);
    const block = new SharedBlock(number, bytes);
    this.#recent.set(number, block);
    if (this.#recent.size > KEPT) this.#recent.delete(this.#recent.keys().next().value as number);
    return block;
  }
}

function readTransactions(block: Uint8Array): BlockTransaction[] {
  const codes = codesOf(block);
  return envelopesOf(block).map((envelope, index) => readTransaction(envelope, codes[index] ?? 0));
}

/** An undecodable envelope is in the block, with its code and nothing else. */
function readTransaction(envelope: Buffer, code: number): BlockTransaction {
  const transaction: BlockTransaction = { txId: '', type: 0, code, channel: '', chaincode: '', event: undefined };
  try {
    const { header, data } = readPayload(readEnvelope(envelope).payload);
    if (header === undefined) return transaction;
    const { type, channel, txId, extension } = readChannelHeader(readHeader(header).channelHeader);
    Object.assign(transaction, { type, channel, txId });
    if (type !== ENDORSER_TRANSACTION) return transaction;
    transaction.chaincode = chaincodeOfExtension(extension) ?? '';
    const [action] = readActions(data);
    if (action === undefined) return transaction;
    const { chaincodeAction } = readResponsePayload(readActionPayload(action.payload).responsePayload);
    transaction.event = readChaincodeAction(chaincodeAction).event;
  } catch {}
  return transaction;
}

function filterTransaction({ txId, type, code, event }: BlockTransaction): Buffer {
  const read = event && readChaincodeEvent(event);
  const bare = read && encode([1, read.chaincode], [2, read.txId], [3, read.name]);
  const actions = encode(...(bare ? repeated(1, [encode([1, bare, true])]) : []));
  return encode([1, txId], [2, type], [3, code], [4, type === ENDORSER_TRANSACTION ? actions : undefined, true]);
}
