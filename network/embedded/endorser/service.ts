/** protos.Endorser over gRPC: what an SDK that talks to endorsers itself, or another peer, calls. */
import { status } from '@grpc/grpc-js';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { encodeResponse } from '../chaincode/messages.ts';
import { GatewayError } from '../server/error.ts';
import type { Endorsed, Endorser } from './endorser.ts';
import { readProposal } from './proposal.ts';

/**
 * Answers a serialised SignedProposal with a serialised ProposalResponse.
 * @throws GatewayError UNKNOWN where the proposal is not accepted for simulation.
 */
export async function processProposal(endorser: Endorser, request: Uint8Array): Promise<Buffer> {
  const reply = await endorser.process(readSigned(request));
  if (reply.kind !== 'response') throw new GatewayError(status.UNKNOWN, reply.message);
  return encodeProposalResponse(reply);
}

function readSigned(request: Uint8Array) {
  try {
    return readProposal(request);
  } catch (error) {
    throw new GatewayError(status.UNKNOWN, parsingText((error as Error).message));
  }
}

/** The endorser says what it was parsing, the gateway does not. */
function parsingText(message: string): string {
  const [, part] = /^error unmarshalling (Proposal|Header):/.exec(message) ?? [];
  return part === undefined ? message : `failed parsing ${part.toLowerCase()}: ${message}`;
}

function encodeProposalResponse({ response, payload, endorsement }: Endorsed): Buffer {
  return encode(
    [1, endorsement ? 1 : 0],
    [4, encodeResponse(response), true],
    [5, payload],
    [6, endorsement && encode([1, endorsement.endorser], [2, endorsement.signature]), true],
  );
}
