/** CRC-32C (Castagnoli) as LevelDB stores it beside its data: eight bytes a step, some hundred megabytes a second. */

const POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

const TABLES = Array.from({ length: 8 }, () => new Int32Array(256));
const table = (slice: number): Int32Array => TABLES[slice] as Int32Array;
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  table(0)[byte] = value;
}
for (let slice = 1; slice < 8; slice++) {
  for (let byte = 0; byte < 256; byte++) {
    const before = at(table(slice - 1), byte);
    table(slice)[byte] = (before >>> 8) ^ at(table(0), before & 0xff);
  }
}
const [T0, T1, T2, T3, T4, T5, T6, T7] = [0, 1, 2, 3, 4, 5, 6, 7].map(table) as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

function at(values: Int32Array | Uint8Array, index: number): number {
  return values[index] as number;
}

export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    const low = crc ^ (at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24));
    crc =
      at(T7, low & 0xff) ^
      at(T6, (low >>> 8) & 0xff) ^
      at(T5, (low >>> 16) & 0xff) ^
      at(T4, low >>> 24) ^
      at(T3, at(bytes, i + 4)) ^
      at(T2, at(bytes, i + 5)) ^
      at(T1, at(bytes, i + 6)) ^
      at(T0, at(bytes, i + 7));
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ at(T0, (crc ^ at(bytes, i)) & 0xff);
  return ~crc >>> 0;
}

/** As it stands in a file: LevelDB rotates and shifts it, because a checksum of data that holds checksums is weak. */
export function maskedCrc32c(bytes: Uint8Array): number {
  return mask(crc32c(bytes));
}

/** Whether some beginning of the bytes, of one byte at least, has this masked checksum. */
export function hasBeginningWith(masked: number, bytes: Uint8Array): boolean {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ at(T0, (crc ^ at(bytes, i)) & 0xff);
    if (mask(~crc >>> 0) === masked) return true;
  }
  return false;
}

function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
