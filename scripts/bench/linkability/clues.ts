/** What the blocks show of each transaction to any member of the channel, and that may be there again in another one. */
import { createHash } from 'node:crypto';
import { codesOf, envelopesOf } from '@telemed-ledger/formats/blocks/block.ts';
import { decodeRwset, type NamespaceRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import {
  ENDORSER_TRANSACTION,
  readActionPayload,
  readActions,
  readChaincodeAction,
  readChaincodeEvent,
  readChannelHeader,
  readEnvelope,
  readHeader,
  readPayload,
  readResponsePayload,
  readSignatureHeader,
} from '@telemed-ledger/formats/blocks/transaction.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { deliver } from '../../verification/channel/deliver.ts';
import type { Reach } from '../../verification/channel/reach.ts';

export interface Clue {
  kind: 'argument' | 'event' | 'creator' | 'publicKey' | 'readKey' | 'value';
  value: string;
}

export interface Seen {
  /** `contract:Transaction` */
  name: string;
  /** The client's timestamp, ISO 8601 UTC. */
  time: string;
  clues: Clue[];
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Every valid transaction of a chaincode since `from`, as this organisation's peer delivers it. */
export async function seenBy(reach: Reach, from: string): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { bytes } of deliver(reach, { from: 0, to: 'newest', withPrivateData: false })) {
    const codes = codesOf(bytes);
    for (const [index, envelope] of envelopesOf(bytes).entries()) {
      const one = codes[index] === VALID ? seenIn(envelope) : undefined;
      if (one !== undefined && one.time >= from) seen.push(one);
    }
  }
  return seen;
}

/** Undefined for what is no call of our chaincode. */
function seenIn(envelope: Uint8Array): Seen | undefined {
  const { header, data } = readPayload(readEnvelope(envelope).payload);
  if (header === undefined) return undefined;
  const { channelHeader, signatureHeader } = readHeader(header);
  const { type, timestamp } = readChannelHeader(channelHeader);
  const [action] = readActions(data);
  if (type !== ENDORSER_TRANSACTION || action === undefined) return undefined;
  const { proposalPayload, responsePayload } = readActionPayload(action.payload);
  const [name = '', ...others] = argumentsOf(proposalPayload);
  if (!name.includes(':')) return undefined;
  const { event, results } = readChaincodeAction(readResponsePayload(responsePayload).chaincodeAction);
  const { creator } = readSignatureHeader(signatureHeader);
  const { seconds, nanos } = timestamp ?? { seconds: 0, nanos: 0 };
  return {
    name,
    time: new Date(seconds * 1000 + Math.floor(nanos / 1e6)).toISOString(),
    clues: [
      { kind: 'creator', value: createHash('sha256').update(creator).digest('hex') },
      ...cluesIn('argument', others.join(' ')),
      ...cluesIn('event', event === undefined ? '' : readChaincodeEvent(event).payload.toString('utf8')),
      ...decodeRwset(results).flatMap(cluesOfKeys),
    ],
  };
}

/** Of a ChaincodeProposalPayload: the function and its arguments. */
const argumentsOf = (proposalPayload: Uint8Array): string[] =>
  new Message(proposalPayload)
    .message(1)
    .message(1)
    .message(3)
    .list(1)
    .map((one) => one.toString('utf8'));

const cluesIn = (kind: 'argument' | 'event', text: string): Clue[] =>
  [...new Set(text.match(UUID) ?? [])].map((value) => ({ kind, value }));

/** Of `_lifecycle` every transaction reads the same. */
function cluesOfKeys({ namespace, reads, writes, collections }: NamespaceRwset): Clue[] {
  if (namespace === '_lifecycle') return [];
  const open = [...reads, ...writes].map(({ key }): Clue => ({ kind: 'publicKey', value: key.toString('utf8') }));
  const hidden = collections.flatMap((one): Clue[] => [
    ...[...one.reads, ...one.writes].map(({ key }): Clue => ({ kind: 'readKey', value: key.toString('hex') })),
    ...one.writes.map(({ value }): Clue => ({ kind: 'value', value: value.toString('hex') })),
  ]);
  return [...open, ...hidden];
}
