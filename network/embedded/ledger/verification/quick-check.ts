/**
 * The fast form of a verification, for every start: what its time allows, however long the chain is. The newest blocks
 * are judged whole with what they left in the store, then some picked from the rest. What it reports is damage; what it
 * does not report may be sound or not.
 */
import { randomInt } from 'node:crypto';
import { commitHashOf, headerHash, type StoredBlock } from '@telemed-ledger/formats/blocks/block.ts';
import type { Channel } from '../../seams.ts';
import { type ChainState, decodeChainState } from '../blocks/chain-state.ts';
import { DefinitionHistory } from '../definitions/history.ts';
import { blockKey, DEFINITION_RANGE, META } from '../state/keys.ts';
import type { Reader } from '../state/store.ts';
import { faultsAgainst, judgeBlock, readBlock } from './block-check.ts';
import { BlockEffects } from './block-effects.ts';
import { type BlockCopies, type Candidate, chooseBlock } from './block-walk.ts';
import { commitHashFits } from './commit-hash-check.ts';
import { blockRange, type Damage, type Subject } from './damage.ts';
import { heightOf } from './height.ts';

export interface QuickCheckOptions {
  store: Reader;
  channel: Channel;
  orderer: BlockCopies;
  /** For the newest blocks, and half as much again for picked ones. */
  budgetMs: number;
}

const PICKED = 50;
/** More is not needed to know that the ledger is damaged. */
const ENOUGH = 100;

export async function quickCheck(options: QuickCheckOptions): Promise<Damage[]> {
  const { store, orderer, budgetMs } = options;
  const height = await heightOf(store);
  const check = new QuickCheck(options, height, await definitionsOf(options));
  if (orderer.height > height) check.report('block', 'missing', blockRange(height, orderer.height));
  const lowest = await check.newest(performance.now() + budgetMs);
  check.record();
  await check.picked(lowest, performance.now() + budgetMs / 2);
  return check.damages;
}

/** A damaged index of definitions is named by a replay; here it leaves expiry unknown. */
async function definitionsOf({ store, channel }: QuickCheckOptions): Promise<DefinitionHistory | undefined> {
  try {
    const history = new DefinitionHistory(channel);
    await history.load(store.entries(DEFINITION_RANGE));
    return history;
  } catch {
    return undefined;
  }
}

class QuickCheck {
  readonly #options: QuickCheckOptions;
  readonly #height: number;
  readonly #definitions: DefinitionHistory | undefined;
  readonly #damages: Damage[] = [];
  readonly #effects: BlockEffects[] = [];
  #newest: StoredBlock | undefined;

  constructor(options: QuickCheckOptions, height: number, definitions: DefinitionHistory | undefined) {
    this.#options = options;
    this.#height = height;
    this.#definitions = definitions;
  }

