/**
 * One look at a ledger: its blocks are walked and replayed into a store beside it, which then holds the ledger as it
 * should be. What differs is damage; what mends it lies in the store beside.
 */

import type { StoredBlock } from '@telemed-ledger/formats/blocks/block.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import type { Channel } from '../../seams.ts';
import { KEPT } from '../private/private-data.ts';
import { listedHolders, type SetPlace } from '../private/stored-sets.ts';
import { blockKey, storedSetKey } from '../state/keys.ts';
import type { Database, Reader, View } from '../state/store.ts';
import { BlockSets, type FoundSet, type PrivatePart, privateParts } from './block-sets.ts';
import {
  type BlockCopies,
  type BlockSources,
  BlockWalk,
  blockDamages,
  chooseGenesis,
  type WalkedBlock,
} from './block-walk.ts';
import type { Damage } from './damage.ts';
import { heightOf } from './height.ts';
import { Lacking } from './lacking.ts';
import { type PrivateCopies, rightSet } from './private-sets.ts';
import { Replay } from './replay.ts';
import { pendingSet } from './store-copies.ts';

export interface ExaminationOptions {
  /** The ledger as it is. */
  store: Reader;
  orderer?: BlockCopies | undefined;
  copies: PrivateCopies;
  /** An empty store for the ledger as it should be. */
  scratch: Database;
  organisations: { name: string; mspId: string }[];
  /** The channels that follow from a first block (see ReplayOptions). @throws Error where it is another network's. */
  channelsOf(genesis: Uint8Array): Channel[];
  /** Called before each block; may make the examination wait, and ends it by throwing. */
  onBlock?(number: number): void | Promise<void>;
}

/** A private value that was had from another copy than the stored set. */
export interface TakenValue {
  place: SetPlace;
  keyHash: Buffer;
  from: string;
}

/** A whole set that has expired: the store has dropped it, and its values are in no state. */
const EXPIRED = Buffer.alloc(0);

export class Examination {
  readonly damages: Damage[] = [];
  readonly lacking = new Lacking();
  readonly taken: TakenValue[] = [];
  /** Blocks that the store should hold. */
  readonly storeHeight: number;
  /** Blocks that any copy holds. */
  readonly height: number;
  readonly #options: ExaminationOptions;
  readonly #sources: BlockSources;
  #running: { walk: BlockWalk; replay: Replay } | undefined;
  #done = 0;
  /** Blocks by which values may have expired. */
  #horizon = 0;

  private constructor(options: ExaminationOptions, storeHeight: number) {
    this.#options = options;
    const { store, orderer } = options;
    this.#sources = { store: (number) => store.get(blockKey(number)), orderer };
    this.storeHeight = storeHeight;
    this.height = Math.max(storeHeight, orderer?.height ?? 0);
  }

  static async of(options: ExaminationOptions): Promise<Examination> {
    return new Examination(options, await heightOf(options.store));
  }

  /** Blocks that were replayed. */
  get done(): number {
    return this.#done;
  }

  /** The ledger as it should be as of the blocks that were replayed; undefined where not even the first could be. */
  get expected(): View | undefined {
    return this.#running?.replay.view;
  }

  /** Replays the blocks below `height`; ends at the first of which no copy can be used. */
  async replayTo(height: number): Promise<void> {
    this.#horizon = Math.max(this.storeHeight, height);
    if (height > 0) this.#running ??= await this.#begin();
    if (!this.#running) return;
    const { walk, replay } = this.#running;
    while (this.#done < height) {
      await this.#options.onBlock?.(this.#done);
      const walked = await walk.next(this.#done);
      if (!walked.usable) return void this.#report(walked);
      await this.#commit(walked.usable.block, replay);
      this.#report(walked);
      this.#done++;
    }
  }

  async #begin(): Promise<{ walk: BlockWalk; replay: Replay } | undefined> {
    const { scratch: database, organisations } = this.#options;
    const walked = chooseGenesis(this.#sources, this.height);
    if (!walked.usable) return void this.#report(walked);
    const { block: genesis, from } = walked.usable;
    const channels = this.#options.channelsOf(walked[from]?.bytes ?? Buffer.alloc(0));
    const [channel] = channels;
    if (!channel) throw new Error('a ledger is examined by a channel');
    const replay = await Replay.begin({ database, channels, organisations, genesis });
    this.#running = { walk: new BlockWalk(this.#sources, channel, genesis), replay };
    this.#report(walked);
    this.#done = 1;
    return this.#running;
  }

  /** Blocks above the store's height are not damaged, they are lost: whoever asks for them reports them together. */
  #report(walked: WalkedBlock): void {
    if (walked.number >= this.storeHeight) return;
    this.damages.push(...blockDamages(walked, walked.usable && this.expected?.get(blockKey(walked.number))));
  }

  async #commit(block: StoredBlock, replay: Replay): Promise<void> {
    const sets = new BlockSets();
    const parts = privateParts(block.header.number, block.envelopes);
    for (const part of parts) sets.put(part.place, await this.#find(part, replay));
    const codes = await replay.commit(block, (_, __, place) => sets.get(place)?.bytes);
    for (const part of parts) this.#follow(part, codes[part.place.tx], sets.get(part.place));
  }

  async #find({ place, txId, hashed }: PrivatePart, replay: Replay): Promise<FoundSet> {
    const { store, copies } = this.#options;
    const { block, tx, namespace, collection } = place;
    const holders = replay.holders(namespace, collection);
    const stored = store.get(storedSetKey(block, tx, namespace, collection));
    const set = stored ?? pendingSet(store, txId, hashed.privateHash);
    const { bytes, lacking, isWrong, taken } = await rightSet(place, hashed, set, copies);
    for (const each of taken) this.taken.push({ place, ...each });
    if (stored || lacking.length === 0) return { bytes, lacking, isWrong, holders };
    const life = replay.collection(namespace, collection)?.config.blockToLive ?? 0;
    if (life > 0 && block + life + 1 < this.#horizon) return { bytes: EXPIRED, lacking: [], isWrong, holders };
    return { bytes: listedHolders(store, place) || taken.length > 0 ? bytes : undefined, lacking, isWrong, holders };
  }

  /** Once the block is committed: what is lacking of it, and what it explains that earlier blocks lack. */
  #follow({ place, hashed }: PrivatePart, code: number | undefined, set: FoundSet | undefined): void {
    if (code === undefined || !KEPT.has(code) || !set) return;
    const isValid = code === VALID;
    if (isValid) for (const { key } of hashed.writes) this.lacking.written(place, key, false);
    for (const keyHash of set.holders.length > 0 ? set.lacking : []) {
      const { holders, isWrong } = set;
      this.lacking.add({ place, keyHash, holders, isWrong, isSuperseded: !isValid });
    }
    const purged = isValid ? hashed.writes.filter(({ isPurge }) => isPurge) : [];
    for (const { key } of purged) this.lacking.written(place, key, true);
  }

  close(): void {
    this.#running?.replay.close();
  }
}
