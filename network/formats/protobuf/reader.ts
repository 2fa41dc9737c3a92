/**
 * Reads Protocol Buffers at the level of bytes, one field after the other: a block is parsed by every gateway, and
 * of most messages in it two or three fields are wanted. What the fields mean is said where they are read.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const DEEPEST_GROUP = 100;

export class MalformedMessage extends Error {}

const malformed = (): never => {
  throw new MalformedMessage('these bytes are no protocol buffer message');
};

/**
 * A cursor over the fields of one message. After `next()` answered true, `field` is the field's number and one of the
 * getters gives its value. A field whose encoding isn't the one asked for must be passed over: see `isBytes`.
 */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  #at: number;
  #wireType = 0;
  /** Of a varint: its value, above 2^53 the nearest number. */
  #value = 0;
  /** Of a varint: its lowest 32 bits, signed. */
  #low = 0;
  #from = 0;
  #to = 0;
  field = 0;

  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#start = from;
    this.#at = from;
    this.#end = to;
  }

  /** Goes on to the next field; false at the end. @throws {MalformedMessage} */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    this.#readTag();
    if (this.#wireType === VARINT) this.#readVarint();
    else this.#skip(0);
    return true;
  }

  /** Whether the current field is bytes, text or a message. */
  get isBytes(): boolean {
    return this.#wireType === LENGTH_DELIMITED;
  }

  get isNumber(): boolean {
    return this.#wireType === VARINT;
  }

  /** A slice of the message's own bytes, not a copy. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#from, this.#to);
  }

  get text(): string {
    return this.#bytes.toString('utf8', this.#from, this.#to);
  }

  get hex(): string {
    return this.#bytes.toString('hex', this.#from, this.#to);
  }

  get message(): WireReader {
    return new WireReader(this.#bytes, this.#from, this.#to);
  }

  /** The bytes of this whole message, wherever the cursor is. */
  get all(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** As int32: what is longer is cut off, as every implementation does. */
  get int32(): number {
    return this.#low;
  }

  /** As int64; beyond 2^53 the nearest number. */
  get int64(): number {
    return this.#value >= 2 ** 63 ? this.#value - 2 ** 64 : this.#value;
  }

  get flag(): boolean {
    return this.#value !== 0;
  }

  #readTag(): void {
    this.#readVarint();
    this.#wireType = this.#value & 7;
    this.field = this.#value >>> 3;
    if (this.field === 0 || this.#value > 0xffffffff) malformed();
  }

  #readVarint(): void {
    let byte = this.#byte();
    this.#low = byte & 0x7f;
    this.#value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 63) malformed();
      byte = this.#byte();
      if (shift < 32) this.#low |= (byte & 0x7f) << shift;
      this.#value += (byte & 0x7f) * 2 ** shift;
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) malformed();
    return this.#bytes[this.#at++] as number;
  }

  /** Passes over a value that is no varint, and notes where it lies. */
  #skip(depth: number): void {
    if (this.#wireType === LENGTH_DELIMITED) {
      this.#readVarint();
      this.#span(this.#value);
    } else if (this.#wireType === 1) this.#span(8);
    else if (this.#wireType === 5) this.#span(4);
    else if (this.#wireType === 3) this.#skipGroup(depth);
    else malformed();
  }

  #span(length: number): void {
    this.#from = this.#at;
    this.#to = this.#at + length;
    if (this.#to > this.#end) malformed();
    this.#at = this.#to;
  }

  /** Groups are of another age; a message that holds one as a field nobody knows is valid all the same. */
  #skipGroup(depth: number): void {
    const opened = this.field;
    if (depth >= DEEPEST_GROUP) malformed();
    for (;;) {
      this.#readTag();
      if (this.#wireType === 4) break;
      if (this.#wireType === VARINT) this.#readVarint();
      else this.#skip(depth + 1);
    }
    if (this.field !== opened) malformed();
    this.#wireType = 3;
  }
}
