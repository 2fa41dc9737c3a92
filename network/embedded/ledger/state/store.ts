/** LevelDB: the one database of a channel, values with their versions, and snapshots that readers share. */
import type { Version } from '@telemed-ledger/formats/blocks/rwset.ts';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import { ClassicLevel } from 'classic-level';

export type Database = ClassicLevel<Buffer, Buffer>;
export type Batch = ReturnType<Database['batch']>;
export interface KeyRange {
  gte: Buffer;
  lt: Buffer;
  reverse?: boolean;
}

const EMPTY = Buffer.alloc(0);
const ENTRIES_AT_ONCE = 1000;

/** Stores that this thread has open by itself: LevelDB locks out other processes only. */
const held = new Set<string>();

/** @throws Error where the directory holds no database that can be opened, or it is open already. */
export async function openDatabase(dir: string): Promise<Database> {
  if (held.has(dir)) throw new Error(`The ledger in ${dir} cannot be opened: this process already holds its lock`);
  const database = await shareDatabase(dir);
  held.add(dir);
  database.once('closed', () => held.delete(dir));
  return database;
}

/** The same beside another thread of this process that has it open. */
export async function shareDatabase(dir: string): Promise<Database> {
  const database: Database = new ClassicLevel(dir, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: 16 * 1024 * 1024,
    cacheSize: 16 * 1024 * 1024,
    multithreading: true,
  });
  try {
    await database.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new Error(`The ledger in ${dir} cannot be opened${cause}`, { cause: error });
  }
  return database;
}

/** A value of public state, of a hash or of private state. */
export interface Versioned {
  version: Version;
  value: Buffer;
  /** Encoded metadata entries, empty where there are none. */
  metadata: Buffer;
}

/** Layout: block (8), transaction (4), length of metadata (4), metadata, value. */
export function encodeVersioned(versioned: Versioned): Buffer {
  const { version, value, metadata } = versioned;
  const out = Buffer.allocUnsafe(16 + metadata.length + value.length);
  out.writeUInt32BE(Math.floor(version.block / 2 ** 32), 0);
  out.writeUInt32BE(version.block % 2 ** 32, 4);
  out.writeUInt32BE(version.tx, 8);
  out.writeUInt32BE(metadata.length, 12);
  out.set(metadata, 16);
  out.set(value, 16 + metadata.length);
  return out;
}

export function decodeVersioned(bytes: Uint8Array): Versioned {
  const buffer = bufferOf(bytes);
  const version = { block: buffer.readUInt32BE(0) * 2 ** 32 + buffer.readUInt32BE(4), tx: buffer.readUInt32BE(8) };
  const length = buffer.readUInt32BE(12);
  const metadata = length === 0 ? EMPTY : buffer.subarray(16, 16 + length);
  return { version, metadata, value: buffer.subarray(16 + length) };
}

export interface Cursor {
  next(): Promise<[Buffer, Buffer] | undefined>;
  close(): void;
}

/** Reads of one state of the store. */
export interface Reader {
  get(key: Buffer): Buffer | undefined;
  all(range: KeyRange): Promise<[Buffer, Buffer][]>;
  /** In order of their bytes, fetched by the thousand. */
  entries(range: Partial<KeyRange>): AsyncIterableIterator<[Buffer, Buffer]>;
}

/** The states that somebody reads, by their database. */
const reading = new WeakMap<Database, Set<View>>();

/** The height of the oldest state that somebody reads. */
export const oldestRead = (database: Database): number =>
  Math.min(...[...(reading.get(database) ?? [])].map(({ height }) => height));

/**
 * The state as of one height, for as long as anybody holds it. Whoever takes it calls `retain`, and `release` when
 * done.
 */
export class View implements Reader {
  readonly height: number;
  readonly #database: Database;
  readonly #snapshot: ReturnType<Database['snapshot']>;
  readonly #options: { snapshot: ReturnType<Database['snapshot']> };
  #holders = 1;

  constructor(database: Database, height: number) {
    this.height = height;
    this.#database = database;
    this.#snapshot = database.snapshot();
    this.#options = { snapshot: this.#snapshot };
    const views = reading.get(database) ?? new Set();
    reading.set(database, views.add(this));
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    this.#holders--;
    if (this.#holders > 0) return;
    void this.#snapshot.close().finally(() => reading.get(this.#database)?.delete(this));
  }

  get(key: Buffer): Buffer | undefined {
    return this.#database.getSync(key, this.#options);
  }

  versioned(key: Buffer): Versioned | undefined {
    const bytes = this.get(key);
    return bytes && decodeVersioned(bytes);
  }

  /** Entries in order of their bytes. */
  walk(range: KeyRange): Cursor {
    const iterator = this.#database.iterator({ ...range, ...this.#options });
    return { next: () => iterator.next(), close: () => void iterator.close() };
  }

  async all(range: KeyRange): Promise<[Buffer, Buffer][]> {
    return this.#database.iterator({ ...range, ...this.#options }).all();
  }

  async *entries(range: Partial<KeyRange>): AsyncIterableIterator<[Buffer, Buffer]> {
    const iterator = this.#database.iterator({ ...range, ...this.#options });
    try {
      for (;;) {
        const entries = await iterator.nextv(ENTRIES_AT_ONCE);
        if (entries.length === 0) return;
        yield* entries;
      }
    } finally {
      await iterator.close();
    }
  }
}
