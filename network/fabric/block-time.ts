/** When a block was made, by what is in it: a block has no time of its own. */
import { envelopesOf } from '@telemed-ledger/formats/blocks/block.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';

/** The time that the client of its first transaction gave; undefined where that cannot be read. */
export function timeOfBlock(block: Uint8Array): Date | undefined {
  try {
    const [envelope] = envelopesOf(block);
    if (envelope === undefined) return undefined;
    const seconds = new Message(envelope).message(1).message(1).message(1).message(3).number(1);
    return seconds === 0 ? undefined : new Date(seconds * 1000);
  } catch {
    return undefined;
  }
}
