/** Writes Protocol Buffers as Fabric's canonical encoding does, so that what is hashed and signed has one form. */

const EMPTY = Buffer.alloc(0);

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

export function repeated(field: number, values: readonly (Uint8Array | string)[]): Field[] {
  return values.map((value) => [field, value, true] as const);
}

type Value = Field[1];

function isLeftOut(value: Value, present: boolean | undefined): boolean {
  if (value === undefined || value === false) return true;
  if (present) return false;
  return typeof value === 'number' ? value === 0 : value !== true && value.length === 0;
}

/** A negative number takes all of its 64 bits, in two's complement. */
const NEGATIVE_SIZE = 10;

function varintSize(value: number): number {
  if (value < 0) return NEGATIVE_SIZE;
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
  if (value < 0) return writeNegative(out, start, value);
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 0x80;
  out[at++] = rest;
  return at;
}

function writeNegative(out: Buffer, start: number, value: number): number {
  let rest = BigInt.asUintN(64, BigInt(value));
  for (let at = start; at < start + NEGATIVE_SIZE - 1; at += 1, rest >>= 7n) out[at] = Number(rest & 0x7fn) | 0x80;
  out[start + NEGATIVE_SIZE - 1] = Number(rest);
  return start + NEGATIVE_SIZE;
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
