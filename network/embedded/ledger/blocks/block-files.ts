/**
 * The orderer's own copy of the blocks, as Fabric's orderers keep one: files that are only appended to, beside the
 * peers' store and independent of it. What is damaged in one of the two can be had from the other.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Frames, frameOf, readFrames } from './block-frames.ts';

const FILE_BYTES = 16 * 1024 * 1024;
const NAME = /^(\d{12})\.blocks$/;
const fileName = (first: number): string => `${String(first).padStart(12, '0')}.blocks`;

/** Reads the copy as it was when this was made. */
export class BlockReader {
  /** One above the highest block. */
  readonly height: number;
  readonly #dir: string;
  /** Numbers of the files' first blocks, ascending. */
  readonly #firsts: number[];
  #cached: { first: number; frames: Frames } | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    const names = existsSync(dir) ? readdirSync(dir) : [];
    this.#firsts = names
      .flatMap((name) => (NAME.exec(name) ? [Number(NAME.exec(name)?.[1])] : []))
      .sort((a, b) => a - b);
    const last = this.#firsts.at(-1);
    this.height = last === undefined ? 0 : Math.max(last, this.#frames(last).height);
  }

  /** undefined where there is none, or where its frame is too damaged to be found. */
  read(number: number): Buffer | undefined {
    if (number >= this.height) return undefined;
    const first = this.#firsts.findLast((each) => each <= number);
    return first === undefined ? undefined : this.#frames(first).blocks.get(number);
  }

  #frames(first: number): Frames {
    if (this.#cached?.first !== first) {
      this.#cached = { first, frames: readFrames(readFileSync(join(this.#dir, fileName(first)))) };
    }
    return this.#cached.frames;
  }

  /** The newest file and where its last whole frame ends. */
  get end(): { first: number; at: number } | undefined {
    const first = this.#firsts.at(-1);
    return first === undefined ? undefined : { first, at: this.#frames(first).end };
  }
}

/** Appends blocks, one after the other. One process at a time. */
export class BlockFiles {
  readonly #dir: string;
  #height: number;
  #file: { handle: FileHandle; size: number } | undefined;

  private constructor(dir: string, height: number) {
    this.#dir = dir;
    this.#height = height;
  }

  /** Goes on behind the last whole block: what a killed process left of another one is cut off. */
  static async open(dir: string): Promise<BlockFiles> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const reader = new BlockReader(dir);
    const files = new BlockFiles(dir, reader.height);
    const { end } = reader;
    if (end) {
      const path = join(dir, fileName(end.first));
      if (statSync(path).size > end.at) truncateSync(path, end.at);
      files.#file = { handle: await open(path, 'a'), size: end.at };
    }
    return files;
  }

  /** One above the highest block. */
  get height(): number {
    return this.#height;
  }

  /** @throws Error where it is not the next block, or cannot be written. */
  async append(number: number, block: Uint8Array): Promise<void> {
    if (number !== this.#height) throw new Error(`block ${number} does not follow the ${this.#height} blocks kept`);
    const frame = frameOf(number, block);
    if (!this.#file || this.#file.size > FILE_BYTES) await this.#begin(number);
    await this.#file?.handle.appendFile(frame);
    if (this.#file) this.#file.size += frame.length;
    this.#height = number + 1;
  }

  async #begin(number: number): Promise<void> {
    await this.#file?.handle.close();
    this.#file = { handle: await open(join(this.#dir, fileName(number)), 'a', 0o600), size: 0 };
  }

  async close(): Promise<void> {
    await this.#file?.handle.datasync();
    await this.#file?.handle.close();
    this.#file = undefined;
  }
}
