/** Reads one block of Snappy (https://github.com/google/snappy/blob/main/format_description.txt): a table's index. */
import { readVarint } from './varint.ts';

const MALFORMED = 'malformed Snappy block';

/** @throws Error where the bytes are no Snappy block. */
export function unsnappy(bytes: Buffer): Buffer {
  let [length, at] = readVarint(bytes, 0);
  if (length > 64 * 1024 * 1024) throw new Error(MALFORMED);
  const out = Buffer.alloc(length);
  let written = 0;
  const copy = (from: number, count: number): void => {
    if (from < 0 || from >= written || written + count > length) throw new Error(MALFORMED);
    for (let index = 0; index < count; index++) out[written + index] = out[from + index] as number;
    written += count;
  };
  const little = (count: number): number => {
    if (at + count > bytes.length) throw new Error(MALFORMED);
    const value = count === 0 ? 0 : bytes.readUIntLE(at, count);
    at += count;
    return value;
  };
  while (at < bytes.length) {
    const tag = bytes[at++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >>> 2;
      const count = (short < 60 ? short : little(short - 59)) + 1;
      if (at + count > bytes.length || written + count > length) throw new Error(MALFORMED);
      bytes.copy(out, written, at, at + count);
      written += count;
      at += count;
    } else if (kind === 1) copy(written - ((tag >>> 5) * 256 + little(1)), ((tag >>> 2) & 7) + 4);
    else copy(written - little(kind === 2 ? 2 : 4), (tag >>> 2) + 1);
  }
  if (written !== length) throw new Error(MALFORMED);
  return out;
}
