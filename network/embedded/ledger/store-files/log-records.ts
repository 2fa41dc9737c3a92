/**
 * The records of LevelDB's write-ahead logs and of its manifest, which share one format
 * (https://github.com/google/leveldb/blob/main/doc/log_format.md). LevelDB drops records with a wrong checksum in
 * silence; here they are reported.
 */
import { hasBeginningWith, maskedCrc32c } from './crc32c.ts';

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const [ZERO, FULL, FIRST, MIDDLE, LAST] = [0, 1, 2, 3, 4];

export interface LogRecords {
  records: Buffer[];
  /** Where bytes do not have the checksum beside them, or pieces of a record do not follow each other. */
  faults: number[];
  /** Where the file ends in the middle of a record, as after a process that was killed while it wrote. */
  tornAt: number | undefined;
}

export function readLogRecords(bytes: Buffer): LogRecords {
  const found: LogRecords = { records: [], faults: [], tornAt: undefined };
  let pieces: Buffer[] | undefined;
  let begun = 0;
  let at = 0;
  const nextBlock = (): void => {
    at = (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES;
    pieces = undefined;
  };
  while (at < bytes.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    if (at + HEADER_BYTES > bytes.length) return { ...found, tornAt: at };
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6] ?? 0;
    if (type === ZERO && length === 0) {
      nextBlock();
      continue;
    }
    const end = at + HEADER_BYTES + length;
    if (length > left - HEADER_BYTES) {
      found.faults.push(at);
      nextBlock();
      continue;
    }
    if (end > bytes.length) {
      // A whole record whose length was changed is not one that was being written.
      if (!hasBeginningWith(bytes.readUInt32LE(at), bytes.subarray(at + 6))) return { ...found, tornAt: at };
      found.faults.push(at);
      return found;
    }
    if (maskedCrc32c(bytes.subarray(at + 6, end)) !== bytes.readUInt32LE(at)) {
      found.faults.push(at);
      nextBlock();
      continue;
    }
    const piece = bytes.subarray(at + HEADER_BYTES, end);
    const begins = type === FULL || type === FIRST;
    if (begins === (pieces !== undefined) || type > LAST) {
      found.faults.push(at);
      pieces = undefined;
    }
    if (begins) [pieces, begun] = [[piece], at];
    else if (type === MIDDLE || type === LAST) pieces?.push(piece);
    if ((type === FULL || type === LAST) && pieces) {
      found.records.push(pieces.length === 1 ? piece : Buffer.concat(pieces));
      pieces = undefined;
    }
    at = end;
  }
  return { ...found, tornAt: pieces ? begun : undefined };
}
