/**
 * A signed proposal taken apart once for everyone who looks at it: the gateway, each endorser and the prepared
 * envelope. All parts are slices of the bytes that came.
 */
import {
  type ChannelHeader,
  chaincodeOfExtension,
  readChannelHeader,
  readHeader,
  readSignatureHeader,
} from '@telemed-ledger/formats/blocks/transaction.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { MALFORMED, Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { SignedData } from '../seams.ts';

export interface Proposal {
  /** The SignedProposal as it came. */
  signedProposal: Uint8Array;
  signed: SignedData;
  channelHeader: Uint8Array;
  signatureHeader: Uint8Array;
  type: number;
  /** Milliseconds since 1970, undefined where the header has none. */
  timestamp: number | undefined;
  channel: string;
  txId: string;
  epoch: number;
  nonce: Uint8Array;
  /** Name in the header's extension; undefined where the extension names no chaincode. */
  extensionChaincode: string | undefined;
  /** ChaincodeProposalPayload without its transient map. */
  payloadForTransaction: Uint8Array;
  hasTransientData: boolean;
  /** The chaincode's name and ChaincodeInput, undefined where the specification lacks them. */
  hasSpec: boolean;
  chaincode: string | undefined;
  input: Uint8Array | undefined;
}

/** @throws Error with the text of the part that cannot be decoded. */
export function readProposal(signedProposal: Uint8Array): Proposal {
  const signed = part('SignedProposal', () => new Message(signedProposal));
  const proposal = part('Proposal', () => signed.inside(1));
  const { channelHeader, signatureHeader } = part('Header', () => readHeader(proposal.bytes(1)));
  const { timestamp, extension, ...channel } = part('ChannelHeader', () => readChannelHeader(channelHeader));
  const { creator, nonce } = part('SignatureHeader', () => readSignatureHeader(signatureHeader));
  const extensionChaincode = part('ChaincodeHeaderExtension', () => chaincodeOfExtension(extension));
  const payload = part('ChaincodeProposalPayload', () => proposal.inside(2));
  const input = part('ChaincodeInvocationSpec', () => payload.inside(1));
  const spec = part('ChaincodeInvocationSpec', () => input.message(1));
  return {
    signedProposal,
    signed: { creator, data: signed.bytes(1), signature: signed.bytes(2) },
    channelHeader,
    signatureHeader,
    ...channel,
    timestamp: timestamp && timestampMs(timestamp),
    nonce,
    extensionChaincode,
    payloadForTransaction: encode([1, payload.bytes(1)]),
    hasTransientData: payload.has(2),
    hasSpec: input.has(1),
    chaincode: spec.has(2) ? spec.message(2).text(2) : undefined,
    input: spec.has(3) ? spec.bytes(3) : undefined,
  };
}

/** SHA-256 over channel header, signature header and payload without transient data. */
export function proposalHash(proposal: Proposal): Buffer {
  return sha256(proposal.channelHeader, proposal.signatureHeader, proposal.payloadForTransaction);
}

/** The transaction id that nonce and creator make. */
export function computeTxId(nonce: Uint8Array, creator: Uint8Array): string {
  return sha256(nonce, creator).toString('hex');
}

/** The arguments of a ChaincodeInput. */
export function chaincodeArguments(input: Uint8Array): Buffer[] {
  return new Message(input).list(1);
}

export function timestampMs({ seconds, nanos }: NonNullable<ChannelHeader['timestamp']>): number {
  return seconds * 1000 + nanos / 1e6;
}

function part<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw new Error(`error unmarshalling ${name}: ${MALFORMED}`);
  }
}
