/**
 * Protocol Buffers (https://protobuf.dev/programming-guides/encoding/) as far as Fabric's envelopes use them, stricter than they are
 * read elsewhere: what could be read in two ways is refused.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const malformed = (): Error => new Error('the evidence is not in its form');

/** A message read one level deep. @throws Error, as every reader here, where it is not in its form */
export class Fields {
  readonly #bytes: Uint8Array;
  readonly #found: { field: number; value: Uint8Array<ArrayBuffer> | number }[] = [];
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    while (this.#at < bytes.length) {
      const tag = this.#varint();
      this.#found.push({ field: Math.floor(tag / 8), value: this.#value(tag % 8) });
    }
  }

  /** Of a field that stands here once; empty where it is absent. */
  bytes(field: number): Uint8Array<ArrayBuffer> {
    return this.list(field)[this.#once(field)] ?? new Uint8Array();
  }

  text(field: number): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes(field));
  }

  /** 0 where it is absent. */
  number(field: number): number {
    const values = this.#of(field).filter((value) => typeof value === 'number');
    return values[this.#once(field)] ?? 0;
  }

  message(field: number): Fields {
    return new Fields(this.bytes(field));
  }

  list(field: number): Uint8Array<ArrayBuffer>[] {
    return this.#of(field).filter((value) => typeof value !== 'number');
  }

  messages(field: number): Fields[] {
    return this.list(field).map((bytes) => new Fields(bytes));
  }

  /** These fields, in this order, each once, and no others: so that each byte has one form. */
  demandOnly(...fields: number[]): this {
    if (this.#found.map(({ field }) => field).join() !== fields.join()) throw malformed();
    return this;
  }

  #of(field: number): (Uint8Array<ArrayBuffer> | number)[] {
    return this.#found.filter((one) => one.field === field).map(({ value }) => value);
  }

  /** Readers differ in what a field means that stands here twice. */
  #once(field: number): 0 {
    if (this.#of(field).length > 1) throw malformed();
    return 0;
  }

  #value(wireType: number): Uint8Array<ArrayBuffer> | number {
    if (wireType === VARINT) return this.#varint();
    if (wireType !== LENGTH_DELIMITED) throw malformed();
    const length = this.#varint();
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw malformed();
    return Uint8Array.from(this.#bytes.subarray(from, this.#at));
  }

  /** In its shortest form, up to 2^53. */
  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at];
      this.#at += 1;
      if (byte === undefined || (byte === 0 && scale > 1)) throw malformed();
      value += (byte % 128) * scale;
      if (!Number.isSafeInteger(value)) throw malformed();
      if (byte < 128) return value;
    }
  }
}
