/** Views of bytes that copy nothing where nothing needs to be copied. */

/** A Buffer over the same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One character per byte, so that equal bytes are equal map keys and different bytes never are (UTF-8 would merge some). */
export function mapKey(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1');
}
