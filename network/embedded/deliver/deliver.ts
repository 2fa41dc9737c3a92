/** protos.Deliver and the orderer's own: serves the seeks of one stream one after the other (spec 2.1, 2.2). */
import { TRANSACTIONS_FILTER } from '@telemed-ledger/formats/blocks/block.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel, Ledger } from '../seams.ts';
import type { Blocks, SharedBlock } from './blocks.ts';
import { followBlocks } from './follow.ts';
import { PrivateDataView } from './private-data.ts';
import { isExpired, readSeek, type Seek, Status } from './seek.ts';

/** `ordered` is a block as the orderer made it, before any peer judged it. */
export type DeliverKind = 'block' | 'filtered' | 'private' | 'ordered';

/** How many places of a block's metadata the orderer fills (common.BlockMetadataIndex). */
const LAST_OF_ORDERER = 4;

export interface DeliverParts {
  organisation: string;
  channel: Channel;
  ledger: Ledger;
  blocks: Blocks;
}

export interface Outlet {
  /** Resolves when the client keeps up with what was sent. */
  write(message: Uint8Array): Promise<void>;
  signal: AbortSignal;
}

/** Serves one serialised Envelope; answers whether the stream goes on. */
export async function serveSeek(
  parts: DeliverParts,
  kind: DeliverKind,
  envelope: Uint8Array,
  outlet: Outlet,
): Promise<boolean> {
  const resource = kind === 'ordered' ? 'order' : 'events';
  const seek = await readSeek(parts.channel, resource, envelope, parts.ledger.height(parts.organisation));
  const status = typeof seek === 'number' ? seek : await sendBlocks(parts, kind, seek, outlet);
  if (outlet.signal.aborted) return false;
  await outlet.write(encode([1, status]));
  return status === Status.SUCCESS;
}

async function sendBlocks(parts: DeliverParts, kind: DeliverKind, seek: Seek, outlet: Outlet): Promise<number> {
  const { organisation, ledger, blocks } = parts;
  const encodeBlock = encoder(parts, kind, seek);
  const isBeyondTip = (number: number) => seek.failIfNotReady && number >= ledger.height(organisation);
  if (isBeyondTip(seek.start)) return Status.NOT_FOUND;
  let status: number = Status.SUCCESS;
  await followBlocks(parts, seek.start, outlet.signal, async (number) => {
    if (isExpired(seek.requester)) {
      status = Status.FORBIDDEN;
      return false;
    }
    await outlet.write(encodeBlock(blocks.get(number)));
    if (number >= seek.stop) return false;
    if (!isBeyondTip(number + 1)) return true;
    status = Status.NOT_FOUND;
    return false;
  });
  return status;
}

/** Makes a serialised DeliverResponse of a block. */
function encoder(parts: DeliverParts, kind: DeliverKind, seek: Seek): (block: SharedBlock) => Uint8Array {
  if (kind === 'filtered') return (block) => encode([3, block.filtered(parts.channel.name), true]);
  const bytesOf = (block: SharedBlock) => (seek.withoutData ? block.headerWithSignatures() : block.bytes);
  if (kind === 'ordered') return (block) => encode([2, unjudged(bytesOf(block)), true]);
  if (kind === 'block') return (block) => encode([2, bytesOf(block), true]);
  const view = new PrivateDataView(parts.channel, parts.ledger, parts.organisation, seek.requester);
  return (block) => encode([4, encode([1, bytesOf(block), true], ...view.entries(block.number)), true]);
}

/** Without what a peer adds to a block's metadata: the transactions' codes and the commit hash. */
function unjudged(bytes: Uint8Array): Buffer {
  const block = new Message(bytes);
  const metadata = block.message(3).list(1).slice(0, LAST_OF_ORDERER);
  metadata[TRANSACTIONS_FILTER] = Buffer.alloc(0);
  return encode([1, block.bytes(1), true], [2, block.bytes(2), true], [3, encode(...repeated(1, metadata)), true]);
}
