/**
 * The messages around a transaction (fabric-protos common/common, peer/transaction, peer/proposal_response), each read
 * one level deep with its fields named. A reader goes down as far as it needs; bytes are slices of those that came.
 */
import { Message } from '../protobuf/message.ts';

/** common.HeaderType */
export const CONFIG = 1;
export const CONFIG_UPDATE = 2;
export const ENDORSER_TRANSACTION = 3;

export interface ChannelHeader {
  /** common.HeaderType */
  type: number;
  channel: string;
  txId: string;
  epoch: number;
  /** undefined where the header has none. */
  timestamp: { seconds: number; nanos: number } | undefined;
  /** Bytes of a ChaincodeHeaderExtension. */
  extension: Buffer;
}

export interface Endorsement {
  /** Bytes of a SerializedIdentity. */
  endorser: Buffer;
  signature: Buffer;
}

/** common.Envelope. @throws MalformedMessage, as every reader here. */
export function readEnvelope(bytes: Uint8Array): { payload: Buffer; signature: Buffer } {
  const envelope = new Message(bytes);
  return { payload: envelope.bytes(1), signature: envelope.bytes(2) };
}

/** common.Payload: the bytes of its header, undefined where there is none, and its data. */
export function readPayload(bytes: Uint8Array): { header: Buffer | undefined; data: Buffer } {
  const payload = new Message(bytes);
  const [header, ...more] = payload.list(1);
  // A header in several parts is one header to Fabric's nodes (see Message.message).
  return { header: header && more.length > 0 ? Buffer.concat([header, ...more]) : header, data: payload.bytes(2) };
}

/** common.Header: the bytes of its two parts. */
export function readHeader(bytes: Uint8Array): { channelHeader: Buffer; signatureHeader: Buffer } {
  const header = new Message(bytes);
  return { channelHeader: header.bytes(1), signatureHeader: header.bytes(2) };
}

/** common.ChannelHeader */
export function readChannelHeader(bytes: Uint8Array): ChannelHeader {
  const header = new Message(bytes);
  return {
    type: header.int32(1),
    timestamp: header.has(3) ? readTimestamp(header.message(3)) : undefined,
    channel: header.text(4),
    txId: header.text(5),
    epoch: header.number(6),
    extension: header.bytes(7),
  };
}

/** google.protobuf.Timestamp, which clients fill in as they like. */
const readTimestamp = (timestamp: Message): { seconds: number; nanos: number } => ({
  seconds: timestamp.int64(1),
  nanos: timestamp.int32(2),
});

/** common.SignatureHeader: who signs (bytes of a SerializedIdentity), and the number used once. */
export function readSignatureHeader(bytes: Uint8Array): { creator: Buffer; nonce: Buffer } {
  const header = new Message(bytes);
  return { creator: header.bytes(1), nonce: header.bytes(2) };
}

/** The chaincode that a ChaincodeHeaderExtension names. */
export function chaincodeOfExtension(bytes: Uint8Array): string | undefined {
  const extension = new Message(bytes);
  return extension.has(2) ? extension.message(2).text(2) : undefined;
}

/** peer.Transaction: its actions, with the bytes of their signature header and of their ChaincodeActionPayload. */
export const readActions = (data: Uint8Array): { header: Buffer; payload: Buffer }[] =>
  new Message(data).messages(1).map((action) => ({ header: action.bytes(1), payload: action.bytes(2) }));

export interface ActionPayload {
  /** Bytes of the ChaincodeProposalPayload. */
  proposalPayload: Buffer;
  /** Bytes of the ProposalResponsePayload, over which (with the endorser) endorsements are signed. */
  responsePayload: Buffer;
  endorsements: Endorsement[];
}

/** peer.ChaincodeActionPayload and the ChaincodeEndorsedAction in it. */
export function readActionPayload(bytes: Uint8Array): ActionPayload {
  const payload = new Message(bytes);
  const endorsed = payload.message(2);
  return {
    proposalPayload: payload.bytes(1),
    responsePayload: endorsed.bytes(1),
    endorsements: endorsed.messages(2).map((each) => ({ endorser: each.bytes(1), signature: each.bytes(2) })),
  };
}

/** peer.ProposalResponsePayload: the proposal's hash and the bytes of the ChaincodeAction. */
export function readResponsePayload(bytes: Uint8Array): { proposalHash: Buffer; chaincodeAction: Buffer } {
  const payload = new Message(bytes);
  return { proposalHash: payload.bytes(1), chaincodeAction: payload.bytes(2) };
}

export interface ChaincodeAction {
  /** Bytes of the TxReadWriteSet. */
  results: Buffer;
  /** Bytes of the ChaincodeEvent, undefined where none was set. */
  event: Buffer | undefined;
  /** undefined where the action names no chaincode. */
  chaincode: { name: string; version: string } | undefined;
}

/** peer.ChaincodeAction */
export function readChaincodeAction(bytes: Uint8Array): ChaincodeAction {
  const action = new Message(bytes);
  const id = action.has(4) ? action.message(4) : undefined;
  return {
    results: action.bytes(1),
    event: action.has(2) ? action.bytes(2) : undefined,
    chaincode: id && { name: id.text(2), version: id.text(3) },
  };
}

/** peer.ChaincodeEvent */
export function readChaincodeEvent(bytes: Uint8Array): {
  chaincode: string;
  txId: string;
  name: string;
  payload: Buffer;
} {
  const event = new Message(bytes);
  return { chaincode: event.text(1), txId: event.text(2), name: event.text(3), payload: event.bytes(4) };
}
