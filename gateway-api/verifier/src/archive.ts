/**
 * An archive of files in the ZIP format (APPNOTE 6.3.10) that every unzip reads, in one form: nothing compressed, no dates, no
 * comments, no gaps. So no byte of it can be changed without being seen, which no library's reader promises.
 */

export interface ArchivedFile {
  /** Of printable ASCII characters. */
  path: string;
  bytes: Uint8Array;
}

/** What was read, as far as it could be. */
export interface ReadArchive {
  files: ArchivedFile[];
  /** Where the bytes are not those that `Archive` writes, with the path of the file that it concerns. */
  faults: { path?: string; fault: string }[];
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const LOCAL_SIZE = 30;
const VERSION = 20;
/** 1 January 1980, the beginning of the format's calendar. */
const NO_DATE = 0x21;
/** Beyond these the format needs another form of its directory, which is not written. */
const MOST_FILES = 65_534;
const MOST_BYTES = 0xffff_fffe;
const PATH = /^[A-Za-z0-9._/-]{1,300}$/;

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Little-endian numbers of two or four bytes, one after the other. */
function numbers(...all: readonly (readonly [value: number, size: 2 | 4])[]): number[] {
  return all.flatMap(([value, size]) => Array.from({ length: size }, (_, at) => (value >>> (8 * at)) & 0xff));
}

interface Described {
  name: number[];
  crc: number;
  size: number;
}

const describe = ({ path, bytes }: ArchivedFile): Described => ({
  name: [...new TextEncoder().encode(path)],
  crc: crcOf(bytes),
  size: bytes.length,
});

/** What stands in both headers of a file: version, flags, method, time, date, sum, sizes, lengths. */
const common = ({ name, crc, size }: Described): number[] =>
  numbers([VERSION, 2], [0, 2], [0, 2], [0, 2], [NO_DATE, 2], [crc, 4], [size, 4], [size, 4], [name.length, 2], [0, 2]);

/** Writes an archive file by file; whoever sends it need not hold it whole. */
export class Archive {
  readonly #directory: number[][] = [];
  #length = 0;

  /** What stands before the bytes of a file. @throws Error for a path or a size that has no place in this form */
  add(file: ArchivedFile): Uint8Array {
    const described = describe(file);
    const header = Uint8Array.from([...numbers([LOCAL, 4]), ...common(described), ...described.name]);
    const after = this.#length + header.length + file.bytes.length;
    if (!PATH.test(file.path) || this.#directory.length === MOST_FILES || after > MOST_BYTES)
      throw new Error('this has no place in an archive of this form');
    const place = numbers([0, 2], [0, 2], [0, 2], [0, 4], [this.#length, 4]);
    const entry = [...numbers([CENTRAL, 4], [VERSION, 2]), ...common(described), ...place, ...described.name];
    this.#directory.push(entry);
    this.#length = after;
    return header;
  }

  /** What stands behind the last file. */
  end(): Uint8Array {
    const count = this.#directory.length;
    const size = this.#directory.reduce((sum, { length }) => sum + length, 0);
    const end = numbers([END, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [this.#length, 4], [0, 2]);
    const whole = new Uint8Array(size + end.length);
    let at = 0;
    for (const part of [...this.#directory, end]) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

/** Whatever is not exactly what `Archive` writes is a fault; the files before it are there all the same. */
export function readArchive(bytes: Uint8Array): ReadArchive {
  const [files, faults]: [ArchivedFile[], ReadArchive['faults']] = [[], []];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const archive = new Archive();
  const paths = new Set<string>();
  let at = 0;
  while (at + LOCAL_SIZE <= bytes.length && files.length < MOST_FILES && view.getUint32(at, true) === LOCAL) {
    const [size, length] = [view.getUint32(at + 18, true), view.getUint16(at + 26, true)];
    const begin = at + LOCAL_SIZE + length;
    const path = new TextDecoder().decode(bytes.subarray(at + LOCAL_SIZE, begin));
    if (begin + size > bytes.length || !PATH.test(path)) break;
    const file = { path, bytes: bytes.subarray(begin, begin + size) };
    if (!isSame(archive.add(file), bytes.subarray(at, begin)))
      faults.push({ path, fault: 'its bytes are not those that were archived' });
    if (paths.has(path)) faults.push({ path, fault: 'it stands twice in the archive' });
    paths.add(path);
    files.push(file);
    at = begin + size;
  }
  const last = files.at(-1)?.path;
  const [end, given] = [archive.end(), bytes.subarray(at)];
  // The directory repeats what stands before each file: what is wrong there is told once.
  const isTold = faults.length > 0 && end.length === given.length;
  if (!isTold && !isSame(end, given))
    faults.push({
      fault: `the archive is not in its form${last === undefined ? '' : `, in its directory or behind ${last}`}`,
    });
  return { files, faults };
}
