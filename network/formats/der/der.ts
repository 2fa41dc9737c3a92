/**
 * Just enough ASN.1 DER to look inside certificates, revocation lists and signatures. Lengths are checked against
 * the bytes there are; anything else is left to OpenSSL.
 */
export const TAG = { integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30 } as const;

export interface DerElement {
  tag: number;
  content: Buffer;
  /** The element with its tag and length. */
  raw: Buffer;
}

/** Reads the element at `offset`. @throws RangeError when the bytes end before it does. */
export function readElement(bytes: Buffer, offset = 0): DerElement {
  const tag = bytes.readUInt8(offset);
  const first = bytes.readUInt8(offset + 1);
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size < 1 || size > 4) throw new RangeError('DER length of more than four bytes');
    length = bytes.readUIntBE(start, size);
    start += size;
  }
  const end = start + length;
  if (end > bytes.length) throw new RangeError('DER element is longer than its bytes');
  return { tag, content: bytes.subarray(start, end), raw: bytes.subarray(offset, end) };
}

/** All elements of a constructed element's content, in order. */
export function readElements(content: Buffer): DerElement[] {
  const elements: DerElement[] = [];
  for (let offset = 0; offset < content.length; ) {
    const element = readElement(content, offset);
    elements.push(element);
    offset += element.raw.length;
  }
  return elements;
}

/** Writes one element. */
export function writeElement(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthBytes(content.length), content]);
}

/** Writes an INTEGER from big-endian magnitude bytes, in its shortest form. */
export function writeUnsigned(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1;
  const shortest = magnitude.length === 0 ? Buffer.from([0]) : magnitude.subarray(start);
  const padded = (shortest[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), shortest]) : shortest;
  return writeElement(TAG.integer, padded);
}

/** Big-endian without leading zeros; empty for 0. */
export function unsigned(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from(bytes);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = unsigned(length);
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}
