/**
 * An envelope taken apart, once: orderer, validation, commit and publishing share the result through the identity of
 * the envelope's buffer. Each level is parsed when it is first asked for and keeps the bytes that came.
 */
import type { NamespaceRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import { decodeRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import {
  CONFIG,
  CONFIG_UPDATE,
  chaincodeOfExtension,
  ENDORSER_TRANSACTION,
  type Endorsement,
  readActionPayload,
  readActions,
  readChaincodeAction,
  readChannelHeader,
  readEnvelope,
  readHeader,
  readPayload,
  readResponsePayload,
  readSignatureHeader,
} from '@telemed-ledger/formats/blocks/transaction.ts';
import * as codes from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';

export interface Header {
  channelHeader: Buffer;
  type: number;
  channel: string;
  txId: string;
  epoch: number;
  timestamp: { seconds: number; nanos: number };
  extension: Buffer;
  creator: Buffer;
  nonce: Buffer;
}

export interface Action {
  /** Bytes of the ProposalResponsePayload, over which (with the endorser) endorsements are signed. */
  responsePayload: Buffer;
  endorsements: Endorsement[];
  /** Bytes of the ChaincodeAction. */
  chaincodeAction: Buffer;
}

/** What a transaction says it did; `chaincode` is undefined where the action names none. */
export interface Effects {
  rwset: NamespaceRwset[];
  event: Buffer | undefined;
  chaincode: { name: string; version: string } | undefined;
  invoked: string | undefined;
}

export class ParsedTransaction {
  readonly envelope: Buffer;
  readonly payload: Buffer;
  readonly signature: Buffer;
  readonly data: Buffer;
  readonly header: Header | undefined;
  /** VALID, or why the envelope could not be read as far as its header (spec 4.2). */
  readonly code: number;
  #action: Action | number | undefined;
  #effects: Effects | number | undefined;

  constructor(bytes: Uint8Array) {
    this.envelope = bufferOf(bytes);
    this.payload = this.signature = this.data = Buffer.alloc(0);
    this.code = codes.INVALID_OTHER_REASON;
    try {
      ({ payload: this.payload, signature: this.signature } = readEnvelope(this.envelope));
      this.code = codes.BAD_PAYLOAD;
      const { header, data } = readPayload(this.payload);
      this.data = data;
      this.code = codes.BAD_COMMON_HEADER;
      if (header === undefined) return;
      this.header = parseHeader(header);
      this.code = isAcceptable(this.header) ? codes.VALID : codes.BAD_COMMON_HEADER;
    } catch {
      // The code says how far it came.
    }
  }

  get txId(): string {
    return this.header?.txId ?? '';
  }

  /** The one action of an endorser transaction, or a validation code. */
  get action(): Action | number {
    this.#action ??= this.#readAction();
    return this.#action;
  }

  /** The read/write set and what belongs to it, or a validation code. */
  get effects(): Effects | number {
    this.#effects ??= this.#readEffects();
    return this.#effects;
  }

  /** The read/write set where there is one to read, else nothing. */
  get rwset(): NamespaceRwset[] {
    if (this.code !== codes.VALID || this.header?.type !== ENDORSER_TRANSACTION) return [];
    const effects = this.effects;
    return typeof effects === 'number' ? [] : effects.rwset;
  }

  #readAction(): Action | number {
    try {
      return (
        parseAction(this.header?.channelHeader ?? Buffer.alloc(0), this.data) ?? codes.INVALID_ENDORSER_TRANSACTION
      );
    } catch {
      return codes.INVALID_ENDORSER_TRANSACTION;
    }
  }

  #readEffects(): Effects | number {
    const action = this.action;
    if (typeof action === 'number') return action;
    let code = codes.BAD_HEADER_EXTENSION;
    try {
      const invoked = chaincodeOfExtension(this.header?.extension ?? Buffer.alloc(0));
      code = codes.BAD_RESPONSE_PAYLOAD;
      if (action.chaincodeAction.length === 0) return code;
      const { results, event, chaincode } = readChaincodeAction(action.chaincodeAction);
      code = codes.BAD_RWSET;
      return { rwset: decodeRwset(results), event, chaincode, invoked };
    } catch {
      return code;
    }
  }
}

function parseHeader(bytes: Buffer): Header {
  const { channelHeader, signatureHeader } = readHeader(bytes);
  const { timestamp = { seconds: 0, nanos: 0 }, ...channel } = readChannelHeader(channelHeader);
  return { channelHeader, ...channel, timestamp, ...readSignatureHeader(signatureHeader) };
}

function isAcceptable(header: Header): boolean {
  const knownType = header.type === CONFIG || header.type === CONFIG_UPDATE || header.type === ENDORSER_TRANSACTION;
  return knownType && header.epoch === 0 && header.nonce.length > 0 && header.creator.length > 0;
}

/** undefined where the transaction has not exactly one action or the proposal hash differs. */
function parseAction(channelHeader: Buffer, data: Buffer): Action | undefined {
  const [only, ...others] = readActions(data);
  if (!only || others.length > 0) return undefined;
  const { creator, nonce } = readSignatureHeader(only.header);
  if (creator.length === 0 || nonce.length === 0) return undefined;
  const { proposalPayload, responsePayload, endorsements } = readActionPayload(only.payload);
  const { proposalHash, chaincodeAction } = readResponsePayload(responsePayload);
  if (!proposalHash.equals(sha256(channelHeader, only.header, proposalPayload))) return undefined;
  return { responsePayload, endorsements, chaincodeAction };
}

const parsed = new WeakMap<Uint8Array, ParsedTransaction>();

/** The envelope's parts; the same object for the same buffer. */
export function parseTransaction(envelope: Uint8Array): ParsedTransaction {
  let transaction = parsed.get(envelope);
  if (!transaction) {
    transaction = new ParsedTransaction(envelope);
    parsed.set(envelope, transaction);
  }
  return transaction;
}
