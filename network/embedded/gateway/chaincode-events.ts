/** gateway.Gateway/ChaincodeEvents: the events of valid transactions, block by block (spec 1.5). */
import { status } from '@grpc/grpc-js';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { SharedBlock } from '../deliver/blocks.ts';
import type { DeliverParts, Outlet } from '../deliver/deliver.ts';
import { followBlocks } from '../deliver/follow.ts';
import { GatewayError } from '../server/error.ts';
import { requireReader } from './commit-status.ts';

const VALID = 0;

/** Serves a serialised SignedChaincodeEventsRequest until the client goes. */
export async function chaincodeEvents(parts: DeliverParts, bytes: Uint8Array, outlet: Outlet): Promise<void> {
  const signed = new Message(bytes);
  const data = signed.bytes(1);
  const request = decode(data);
  const creator = request.bytes(3);
  await requireReader(parts.channel, request.text(1), { creator, data, signature: signed.bytes(2) });
  const matches = matcher(request.text(2), request.text(5));
  await followBlocks(parts, startBlock(parts, request), outlet.signal, async (number) => {
    const events = eventsOf(parts.blocks.get(number)).filter(matches);
    if (events.length > 0) await outlet.write(encode(...repeated(1, events), [2, number]));
    return true;
  });
}

function eventsOf(block: SharedBlock): Buffer[] {
  return block.transactions.flatMap(({ code, event }) => (code === VALID && event ? [event] : []));
}

/** Everything up to and with the first event of `afterTransaction` is passed over. */
function matcher(chaincode: string, afterTransaction: string): (event: Buffer) => boolean {
  let isPast = afterTransaction === '';
  return (bytes) => {
    const event = new Message(bytes);
    if (isPast) return event.text(1) === chaincode;
    isPast = event.text(2) === afterTransaction;
    return false;
  };
}

function startBlock({ ledger, organisation }: DeliverParts, request: Message): number {
  const position = request.message(4);
  if (position.has(1)) throw invalid('invalid start position type: *orderer.SeekPosition_Newest');
  if (position.has(2)) throw invalid('invalid start position type: *orderer.SeekPosition_Oldest');
  const after = request.text(5);
  const transaction = after === '' ? undefined : ledger.transaction(after);
  if (transaction) return transaction.block;
  return position.has(3) ? position.message(3).number(1) : ledger.height(organisation);
}

function decode(data: Uint8Array): Message {
  try {
    return new Message(data);
  } catch (error) {
    throw invalid(`invalid chaincode events request: ${(error as Error).message}`);
  }
}

function invalid(message: string): GatewayError {
  return new GatewayError(status.INVALID_ARGUMENT, message);
}
