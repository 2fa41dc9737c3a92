/**
 * What one organisation's peer answers to a proposal, taken out of the transaction that the peer's gateway prepares, and
 * several such answers put together into one transaction. All of it stays the bytes that came.
 */
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';

/** One organisation's endorsement of a proposal. */
export interface Endorsement {
  /** MSP id. */
  organisation: string;
  /** gateway.PreparedTransaction */
  prepared: Uint8Array;
  /** peer.ProposalResponsePayload: what the chaincode read, wrote and answered. Equal bytes: the same result. */
  payload: Buffer;
  /** peer.Endorsement, one of each peer that signed. */
  signatures: Buffer[];
}

/** The messages between a prepared transaction and its endorsements, each the last one's field. */
interface Layers {
  transactionId: Buffer;
  header: Buffer;
  actionHeader: Buffer;
  proposal: Buffer;
  payload: Buffer;
  signatures: Buffer[];
}

/** gateway.PreparedTransaction → common.Envelope → Payload → peer.Transaction → its action. */
function layersOf(prepared: Uint8Array): Layers {
  const transaction = new Message(prepared);
  const payload = transaction.message(2).message(1);
  const action = payload.message(2).message(1);
  const content = action.message(2);
  const endorsed = content.message(2);
  return {
    transactionId: transaction.bytes(1),
    header: payload.bytes(1),
    actionHeader: action.bytes(1),
    proposal: content.bytes(1),
    payload: endorsed.bytes(1),
    signatures: endorsed.list(2),
  };
}

export function readEndorsement(organisation: string, prepared: Uint8Array): Endorsement {
  const { payload, signatures } = layersOf(prepared);
  return { organisation, prepared, payload, signatures };
}

export const isSameResult = (one: Endorsement, other: Endorsement): boolean => one.payload.equals(other.payload);

/** One transaction (gateway.PreparedTransaction, not signed) with the endorsements of all, whose results are the same. */
export function joined(endorsements: readonly [Endorsement, ...Endorsement[]]): Uint8Array {
  const [first] = endorsements;
  if (endorsements.length === 1) return first.prepared;
  const { transactionId, header, actionHeader, proposal, payload } = layersOf(first.prepared);
  const signatures = endorsements.flatMap((one) => one.signatures);
  const content = encode([1, proposal], [2, encode([1, payload], ...repeated(2, signatures))]);
  const transaction = encode([1, encode([1, actionHeader], [2, content]), true]);
  return encode([1, transactionId], [2, encode([1, encode([1, header, true], [2, transaction])]), true]);
}
