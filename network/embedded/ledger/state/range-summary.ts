/**
 * What a range query leaves in the read set: the reads themselves up to 50, above that a Merkle summary of degree
 * 50 (spec 4.1). Simulation and validation build it alike.
 */
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';

const MERKLE_DEGREE = 50;

export interface MerkleSummary {
  degree: number;
  level: number;
  hashes: Buffer[];
}

export class RangeSummary {
  readonly #degree: number;
  #pending: Buffer[] = [];
  /** Hashes by level; index 0 is the leaf level 1. */
  readonly #levels: Buffer[][] = [[]];

  constructor(degree = MERKLE_DEGREE) {
    this.#degree = degree;
  }

  /** Takes one encoded KVRead. */
  add(read: Buffer): void {
    this.#pending.push(read);
    if (this.#pending.length > this.#degree) this.#closeLeaf();
  }

  /** The reads, or the summary; neither where there was no result. */
  done(): { reads: Buffer[]; merkle: MerkleSummary | undefined } {
    if (this.#levels.length === 1 && this.#levels[0]?.length === 0) return { reads: this.#pending, merkle: undefined };
    if (this.#pending.length > 0) this.#closeLeaf();
    this.#complete();
    return {
      reads: [],
      merkle: { degree: this.#degree, level: this.#levels.length, hashes: this.#levels.at(-1) ?? [] },
    };
  }

  #closeLeaf(): void {
    const leaf = sha256(encode(...repeated(1, this.#pending)));
    this.#pending = [];
    this.#levels[0]?.push(leaf);
    for (let level = 0; level < this.#levels.length; level++) {
      const hashes = this.#levels[level] ?? [];
      if (hashes.length <= this.#degree) return;
      this.#raise(level, sha256(...hashes));
    }
  }

  #raise(level: number, hash: Buffer): void {
    this.#levels[level] = [];
    const above = this.#levels[level + 1];
    if (above) above.push(hash);
    else this.#levels.push([hash]);
  }

  /** Carries what is left on lower levels up to the highest one; a single hash rises unchanged. */
  #complete(): void {
    const top = this.#levels.length - 1;
    for (let level = 0; level < top; level++) {
      const hashes = this.#levels[level] ?? [];
      const [first] = hashes;
      if (first) this.#raise(level, hashes.length === 1 ? first : sha256(...hashes));
    }
    const last = this.#levels[top] ?? [];
    if (last.length > this.#degree) this.#raise(top, sha256(...last));
  }
}

export interface RangeInfo {
  start: string;
  end: string;
  exhausted: boolean;
  summary: RangeSummary;
}

/** Encoded kvrwset.RangeQueryInfo. */
export function encodeRangeInfo(info: RangeInfo): Buffer {
  const { reads, merkle } = info.summary.done();
  return encode(
    [1, info.start],
    [2, info.end],
    [3, info.exhausted],
    [4, reads.length > 0 ? encode(...repeated(1, reads)) : undefined],
    [5, merkle && encode([1, merkle.degree], [2, merkle.level], ...repeated(3, merkle.hashes))],
  );
}
