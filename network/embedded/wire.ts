/**
 * Protocol Buffers at the level of bytes. What is hashed, signed or passed on must stay the bytes that came, so the
 * services read nested messages as slices and never decode and encode them again.
 */

/** Go's text for bytes that are no protobuf message. */
export const MALFORMED = 'proto: cannot parse invalid wire-format data';

const EMPTY = Buffer.alloc(0);

/** A message read one level deep: varints as numbers, everything else as slices of the given bytes. */
export class Message {
  readonly #fields: number[] = [];
  readonly #values: (number | Buffer)[] = [];

  /** @throws Error with Go's text where the bytes are malformed. */
  constructor(bytes: Uint8Array) {
    const buffer = asBuffer(bytes);
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

/** Number, value, and whether it is written even when empty (a submessage that is present). */
export type Field = readonly [
  field: number,
  value: Uint8Array | string | number | boolean | undefined,
  present?: boolean,
];

/** Canonical encoding: fields in the order given (ascending), proto3 defaults left out unless marked present. */
export function encode(...fields: Field[]): Buffer {
  let size = 0;
  for (const [field, value, present] of fields) size += fieldSize(field, value, present);
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [field, value, present] of fields) at = writeField(out, at, field, value, present);
  return out;
}

/** The field's tag and length before `value`, for messages assembled from slices. */
export function bytesField(field: number, value: Uint8Array): Buffer {
  return encode([field, value, true]);
}

export function repeated(field: number, values: readonly (Uint8Array | string)[]): Field[] {
  return values.map((value) => [field, value, true] as const);
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

type Value = Field[1];

function isLeftOut(value: Value, present: boolean | undefined): boolean {
  if (value === undefined || value === false) return true;
  if (present) return false;
  return typeof value === 'number' ? value === 0 : value !== true && value.length === 0;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

function fieldSize(field: number, value: Value, present: boolean | undefined): number {
  if (isLeftOut(value, present)) return 0;
  const tag = varintSize(field * 8);
  if (typeof value === 'number' || typeof value === 'boolean') return tag + varintSize(Number(value));
  const length = typeof value === 'string' ? Buffer.byteLength(value) : (value?.length ?? 0);
  return tag + varintSize(length) + length;
}

function writeVarint(out: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 0x80;
  out[at++] = rest;
  return at;
}

function writeField(out: Buffer, start: number, field: number, value: Value, present: boolean | undefined): number {
  if (isLeftOut(value, present)) return start;
  if (typeof value === 'number' || typeof value === 'boolean') {
    return writeVarint(out, writeVarint(out, start, field * 8), Number(value));
  }
  const tagged = writeVarint(out, start, field * 8 + 2);
  if (typeof value === 'string') {
    const at = writeVarint(out, tagged, Buffer.byteLength(value));
    return at + out.write(value, at, 'utf8');
  }
  const bytes = value ?? EMPTY;
  const at = writeVarint(out, tagged, bytes.length);
  out.set(bytes, at);
  return at + bytes.length;
}
