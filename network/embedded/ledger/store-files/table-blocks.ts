/**
 * The blocks of a LevelDB table (https://github.com/google/leveldb/blob/main/doc/table_format.md), each held against
 * its checksum: data, filters and indexes. LevelDB itself reads data without looking at it.
 */
import { maskedCrc32c } from './crc32c.ts';
import { unsnappy } from './snappy.ts';
import { readVarint } from './varint.ts';

const FOOTER_BYTES = 48;
const MAGIC_AT = 40;
const MAGIC = 0xdb4775248b80fb57n;
/** Compression type and checksum behind each block. */
const TRAILER_BYTES = 5;
/** Sequence number and type behind each key. */
const KEY_SUFFIX_BYTES = 8;

interface Handle {
  offset: number;
  size: number;
}

export interface TableFault {
  /** Byte in the file where the damaged block begins. */
  offset: number;
  /** The first keys that are at or behind the end of the block before and of this one; absent for an index or filter. */
  keys?: { after: Buffer | undefined; upTo: Buffer };
}

/** Every block whose bytes do not have the checksum beside them. */
export function checkTable(bytes: Buffer): TableFault[] {
  const footer = bytes.subarray(-FOOTER_BYTES);
  const footerAt = bytes.length - FOOTER_BYTES;
  if (footerAt < 0 || footer.readBigUInt64LE(MAGIC_AT) !== MAGIC) return [{ offset: Math.max(0, footerAt) }];
  try {
    const [metaindex, end] = readHandle(footer, 0);
    const [index, padding] = readHandle(footer, end);
    if (footer.subarray(padding, MAGIC_AT).some((byte) => byte !== 0)) return [{ offset: footerAt }];
    const faults = [metaindex, index].filter((handle) => !isIntact(bytes, handle)).map(({ offset }) => ({ offset }));
    if (isIntact(bytes, metaindex)) faults.push(...checkListed(bytes, metaindex).map(({ offset }) => ({ offset })));
    return isIntact(bytes, index) ? [...faults, ...checkListed(bytes, index)] : faults;
  } catch {
    return [{ offset: footerAt }];
  }
}

/** The damaged ones of the blocks that an index names. */
function checkListed(bytes: Buffer, index: Handle): TableFault[] {
  const faults: TableFault[] = [];
  let after: Buffer | undefined;
  for (const { key, value } of entriesOf(blockAt(bytes, index))) {
    const upTo = key.subarray(0, -KEY_SUFFIX_BYTES);
    const [handle] = readHandle(value, 0);
    if (!isIntact(bytes, handle)) faults.push({ offset: handle.offset, keys: { after, upTo } });
    after = upTo;
  }
  return faults;
}

function isIntact(bytes: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size;
  if (end + TRAILER_BYTES > bytes.length) return false;
  return maskedCrc32c(bytes.subarray(offset, end + 1)) === bytes.readUInt32LE(end + 1);
}

function blockAt(bytes: Buffer, { offset, size }: Handle): Buffer {
  const block = bytes.subarray(offset, offset + size);
  return bytes[offset + size] === 1 ? unsnappy(block) : block;
}

/** Keys share their beginnings with the one before. */
function* entriesOf(block: Buffer): Generator<{ key: Buffer; value: Buffer }> {
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  let key: Buffer = Buffer.alloc(0);
  for (let at = 0; at < end; ) {
    const [shared, afterShared] = readVarint(block, at);
    const [own, afterOwn] = readVarint(block, afterShared);
    const [length, start] = readVarint(block, afterOwn);
    key = Buffer.concat([key.subarray(0, shared), block.subarray(start, start + own)]);
    at = start + own + length;
    yield { key, value: block.subarray(start + own, at) };
  }
}

function readHandle(bytes: Buffer, start: number): [Handle, end: number] {
  const [offset, afterOffset] = readVarint(bytes, start);
  const [size, end] = readVarint(bytes, afterOffset);
  return [{ offset, size }, end];
}
