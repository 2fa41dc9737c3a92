/**
 * `embedded.Operations/Verify`: an organisation's operator asks its own peer to verify what it holds. Fabric has no such
 * service; there an operator reads the blocks by Deliver. Request: an Envelope as for Deliver, signed by a member of
 * the peer's organisation. Response: JSON texts, `{block}` as it goes and `{verification}` at the end.
 */
import { status } from '@grpc/grpc-js';
import {
  readChannelHeader,
  readEnvelope,
  readHeader,
  readPayload,
  readSignatureHeader,
} from '@telemed-ledger/formats/blocks/transaction.ts';
import type { Outlet } from '../deliver/deliver.ts';
import { timestampMs } from '../endorser/proposal.ts';
import type { Verification } from '../ledger/verification/verify.ts';
import type { Channel } from '../seams.ts';
import { GatewayError } from '../server/error.ts';
import type { Verifications } from './verifications.ts';

const TIME_WINDOW_MS = 15 * 60_000;

export interface OperationsParts {
  channel: Channel;
  verifications: Verifications;
  local: { organisation: string; mspId: string };
}

/** What an answer holds; the last has the verification. */
export type VerifyAnswer = { block: number } | { verification: Verification };

/** @throws GatewayError PERMISSION_DENIED, INVALID_ARGUMENT, or INTERNAL where the verification fails. */
export async function verify(parts: OperationsParts, envelope: Uint8Array, outlet: Outlet): Promise<void> {
  await assertMember(parts, envelope);
  const send = (answer: VerifyAnswer): Promise<void> => outlet.write(Buffer.from(JSON.stringify(answer)));
  const verification = await parts.verifications
    .verify((block) => void send({ block }))
    .catch((error: Error) => Promise.reject(new GatewayError(status.INTERNAL, error.message)));
  await send({ verification: onlyOf(parts.local.organisation, verification) });
}

/** What all peers share, and what is this organisation's own. */
function onlyOf(organisation: string, verification: Verification): Verification {
  return {
    ...verification,
    privateValues: { [organisation]: verification.privateValues[organisation] ?? 0 },
    damages: verification.damages.filter((each) => [undefined, organisation].includes(each.organisation)),
  };
}

async function assertMember({ channel, local }: OperationsParts, envelope: Uint8Array): Promise<void> {
  const { creator, data, signature, sentAtMs } = readRequest(envelope);
  if (Math.abs(sentAtMs - Date.now()) > TIME_WINDOW_MS) {
    throw new GatewayError(status.INVALID_ARGUMENT, 'the request is more than 15 minutes old or ahead');
  }
  const { identities } = channel;
  const identity = identities.parse(creator);
  const isMember =
    identity?.mspId === local.mspId &&
    identities.invalidity(identity) === undefined &&
    identity.notAfter.getTime() > Date.now() &&
    (await identities.verify(identity, data, signature));
  if (!isMember) throw new GatewayError(status.PERMISSION_DENIED, `this peer answers members of ${local.mspId}`);
}

function readRequest(bytes: Uint8Array): { creator: Buffer; data: Buffer; signature: Buffer; sentAtMs: number } {
  try {
    const { payload, signature } = readEnvelope(bytes);
    const { channelHeader, signatureHeader } = readHeader(readPayload(payload).header ?? Buffer.alloc(0));
    const { timestamp } = readChannelHeader(channelHeader);
    const sentAtMs = timestamp ? timestampMs(timestamp) : 0;
    return { creator: readSignatureHeader(signatureHeader).creator, data: payload, signature, sentAtMs };
  } catch {
    throw new GatewayError(status.INVALID_ARGUMENT, 'the request is no envelope');
  }
}
