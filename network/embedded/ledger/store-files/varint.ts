/** LevelDB's variable-length numbers: seven bits a byte, the lowest first. */

/** A varint and where it ends. @throws Error where there is none. */
export function readVarint(bytes: Buffer, start: number): [value: number, end: number] {
  let value = 0;
  for (let at = start, scale = 1; scale <= 2 ** 56; at++, scale *= 128) {
    const byte = bytes[at];
    if (byte === undefined) break;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at + 1];
  }
  throw new Error('malformed varint');
}
