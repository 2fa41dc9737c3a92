/**
 * An envelope taken apart, once: orderer, validation, commit and publishing share the result through the identity of
 * the envelope's buffer. Each level is parsed when it is first asked for and keeps the bytes that came.
 */
import type { NamespaceRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import { decodeRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import * as codes from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';

export const ENDORSER_TRANSACTION = 3;
export const CONFIG = 1;
export const CONFIG_UPDATE = 2;

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

export interface Endorsement {
  endorser: Buffer;
  signature: Buffer;
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
      const envelope = new Message(this.envelope);
      this.payload = envelope.bytes(1);
      this.signature = envelope.bytes(2);
      this.code = codes.BAD_PAYLOAD;
      const payload = new Message(this.payload);
      this.data = payload.bytes(2);
      this.code = codes.BAD_COMMON_HEADER;
      if (!payload.has(1)) return;
      this.header = parseHeader(payload.bytes(1));
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
      const extension = new Message(this.header?.extension ?? Buffer.alloc(0));
      const invoked = extension.has(2) ? extension.message(2).text(2) : undefined;
      code = codes.BAD_RESPONSE_PAYLOAD;
      if (action.chaincodeAction.length === 0) return code;
      const response = new Message(action.chaincodeAction);
      const id = response.has(4) ? response.message(4) : undefined;
      const chaincode = id && { name: id.text(2), version: id.text(3) };
      code = codes.BAD_RWSET;
      const rwset = decodeRwset(response.bytes(1));
      return { rwset, event: response.has(2) ? response.bytes(2) : undefined, chaincode, invoked };
    } catch {
      return code;
    }
  }
}

function parseHeader(bytes: Buffer): Header {
  const header = new Message(bytes);
  const channelHeader = header.bytes(1);
  const channel = new Message(channelHeader);
  const signature = header.message(2);
  const timestamp = channel.message(3);
  return {
    channelHeader,
    type: channel.number(1),
    channel: channel.text(4),
    txId: channel.text(5),
    epoch: channel.number(6),
    timestamp: { seconds: timestamp.number(1), nanos: timestamp.number(2) },
    extension: channel.bytes(7),
    creator: signature.bytes(1),
    nonce: signature.bytes(2),
  };
}

function isAcceptable(header: Header): boolean {
  const knownType = header.type === CONFIG || header.type === CONFIG_UPDATE || header.type === ENDORSER_TRANSACTION;
  return knownType && header.epoch === 0 && header.nonce.length > 0 && header.creator.length > 0;
}

/** undefined where the transaction has not exactly one action or the proposal hash differs. */
function parseAction(channelHeader: Buffer, data: Buffer): Action | undefined {
  const [only, ...others] = new Message(data).list(1);
  if (!only || others.length > 0) return undefined;
  const action = new Message(only);
  const signatureHeader = action.bytes(1);
  const header = new Message(signatureHeader);
  if (header.bytes(1).length === 0 || header.bytes(2).length === 0) return undefined;
  const payload = action.message(2);
  const endorsed = payload.message(2);
  const responsePayload = endorsed.bytes(1);
  const response = new Message(responsePayload);
  if (!response.bytes(1).equals(sha256(channelHeader, signatureHeader, payload.bytes(1)))) return undefined;
  return {
    responsePayload,
    endorsements: endorsed.list(2).map((bytes) => {
      const endorsement = new Message(bytes);
      return { endorser: endorsement.bytes(1), signature: endorsement.bytes(2) };
    }),
    chaincodeAction: response.bytes(2),
  };
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
