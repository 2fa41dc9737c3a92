/**
 * The ledger as it should be: blocks validated and applied again, one by one, into a store of its own. It judges by the
 * same code as the ledger itself; only where blocks and private sets come from differs.
 */

import { type StoredBlock, TRANSACTIONS_FILTER, toMessage } from '@telemed-ledger/formats/blocks/block.ts';
import { MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import type { Channel, Signer } from '../../seams.ts';
import type { ChainState } from '../blocks/chain-state.ts';
import type { ParsedTransaction } from '../blocks/transaction.ts';
import { commitBlock, commitGenesis } from '../commit.ts';
import { type CommittedDefinition, findCollection, loadDefinitions } from '../definitions/definitions.ts';
import { DefinitionHistory } from '../definitions/history.ts';
import type { PendingSets } from '../private/private-data.ts';
import { type Database, View } from '../state/store.ts';
import { PolicyCache } from '../validation/endorsement-check.ts';
import { type StageOneContext, stageOne } from '../validation/stage-one.ts';

export interface ReplayOptions {
  /** An empty store. */
  database: Database;
  /**
   * The channel by each set of revocation lists that a transaction may have been judged by: those of today, and those
   * of the first block. A list is looked at when a block commits, and nothing says when it came.
   */
  channels: Channel[];
  organisations: { name: string; mspId: string }[];
  genesis: StoredBlock;
}

/** The private sets of one block. */
export type SetsOfBlock = PendingSets['get'];

const NOBODY: Signer = { mspId: '', creator: new Uint8Array(), sign: () => new Uint8Array() };
/** Codes of stage 2, which replace VALID. */
const CONFLICTS = new Set<number | undefined>([MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT]);

export class Replay {
  readonly #options: ReplayOptions;
  readonly #history: DefinitionHistory;
  readonly #policies: PolicyCache[];
  #definitions: ReadonlyMap<string, CommittedDefinition> = new Map();
  #chain: ChainState;
  #view: View;

  private constructor(options: ReplayOptions, chain: ChainState) {
    this.#options = options;
    this.#history = new DefinitionHistory(this.#channel);
    this.#policies = options.channels.map((channel) => new PolicyCache(channel));
    this.#chain = chain;
    this.#view = new View(options.database, chain.height);
  }

  static async begin(options: ReplayOptions): Promise<Replay> {
    const { chain } = await commitGenesis(toMessage(options.genesis), options.database, false);
    return new Replay(options, chain);
  }

  get #channel(): Channel {
    const [channel] = this.#options.channels;
    if (!channel) throw new Error('a replay needs a channel');
    return channel;
  }

  get chain(): ChainState {
    return this.#chain;
  }

  /** The state as of the last block. */
  get view(): View {
    return this.#view;
  }

  /** A collection as the next block will be judged by. */
  collection(namespace: string, name: string): ReturnType<typeof findCollection> {
    return findCollection(this.#definitions.get(namespace), name, this.#channel);
  }

  /** Names of the organisations whose peers hold what the next block writes to the collection. */
  holders(namespace: string, collection: string): string[] {
    const members = this.collection(namespace, collection)?.memberMspIds;
    return this.#options.organisations.filter(({ mspId }) => members?.has(mspId)).map(({ name }) => name);
  }

  /** Commits the next block; answers its validation codes. */
  async commit(block: StoredBlock, sets: SetsOfBlock): Promise<number[]> {
    const { database, organisations } = this.#options;
    const committed = await commitBlock(block.envelopes, {
      database,
      channel: this.#channel,
      organisations,
      signer: NOBODY,
      durable: false,
      policies: this.#policies[0] ?? new PolicyCache(this.#channel),
      transient: { get: sets, remove: () => undefined, sweep: async () => undefined },
      history: this.#history,
      view: this.#view,
      definitions: this.#definitions,
      chain: this.#chain,
      ordered: block,
      judge: (transactions, context) => this.#judge(block, transactions, context),
    });
    this.#chain = committed.chain;
    this.#view.release();
    this.#view = new View(database, committed.chain.height);
    this.#definitions = loadDefinitions(this.#view, committed.defined, this.#definitions, this.#channel);
    return committed.block.transactions.map(({ code }) => code);
  }

  /** By the lists of today; where that gives another code than the block holds, by those of the first block. */
  async #judge(block: StoredBlock, transactions: ParsedTransaction[], context: StageOneContext): Promise<number[]> {
    const results = await stageOne(transactions, context);
    const held = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
    const fits = (code: number | undefined, index: number): boolean =>
      code === held[index] || (code === VALID && CONFLICTS.has(held[index]));
    for (const [at, channel] of this.#options.channels.entries()) {
      const policies = this.#policies[at];
      if (at === 0 || !policies || results.every(fits)) continue;
      const others = await stageOne(transactions, { ...context, channel, policies });
      for (const [index, code] of others.entries()) {
        if (!fits(results[index], index) && fits(code, index)) results[index] = code;
      }
    }
    return results;
  }

  close(): void {
    this.#view.release();
  }
}
