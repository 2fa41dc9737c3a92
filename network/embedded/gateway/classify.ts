/**
 * What the gateway makes of an endorser's reply (spec 1.2). The gateway peer's own endorser is called in place and
 * shows its errors; other peers are reached as over gRPC, which hides all but the text.
 */
import { status } from '@grpc/grpc-js';
import type { Endorsed, EndorserReply } from '../endorser/endorser.ts';

export interface EndorserFailure {
  code: status;
  message: string;
  /** Another peer may do better. */
  isRetryable: boolean;
}

export function isFailure(outcome: Endorsed | EndorserFailure): outcome is EndorserFailure {
  return 'isRetryable' in outcome;
}

export function classify(reply: EndorserReply, isLocal: boolean): Endorsed | EndorserFailure {
  if (reply.kind !== 'response') {
    if (isLocal && reply.kind === 'rejected') {
      return { code: status.FAILED_PRECONDITION, message: reply.message, isRetryable: false };
    }
    const prefix = isLocal ? '' : 'rpc error: code = Unknown desc = ';
    return { code: status.UNAVAILABLE, message: prefix + reply.message, isRetryable: true };
  }
  const { status: code, message } = reply.response;
  if (code >= 200 && code < 400) return reply;
  if (code === 500 && reply.payload.length === 0) return { code: status.ABORTED, message, isRetryable: true };
  return { code: status.UNKNOWN, message: `chaincode response ${code}, ${message}`, isRetryable: false };
}

/** A peer that cannot be reached. */
export function unreachable(address: string): EndorserFailure {
  const message = `rpc error: code = Unavailable desc = connection error: desc = "transport: error while dialing: dial tcp ${address}: connect: connection refused"`;
  return { code: status.UNAVAILABLE, message, isRetryable: true };
}
