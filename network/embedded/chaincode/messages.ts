/** The messages between a peer and a chaincode (chaincode_shim.proto), as bytes in and out. */
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';

export const MessageType = {
  REGISTER: 1,
  REGISTERED: 2,
  READY: 4,
  TRANSACTION: 5,
  COMPLETED: 6,
  ERROR: 7,
  GET_STATE: 8,
  PUT_STATE: 9,
  DEL_STATE: 10,
  INVOKE_CHAINCODE: 11,
  RESPONSE: 13,
  GET_STATE_BY_RANGE: 14,
  GET_QUERY_RESULT: 15,
  QUERY_STATE_NEXT: 16,
  QUERY_STATE_CLOSE: 17,
  GET_HISTORY_FOR_KEY: 19,
  GET_STATE_METADATA: 20,
  PUT_STATE_METADATA: 21,
  GET_PRIVATE_DATA_HASH: 22,
  PURGE_PRIVATE_DATA: 23,
  WRITE_BATCH_STATE: 24,
} as const;

const names = new Map<number, string>(Object.entries(MessageType).map(([name, type]) => [type, name]));

/** The name Fabric's error texts use. */
export function messageTypeName(type: number): string {
  return names.get(type) ?? String(type);
}

export interface ChaincodeMessage {
  type: number;
  payload: Uint8Array;
  txId: string;
  channel: string;
  /** A serialised SignedProposal. */
  proposal?: Uint8Array;
  /** A serialised ChaincodeEvent. */
  event?: Uint8Array;
}

export function encodeMessage(message: ChaincodeMessage): Buffer {
  return encode(
    [1, message.type],
    [3, message.payload],
    [4, message.txId],
    [5, message.proposal, true],
    [6, message.event, true],
    [7, message.channel],
  );
}

export function decodeMessage(bytes: Uint8Array): ChaincodeMessage {
  const fields = new Message(bytes);
  return {
    type: fields.number(1),
    payload: fields.bytes(3),
    txId: fields.text(4),
    channel: fields.text(7),
    ...(fields.has(6) ? { event: fields.bytes(6) } : {}),
  };
}

/** peer.Response: what a chaincode answers. */
export interface ChaincodeResponse {
  status: number;
  message: string;
  payload: Uint8Array;
}

export function decodeResponse(bytes: Uint8Array): ChaincodeResponse {
  const fields = new Message(bytes);
  return { status: fields.number(1), message: fields.text(2), payload: fields.bytes(3) };
}

export function encodeResponse(response: ChaincodeResponse): Buffer {
  return encode([1, response.status], [2, response.message], [3, response.payload]);
}
