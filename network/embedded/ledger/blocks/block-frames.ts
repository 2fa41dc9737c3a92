/**
 * Frames of a file of blocks: a mark, the block's number (8 bytes), its length (4), a checksum of both and of the block
 * (4), and the block. Where a frame is damaged, reading goes on at the next mark.
 */
import { crc32c } from '../store-files/crc32c.ts';

const MARK = Buffer.from('\x89blk', 'latin1');
const [NUMBER_AT, LENGTH_AT, CHECKSUM_AT, BLOCK_AT] = [4, 12, 16, 20];

export interface Frames {
  /** Blocks by their numbers, also of frames whose checksum is wrong: a block says itself whether it is whole. */
  blocks: Map<number, Buffer>;
  /** One above the highest number of a whole frame. */
  height: number;
  /** Where the last whole frame ends. */
  end: number;
}

export function frameOf(number: number, block: Uint8Array): Buffer {
  const frame = Buffer.alloc(BLOCK_AT + block.length);
  MARK.copy(frame);
  frame.writeBigUInt64BE(BigInt(number), NUMBER_AT);
  frame.writeUInt32BE(block.length, LENGTH_AT);
  frame.set(block, BLOCK_AT);
  frame.writeUInt32BE(checksum(frame), CHECKSUM_AT);
  return frame;
}

export function readFrames(bytes: Buffer): Frames {
  const frames: Frames = { blocks: new Map(), height: 0, end: 0 };
  for (let at = bytes.indexOf(MARK); at >= 0 && at + BLOCK_AT <= bytes.length; ) {
    const end = at + BLOCK_AT + bytes.readUInt32BE(at + LENGTH_AT);
    const number = Number(bytes.readBigUInt64BE(at + NUMBER_AT));
    const frame = bytes.subarray(at, end);
    const isWhole = end <= bytes.length && checksum(frame) === frame.readUInt32BE(CHECKSUM_AT);
    if (isWhole || !frames.blocks.has(number)) frames.blocks.set(number, frame.subarray(BLOCK_AT));
    if (isWhole) Object.assign(frames, { height: Math.max(frames.height, number + 1), end });
    at = bytes.indexOf(MARK, isWhole ? end : at + 1);
  }
  return frames;
}

function checksum(frame: Buffer): number {
  return (crc32c(frame.subarray(NUMBER_AT, CHECKSUM_AT)) ^ crc32c(frame.subarray(BLOCK_AT))) >>> 0;
}
