/**
 * The chain from its first block on, each block from the copy that is as it was ordered. Where none is, the walk takes
 * what is chained and has its data, or ends.
 */

import { headerHash, type StoredBlock } from '@telemed-ledger/formats/blocks/block.ts';
import type { Channel } from '../../seams.ts';
import { dataFault, faultsAgainst, type JudgedBlock, judgeBlock, readBlock } from './block-check.ts';
import type { Damage, Subject } from './damage.ts';

/** Blocks by number; undefined where there is none. */
export type BlockSource = (number: number) => Buffer | undefined;

/** The orderer's own blocks. */
export interface BlockCopies {
  /** One above the highest that it holds. */
  height: number;
  read: BlockSource;
}

export interface BlockSources {
  store: BlockSource;
  orderer?: BlockCopies | undefined;
}

/** What one copy has of a block. */
export interface Candidate extends JudgedBlock {
  bytes: Buffer;
}

export interface WalkedBlock {
  number: number;
  /** What the chain goes on with, and from where. */
  usable: { block: StoredBlock; from: 'store' | 'copy'; isIntact: boolean } | undefined;
  store: Candidate | undefined;
  copy: Candidate | undefined;
  /** The orderer should hold a copy. */
  isCopied: boolean;
}

export class BlockWalk {
  readonly #sources: BlockSources;
  readonly #channel: Channel;
  #previous: Buffer;

  /** `genesis` is the first block, which was chosen before there was a channel to judge by. */
  constructor(sources: BlockSources, channel: Channel, genesis: StoredBlock) {
    this.#sources = sources;
    this.#channel = channel;
    this.#previous = headerHash(genesis.header);
  }

  /** Block `number`, the one after that of the last call. */
  async next(number: number): Promise<WalkedBlock> {
    const [store, copy] = [
      await this.#judge(this.#sources.store(number), number),
      await this.#judge(this.#sources.orderer?.read(number), number),
    ];
    const usable = chooseBlock({ store, copy });
    if (usable) this.#previous = headerHash(usable.block.header);
    return { number, usable, store, copy, isCopied: number < (this.#sources.orderer?.height ?? 0) };
  }

  async #judge(bytes: Buffer | undefined, number: number): Promise<Candidate | undefined> {
    return bytes && { bytes, ...(await judgeBlock(bytes, number, this.#previous, this.#channel)) };
  }
}

/** What a chain goes on with: what is intact, else what is chained and has its data. */
export function chooseBlock(candidates: {
  store: Candidate | undefined;
  copy: Candidate | undefined;
}): WalkedBlock['usable'] {
  const isChained = ({ faults }: Candidate): boolean => faults.every((fault) => fault === 'block signature');
  for (const isGood of [({ faults }: Candidate) => faults.length === 0, isChained]) {
    for (const from of ['store', 'copy'] as const) {
      const candidate = candidates[from];
      if (candidate?.block && isGood(candidate)) {
        return { block: candidate.block, from, isIntact: candidate.faults.length === 0 };
      }
    }
  }
  return undefined;
}

/**
 * The first block: of the copies that can be read, the one that the second block names; `undefined` where there is
 * none. The channel follows from it, so that it is judged by its hashes alone.
 */
export function chooseGenesis(sources: BlockSources, height: number): WalkedBlock {
  const candidates = { store: genesisOf(sources.store(0)), copy: genesisOf(sources.orderer?.read(0)) };
  const seconds = [sources.store(1), sources.orderer?.read(1)].flatMap((bytes) =>
    bytes ? (readBlock(bytes) ?? []) : [],
  );
  for (const candidate of Object.values(candidates)) {
    if (!candidate?.block || height < 2) continue;
    const hash = headerHash(candidate.block.header);
    const isNamed = seconds.some(({ header }) => header.previousHash.equals(hash));
    if (!isNamed && !candidate.faults.includes('block data')) candidate.faults.push('block data');
  }
  const intact = chooseBlock(candidates);
  return { number: 0, usable: intact, ...candidates, isCopied: (sources.orderer?.height ?? 0) > 0 };
}

function genesisOf(bytes: Buffer | undefined): Candidate | undefined {
  if (!bytes) return undefined;
  const block = readBlock(bytes);
  if (!block) return { bytes, block, faults: ['block'] };
  return { bytes, block, faults: block.header.number === 0 ? dataFault(block) : ['block number'] };
}

/** What of a block's copies is damaged. `expected` is the block as it belongs in the store, where that could be found. */
export function blockDamages(walked: WalkedBlock, expected: Buffer | undefined): Damage[] {
  const { number, usable, store, copy, isCopied } = walked;
  const place = `block ${number}`;
  const lost = usable?.isIntact ? {} : ({ isLost: true } as const);
  const damages: Damage[] = [];
  const add = (subject: Subject, fault: Damage['fault']): void =>
    void damages.push({ organisation: undefined, subject, fault, place, ...lost });
  if (!store) add('block', 'missing');
  else {
    const own = usable?.isIntact ? [] : store.faults;
    for (const subject of new Set([...own, ...(expected ? faultsAgainst(store.bytes, expected) : [])])) {
      add(subject, 'altered');
    }
  }
  if (!copy && isCopied) add('block copy', 'missing');
  if (copy && (expected ? !copy.bytes.equals(expected) : copy.faults.length > 0)) add('block copy', 'altered');
  return damages;
}