  get damages(): Damage[] {
    return [...this.#damages, ...this.#effects.flatMap(({ damages }) => damages)];
  }

  report(subject: Subject, fault: Damage['fault'], place: string): void {
    this.#damages.push({ organisation: undefined, subject, fault, place });
  }

  #newEffects(isNewestFirst: boolean): BlockEffects {
    const lifeOf = (namespace: string, collection: string, block: number): number =>
      this.#definitions?.collectionConfig(namespace, collection, block)?.blockToLive ?? 0;
    const effects = new BlockEffects({ store: this.#options.store, height: this.#height, lifeOf }, isNewestFirst);
    this.#effects.push(effects);
    return effects;
  }

  /** Judges blocks from the newest on; answers the number of the last one it came to. */
  async newest(deadline: number): Promise<number> {
    let effects = this.#newEffects(true);
    let next: StoredBlock | undefined;
    for (let number = this.#height - 1; number >= 0; number--) {
      if (performance.now() > deadline || this.damages.length > ENOUGH) return number + 1;
      const block = await this.#judge(number, next);
      if (number === this.#height - 1) this.#newest = block;
      if (block) effects.check(block);
      // What the block wrote is not known, so that older writes are no longer the last ones of their keys.
      else effects = this.#newEffects(false);
      next = block;
    }
    return 0;
  }

  /** Blocks below `limit` that chance picks, and always the first. */
  async picked(limit: number, deadline: number): Promise<void> {
    const numbers = limit === 0 ? [] : [0, ...Array.from({ length: PICKED }, () => randomInt(limit))];
    for (const number of new Set(numbers)) {
      if (performance.now() > deadline || this.damages.length > ENOUGH) return;
      const block = await this.#judge(number, readBlock(this.#bytes(number + 1) ?? Buffer.alloc(0)));
      if (block) this.#newEffects(false).check(block);
    }
  }

  #bytes(number: number): Buffer | undefined {
    return number < 0 ? undefined : this.#options.store.get(blockKey(number));
  }

  /** The block as it was ordered, from whichever copy has it so. `next` is the one after it. */
  async #judge(number: number, next: StoredBlock | undefined): Promise<StoredBlock | undefined> {
    const { orderer } = this.#options;
    const place = `block ${number}`;
    const candidates = {
      store: await this.#candidate(this.#bytes(number), number, next),
      copy: await this.#candidate(orderer.read(number), number, next),
    };
    this.#judgeMetadata(number, candidates, next);
    const { store, copy } = candidates;
    if (!store) this.report('block', 'missing', place);
    for (const subject of store?.faults ?? []) this.report(subject, 'altered', place);
    if (number < orderer.height && !copy) this.report('block copy', 'missing', place);
    if (copy && copy.faults.length > 0) this.report('block copy', 'altered', place);
    const usable = chooseBlock(candidates);
    return usable?.isIntact ? usable.block : undefined;
  }

  async #candidate(
    bytes: Buffer | undefined,
    number: number,
    next: StoredBlock | undefined,
  ): Promise<Candidate | undefined> {
    if (!bytes) return undefined;
    const { block, faults } = await judgeBlock(bytes, number, undefined, this.#options.channel);
    const isNamed = !block || !next || next.header.previousHash.equals(headerHash(block.header));
    if (!isNamed && faults.length === 0) faults.push('block link');
    return { bytes, block, faults };
  }

  /** Codes and commit hash are in no signature: they must lead from the block before to the one after. */
  #judgeMetadata(
    number: number,
    { store, copy }: { store: Candidate | undefined; copy: Candidate | undefined },
    next: StoredBlock | undefined,
  ): void {
    const intact = [store, copy].flatMap((each) =>
      each?.block && each.faults.length === 0 ? { ...each, block: each.block } : [],
    );
    const before = [this.#bytes(number - 1), this.#options.orderer.read(number - 1)].map(
      (bytes) => bytes && readBlock(bytes),
    );
    const fits = ({ block }: { block: StoredBlock }): boolean | undefined =>
      commitHashFits(block, before) ?? (next && commitHashFits(next, [block]));
    const [one, other] = intact;
    if (one && !other && fits(one) === false) one.faults.push('commit hash');
    if (!store || !copy || !one || !other || store.bytes.equals(copy.bytes)) return;
    if (fits(one) === true && fits(other) !== true) copy.faults.push('block metadata');
    else store.faults.push(...faultsAgainst(store.bytes, copy.bytes));
  }
  /** The record of the chain against the newest block. */
  record(): void {
    const block = this.#newest;
    if (!block) return;
    const bytes = this.#options.store.get(META);
    const held = bytes && readRecord(bytes);
    if (!held) return void this.report('chain record', bytes ? 'altered' : 'missing', 'chain record');
    const { previousHash, number } = block.header;
    const isRight =
      held.height === number + 1 &&
      held.headerHash.equals(headerHash(block.header)) &&
      held.previousHash.equals(previousHash) &&
      held.commitHash.equals(commitHashOf(block) ?? Buffer.alloc(0));
    if (!isRight) this.report('chain record', 'altered', 'chain record');
  }
}

function readRecord(bytes: Buffer): ChainState | undefined {
  try {
    return decodeChainState(bytes);
  } catch {
    return undefined;
  }
}
