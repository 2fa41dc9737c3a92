/** gateway.Gateway/Evaluate: one peer runs the chaincode and nothing is ordered (spec 1.1, 1.2). */
import { status } from '@grpc/grpc-js';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { encodeResponse } from '../chaincode/messages.ts';
import { type ErrorDetail, GatewayError } from '../server/error.ts';
import type { Peer } from '../server/peer.ts';
import { isFailure } from './classify.ts';
import { ask, detailOf, type GatewayParts, openCall, peersRunning, unpack } from './peers.ts';

/** Answers a serialised EvaluateRequest with a serialised EvaluateResponse. */
export async function evaluate(parts: GatewayParts, bytes: Uint8Array): Promise<Buffer> {
  const request = new Message(bytes);
  const proposal = unpackForEvaluate(request);
  const call = openCall(parts, proposal);
  const details: ErrorDetail[] = [];
  let last: status = status.UNAVAILABLE;
  for (const peer of choosePeers(parts, proposal, request.list(4).map(String))) {
    const outcome = await ask(peer, call);
    if (!isFailure(outcome)) return encode([1, encodeResponse(outcome.response), true]);
    details.push(detailOf(peer, outcome));
    last = outcome.code;
    if (!outcome.isRetryable) {
      throw new GatewayError(last, `evaluate call to endorser returned error: ${outcome.message}`, details);
    }
  }
  throw new GatewayError(last, 'failed to evaluate transaction, see attached details for more info', details);
}

function unpackForEvaluate(request: Message) {
  try {
    if (request.bytes(3).length === 0) throw new Error('a signed proposal is required');
    return unpack(request.bytes(3));
  } catch (error) {
    const reason = (error as Error).message;
    throw new GatewayError(status.INVALID_ARGUMENT, `failed to unpack transaction proposal: ${reason}`);
  }
}

function choosePeers(parts: GatewayParts, proposal: ReturnType<typeof unpack>, targets: string[]): Peer[] {
  const { channel, chaincode, hasTransientData } = proposal;
  if (channel !== parts.channel.name) {
    const message = `failed to get config for channel [${channel}]: could not get last config for channel ${channel}`;
    throw new GatewayError(status.UNAVAILABLE, message);
  }
  const running = peersRunning(chaincode, parts);
  const isProtected = hasTransientData && targets.length === 0;
  const wanted = isProtected ? [parts.local.mspId] : targets;
  const chosen = wanted.length > 0 ? running.filter((peer) => wanted.includes(peer.mspId)) : running;
  if (chosen.length > 0) return chosen;
  const prefix = isProtected
    ? "no endorsers found in the gateway's organization; retry specifying target organization(s) to protect transient data: "
    : '';
  const message = `${prefix}no peers available to evaluate chaincode ${chaincode} in channel ${channel}`;
  throw new GatewayError(status.FAILED_PRECONDITION, message);
}
