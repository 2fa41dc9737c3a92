/**
 * Reads Protocol Buffers at the level of bytes. What is hashed, signed or passed on must stay the bytes that came, and
 * of most messages in a block two or three fields are wanted: a message remembers where its fields lie, and a value is
 * made when it is asked for. What the fields mean is said where they are read.
 *
 * See https://protobuf.dev/programming-guides/encoding/; what is malformed to Go is malformed here.
 */
import { bufferOf } from '../bytes.ts';

/** Go's text for bytes that are no protobuf message. */
export const MALFORMED = 'proto: cannot parse invalid wire-format data';

export class MalformedMessage extends Error {
  constructor() {
    super(MALFORMED);
  }
}

const EMPTY = Buffer.alloc(0);
const DEEPEST_GROUP = 100;
const LONGEST_VARINT = 10;
const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** In place of a span's end: the value is a varint. */
const NUMBER = -1;

/**
 * A message read one level deep. Of several occurrences of a field the last one counts, as for every reader of Protocol
 * Buffers; a field of another encoding than the one asked for is unknown, and unknown fields are passed over.
 */
export class Message {
  readonly #bytes: Buffer;
  readonly #end: number;
  /** Three numbers for each field: which it is, where its value begins, and where that ends or NUMBER. */
  readonly #spans: number[] = [];
  #at: number;

  /** `from` and `to` bound the message within its bytes. @throws MalformedMessage */
  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bufferOf(bytes);
    this.#at = from;
    this.#end = to;
    while (this.#at < to) this.#note();
  }

  /** Whether the field occurs as bytes, text, message or number. */
  has(field: number): boolean {
    for (let at = 0; at < this.#spans.length; at += 3) if (this.#spans[at] === field) return true;
    return false;
  }

  /** A slice of the message's own bytes, empty where the field is absent. */
  bytes(field: number): Buffer {
    const at = this.#lastBytes(field);
    return at < 0 ? EMPTY : this.#bytes.subarray(this.#spans[at + 1], this.#spans[at + 2]);
  }

  text(field: number): string {
    const at = this.#lastBytes(field);
    return at < 0 ? '' : this.#bytes.toString('utf8', this.#spans[at + 1], this.#spans[at + 2]);
  }

  hex(field: number): string {
    const at = this.#lastBytes(field);
    return at < 0 ? '' : this.#bytes.toString('hex', this.#spans[at + 1], this.#spans[at + 2]);
  }

  /** An unsigned integer; above 2^53 it is the nearest number. */
  number(field: number): number {
    const from = this.#lastNumber(field);
    if (from < 0) return 0;
    this.#at = from;
    return this.#varint();
  }

  /** A signed integer of 64 bits; beyond 2^53 it is the nearest number. */
  int64(field: number): number {
    const value = this.number(field);
    return value < 2 ** 63 ? value : Number(BigInt.asIntN(64, this.#exact(field)));
  }

  /** A signed integer or enumeration of 32 bits: what is longer is cut off, as every reader does. */
  int32(field: number): number {
    const value = this.number(field);
    return value < 2 ** 53 ? value | 0 : Number(BigInt.asIntN(32, this.#exact(field)));
  }

  flag(field: number): boolean {
    return this.number(field) !== 0;
  }

  /**
   * A field that is a message itself, without fields where it is absent. Several occurrences are one message, as
   * Fabric's nodes read them: whoever took only one of them would see another transaction than they do.
   * @throws MalformedMessage
   */
  message(field: number): Message {
    const only = this.#lastBytes(field);
    if (only < 0) return new Message(EMPTY);
    for (let at = 0; at < only; at += 3) {
      if (this.#spans[at] === field && this.#spans[at + 2] !== NUMBER)
        return new Message(Buffer.concat(this.list(field)));
    }
    return new Message(this.#bytes, this.#spans[only + 1], this.#spans[only + 2]);
  }

  /** The message inside a bytes field: of several occurrences the last. @throws MalformedMessage */
  inside(field: number): Message {
    const at = this.#lastBytes(field);
    return at < 0 ? new Message(EMPTY) : new Message(this.#bytes, this.#spans[at + 1], this.#spans[at + 2]);
  }

  /** Every occurrence of a repeated bytes, string or message field. */
  list(field: number): Buffer[] {
    const found: Buffer[] = [];
    for (let at = 0; at < this.#spans.length; at += 3) {
      const to = this.#spans[at + 2] as number;
      if (this.#spans[at] === field && to !== NUMBER) found.push(this.#bytes.subarray(this.#spans[at + 1], to));
    }
    return found;
  }

  /** Every occurrence of a repeated message field. @throws MalformedMessage */
  messages(field: number): Message[] {
    const found: Message[] = [];
    for (let at = 0; at < this.#spans.length; at += 3) {
      const to = this.#spans[at + 2] as number;
      if (this.#spans[at] === field && to !== NUMBER) found.push(new Message(this.#bytes, this.#spans[at + 1], to));
    }
    return found;
  }

  #lastBytes(field: number): number {
    for (let at = this.#spans.length - 3; at >= 0; at -= 3)
      if (this.#spans[at] === field && this.#spans[at + 2] !== NUMBER) return at;
    return -1;
  }

  /** Where the varint begins. */
  #lastNumber(field: number): number {
    for (let at = this.#spans.length - 3; at >= 0; at -= 3)
      if (this.#spans[at] === field && this.#spans[at + 2] === NUMBER) return this.#spans[at + 1] as number;
    return -1;
  }

  #exact(field: number): bigint {
    let value = 0n;
    let at = this.#lastNumber(field);
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #note(): void {
    const tag = this.#tag();
    const wireType = tag & 7;
    if (wireType === LENGTH_DELIMITED) {
      const length = this.#varint();
      const from = this.#at;
      this.#pass(length);
      this.#spans.push(tag >>> 3, from, this.#at);
    } else if (wireType === VARINT) {
      this.#spans.push(tag >>> 3, this.#at, NUMBER);
      this.#varint();
    } else this.#skip(tag, 0);
  }

  #tag(): number {
    const tag = this.#varint();
    if (tag < 8 || tag > 0xffffffff) throw new MalformedMessage();
    return tag;
  }

  #varint(): number {
    // Almost all are one byte long.
    const first = this.#bytes[this.#at] as number;
    if (first < 0x80 && this.#at < this.#end) {
      this.#at += 1;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let length = 1; this.#at < this.#end; length += 1) {
      const byte = this.#bytes[this.#at++] as number;
      if (length === LONGEST_VARINT && byte > 1) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new MalformedMessage();
  }

  #pass(length: number): void {
    this.#at += length;
    if (this.#at > this.#end) throw new MalformedMessage();
  }

  /** Passes over a value whose field nobody reads. */
  #skip(tag: number, depth: number): void {
    const wireType = tag & 7;
    if (wireType === VARINT) this.#varint();
    else if (wireType === LENGTH_DELIMITED) this.#pass(this.#varint());
    else if (wireType === 1) this.#pass(8);
    else if (wireType === 5) this.#pass(4);
    else if (wireType === 3 && depth < DEEPEST_GROUP) this.#skipGroup(tag, depth);
    else throw new MalformedMessage();
  }

  /** Groups are of another age; a message that holds one as a field nobody knows is valid all the same. */
  #skipGroup(opened: number, depth: number): void {
    for (;;) {
      const tag = this.#tag();
      if (tag === opened + 1) return;
      this.#skip(tag, depth + 1);
    }
  }
}
