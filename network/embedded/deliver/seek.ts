/** What a deliver client asks for and whether it may have it, in the order of spec 2.1. */
import {
  readChannelHeader,
  readEnvelope,
  readHeader,
  readPayload,
  readSignatureHeader,
} from '@telemed-ledger/formats/blocks/transaction.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { timestampMs } from '../endorser/proposal.ts';
import type { Channel, Identity, SignedData } from '../seams.ts';

/** common.Status. */
export const Status = { SUCCESS: 200, BAD_REQUEST: 400, FORBIDDEN: 403, NOT_FOUND: 404 } as const;

const TIME_WINDOW_MS = 15 * 60_000;
const FAIL_IF_NOT_READY = 1;
const HEADER_WITH_SIG_BYTES = 1;

export interface Seek {
  requester: Identity;
  start: number;
  stop: number;
  failIfNotReady: boolean;
  withoutData: boolean;
}

/** Whose blocks are asked for: a peer's, or as the orderer made them; different policies say who may. */
export type SeekResource = 'events' | 'order';

/** The seek of a serialised Envelope at a height, or the status that refuses it. */
export async function readSeek(
  channel: Channel,
  resource: SeekResource,
  envelope: Uint8Array,
  height: number,
): Promise<Seek | number> {
  const request = decodeRequest(envelope);
  if (!request) return Status.BAD_REQUEST;
  if (request.channel !== channel.name) return Status.NOT_FOUND;
  const info = decode(request.seekInfo);
  if (!info) return Status.BAD_REQUEST;
  const requester = channel.identities.parse(request.signed.creator);
  if (!requester || isExpired(requester)) return Status.FORBIDDEN;
  if ((await channel.checkAcl(resource, request.signed)) !== undefined) return Status.FORBIDDEN;
  return readRange(requester, info, height);
}

export function isExpired(identity: Identity): boolean {
  return identity.notAfter.getTime() < Date.now();
}

function decodeRequest(envelope: Uint8Array) {
  try {
    const { payload, signature } = readEnvelope(envelope);
    const { header, data: seekInfo } = readPayload(payload);
    if (header === undefined) return undefined;
    const { channelHeader, signatureHeader } = readHeader(header);
    const { channel, timestamp } = readChannelHeader(channelHeader);
    if (timestamp === undefined || Math.abs(timestampMs(timestamp) - Date.now()) > TIME_WINDOW_MS) return undefined;
    const { creator } = readSignatureHeader(signatureHeader);
    const signed: SignedData = { creator, data: payload, signature };
    return { channel, signed, seekInfo };
  } catch {
    return undefined;
  }
}

function readRange(requester: Identity, info: Message, height: number): Seek | number {
  const [start, stop] = [info.message(1), info.message(2)];
  const first = startOf(start, height);
  if (first === undefined) return Status.BAD_REQUEST;
  const last = stopOf(stop, first, start.has(1), height);
  if (last === undefined || last < first) return Status.BAD_REQUEST;
  if (first > height) return Status.NOT_FOUND;
  return {
    requester,
    start: first,
    stop: last,
    failIfNotReady: info.number(3) === FAIL_IF_NOT_READY,
    withoutData: info.number(5) === HEADER_WITH_SIG_BYTES,
  };
}

/** A SeekPosition: 1 newest, 2 oldest, 3 specified, 4 next commit. */
function startOf(position: Message, height: number): number | undefined {
  if (position.has(1)) return height - 1;
  if (position.has(2)) return 0;
  if (position.has(3)) return position.message(3).number(1);
  return position.has(4) ? height : undefined;
}

function stopOf(position: Message, start: number, isStartNewest: boolean, height: number): number | undefined {
  if (position.has(1)) return isStartNewest ? start : height - 1;
  if (position.has(2)) return start;
  if (position.has(4)) return Number.POSITIVE_INFINITY;
  return position.has(3) ? position.message(3).number(1) : undefined;
}

function decode(bytes: Uint8Array): Message | undefined {
  try {
    return new Message(bytes);
  } catch {
    return undefined;
  }
}
