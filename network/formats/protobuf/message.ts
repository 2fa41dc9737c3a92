/**
 * Protocol Buffers at the level of bytes. What is hashed, signed or passed on must stay the bytes that came, so the
 * services read nested messages as slices and never decode and encode them again.
 */
import { bufferOf } from '../bytes.ts';

/** Go's text for bytes that are no protobuf message. */
export const MALFORMED = 'proto: cannot parse invalid wire-format data';

const EMPTY = Buffer.alloc(0);

/** A message read one level deep: varints as numbers, everything else as slices of the given bytes. */
export class Message {
  readonly #fields: number[] = [];
  readonly #values: (number | Buffer)[] = [];

  /** @throws Error with Go's text where the bytes are malformed. */
  constructor(bytes: Uint8Array) {
    const buffer = bufferOf(bytes);
    let at = 0;
    const varint = (): number => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = buffer[at++];
        if (byte === undefined || scale > 2 ** 63) throw new Error(MALFORMED);
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
    };
    while (at < buffer.length) {
      const tag = varint();
      const wireType = tag & 7;
      if (wireType === 0) {
        this.#add(tag, varint());
        continue;
      }
      const length = wireType === 2 ? varint() : wireType === 1 ? 8 : wireType === 5 ? 4 : Number.NaN;
      if (!(at + length <= buffer.length) || tag < 8) throw new Error(MALFORMED);
      this.#add(tag, buffer.subarray(at, at + length));
      at += length;
    }
  }

  #add(tag: number, value: number | Buffer): void {
    this.#fields.push(Math.floor(tag / 8));
    this.#values.push(value);
  }

  #last(field: number): number | Buffer | undefined {
    const at = this.#fields.lastIndexOf(field);
    return at < 0 ? undefined : this.#values[at];
  }

  has(field: number): boolean {
    return this.#fields.includes(field);
  }

  /** The last occurrence, empty where the field is absent. */
  bytes(field: number): Buffer {
    const value = this.#last(field);
    return typeof value === 'object' ? value : EMPTY;
  }

  text(field: number): string {
    return this.bytes(field).toString('utf8');
  }

  /** An unsigned integer; above 2^53 it is the nearest number. */
  number(field: number): number {
    const value = this.#last(field);
    return typeof value === 'number' ? value : 0;
  }

  message(field: number): Message {
    return new Message(this.bytes(field));
  }

  /** Every occurrence of a repeated bytes, string or message field. */
  list(field: number): Buffer[] {
    const found: Buffer[] = [];
    for (let at = 0; at < this.#fields.length; at++) {
      const value = this.#values[at];
      if (this.#fields[at] === field && typeof value === 'object') found.push(value);
    }
    return found;
  }
}
