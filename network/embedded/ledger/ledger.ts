/**
 * One channel's ledger: the public part, shared by all peers, and each organisation's private part. Blocks are
 * committed one after the other and published here; what validates and what is written live in the files beside.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { ledger as ledgerProtos } from '@hyperledger/fabric-protos';
import { decodeBlock, headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';
import type {
  Channel,
  CommittedBlock,
  CommittedTransaction,
  Definition,
  Identity,
  Ledger,
  Signer,
  Simulator,
} from '../seams.ts';
import type { ChainState } from './blocks/chain-state.ts';
import { readChainState } from './blocks/chain-state.ts';
import { readTransaction } from './blocks/tx-index.ts';
import type { Committed } from './commit.ts';
import { commitBlock, commitGenesis } from './commit.ts';
import { loadDefinitions } from './definitions/definitions.ts';
import { DefinitionHistory } from './definitions/history.ts';
import type { PublishedState } from './peer-view.ts';
import { PeerView } from './peer-view.ts';
import { Forgetting, purgesFile } from './private/forgetting.ts';
import { checkDissemination, deliverable } from './private/private-sets.ts';
import { readStoredSets } from './private/stored-sets.ts';
import { TransientStore } from './private/transient-store.ts';
import { LedgerSimulator } from './simulation/simulator.ts';
import { blockKey, DEFINITION_RANGE, headerHashKey, readNumber64, txIdKey } from './state/keys.ts';
import type { Database } from './state/store.ts';
import { oldestRead, openDatabase, View } from './state/store.ts';
import { PolicyCache } from './validation/endorsement-check.ts';

export interface LedgerOptions {
  /** Directory of the database; made where it does not exist. */
  dir: string;
  channel: Channel;
  organisations: { name: string; mspId: string }[];
  /** The orderer, which signs blocks. */
  signer: Signer;
  /** fsync each block before it is published. */
  durable: boolean;
  /** The orderer's own blocks, of which it gets each once it is committed; a copy that lags is brought up on opening. */
  orderer?: { readonly height: number; append(number: number, block: Uint8Array): Promise<void> };
}

/**
 * Opens a channel's ledger, beginning it with the channel's genesis block where it is new.
 *
 * @throws Error where the database cannot be opened, its last block is not the one it says, or it began with another
 * genesis block.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  await mkdir(options.dir, { recursive: true });
  const database = await openDatabase(options.dir);
  try {
    const chain = readChainState(database) ?? (await begin(database, options));
    checkChain(database, chain, options.channel);
    await bringUp(database, chain.height, options);
    const history = new DefinitionHistory(options.channel);
    await history.load(database.iterator(DEFINITION_RANGE));
    const ledger = new ChannelLedger(options, database, history, chain);
    await ledger.forgetting.begin(chain.height);
    return ledger;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The serialised block that a ledger began with, undefined where there is none yet. Not while the ledger is open. */
export async function readGenesis(dir: string): Promise<Uint8Array | undefined> {
  if (!existsSync(dir)) return undefined;
  const database = await openDatabase(dir);
  try {
    return database.getSync(blockKey(0));
  } finally {
    await database.close();
  }
}

async function begin(database: Database, { channel, durable }: LedgerOptions): Promise<ChainState> {
  return (await commitGenesis(channel.genesisBlock, database, durable)).chain;
}

async function bringUp(database: Database, height: number, { orderer }: LedgerOptions): Promise<void> {
  for (let number = orderer?.height ?? height; number < height; number++) {
    await orderer?.append(number, database.getSync(blockKey(number)) ?? Buffer.alloc(0));
  }
}

function checkChain(database: Database, chain: ChainState, channel: Channel): void {
  const headerOf = (number: number): Buffer => {
    const bytes = database.getSync(blockKey(number));
    if (!bytes) throw new Error(`the ledger has no block ${number}, though its height is ${chain.height}`);
    return headerHash(decodeBlock(bytes).header);
  };
  if (!headerOf(chain.height - 1).equals(chain.headerHash)) {
    throw new Error(`block ${chain.height - 1} of the ledger is not the one that was committed`);
  }
  const genesis = decodeBlock(channel.genesisBlock.serializeBinary());
  if (!headerOf(0).equals(headerHash(genesis.header))) {
    throw new Error(`the ledger began with another genesis block than channel ${channel.name}`);
  }
}

class ChannelLedger implements Ledger {
  readonly #options: LedgerOptions;
  readonly #database: Database;
  readonly #history: DefinitionHistory;
  readonly #transient: TransientStore;
  readonly forgetting: Forgetting;
  readonly #policies: PolicyCache;
  readonly #peers: Map<string, PeerView>;
  /** First block without private data, by organisation. */
  readonly #withheldFrom = new Map<string, number>();
  #chain: ChainState;
  #state: PublishedState;
  /** Commits run one after the other; rejected for good once one has failed to reach the disk. */
  #tail: Promise<unknown> = Promise.resolve();
  /** The orderer is given a block while the next one is ordered, so that its copy is at most one behind. */
  #copied: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LedgerOptions, database: Database, history: DefinitionHistory, chain: ChainState) {
    this.#options = options;
    this.#database = database;
    this.#history = history;
    this.#transient = new TransientStore(database);
    this.forgetting = new Forgetting({
      ...{ database, file: purgesFile(options.dir), durable: options.durable },
      oldestRead: () => oldestRead(database),
      between: (write) => this.#between(write),
    });
    this.#policies = new PolicyCache(options.channel);
    this.#chain = chain;
    const view = new View(database, chain.height);
    this.#state = { view, definitions: loadDefinitions(view, history.chaincodes(), new Map(), options.channel) };
    this.#peers = new Map(options.organisations.map(({ name }) => [name, new PeerView(this.#share())]));
  }

  #share(): PublishedState {
    return { view: this.#state.view.retain(), definitions: this.#state.definitions };
  }

  #peer(organisation: string): PeerView {
    const peer = this.#peers.get(organisation);
    if (!peer) throw new Error(`no peer of organisation ${organisation}`);
    return peer;
  }

  height(organisation?: string): number {
    return organisation === undefined ? this.#chain.height : this.#peer(organisation).state.view.height;
  }

  info(organisation?: string): { height: number; currentBlockHash: Uint8Array; previousBlockHash: Uint8Array } {
    const height = this.height(organisation);
    const last = height < this.#chain.height ? this.block(height - 1) : undefined;
    if (last !== undefined) {
      const { header } = decodeBlock(last);
      return { height, currentBlockHash: headerHash(header), previousBlockHash: header.previousHash };
    }
    const { headerHash: currentBlockHash, previousHash: previousBlockHash } = this.#chain;
    return { height: this.#chain.height, currentBlockHash, previousBlockHash };
  }

  simulate(organisation: string, transaction: { txId: string; creator: Identity }): Simulator {
    const { view, definitions } = this.#peer(organisation).state;
    const { channel } = this.#options;
    return new LedgerSimulator({ ...transaction, channel, organisation, definitions, view: view.retain() });
  }

  definition(chaincode: string): Definition | undefined {
    return this.#state.definitions.get(chaincode);
  }

  definitions(): Definition[] {
    return [...this.#state.definitions.values()];
  }

  async storeTransient(
    organisation: string,
    txId: string,
    height: number,
    set: ledgerProtos.rwset.TxPvtReadWriteSet,
  ): Promise<void> {
    const { organisations, channel } = this.#options;
    checkDissemination(set, txId, organisation, organisations, this.#state.definitions, channel);
    await this.#transient.add(txId, height, set);
  }

  transaction(txId: string): CommittedTransaction | undefined {
    const value = this.#state.view.get(txIdKey(txId));
    return value && readTransaction(txId, value);
  }

  block(number: number): Uint8Array | undefined {
    return this.#state.view.get(blockKey(number));
  }

  blockNumberByHash(hash: Uint8Array): number | undefined {
    const value = this.#state.view.get(headerHashKey(hash));
    return value && readNumber64(value);
  }

  privateData(organisation: string, block: number): Map<number, Uint8Array> {
    if (block >= (this.#withheldFrom.get(organisation) ?? Number.POSITIVE_INFINITY)) return new Map();
    const { view } = this.#peer(organisation).state;
    const sets = readStoredSets(view, block, organisation).filter(({ namespace, collection }) => {
      const life = this.collectionConfig(namespace, collection, block)?.blockToLive ?? 0;
      return life === 0 || block + life + 1 >= view.height;
    });
    return deliverable(sets);
  }

  collectionConfig(chaincode: string, collection: string, belowBlock: number): CollectionConfig | undefined {
    return this.#history.collectionConfig(chaincode, collection, belowBlock);
  }

  subscribe(organisation: string, listener: (block: CommittedBlock) => void): () => void {
    return this.#peer(organisation).subscribe(listener);
  }

  commit(envelopes: Uint8Array[]): Promise<CommittedBlock> {
    if (this.#closing) return Promise.reject(new Error('the ledger is closed'));
    const committed = this.#tail.then(() => this.#commit(envelopes));
    this.#tail = committed;
    committed.catch(() => undefined);
    return committed;
  }

  async #commit(envelopes: Uint8Array[]): Promise<CommittedBlock> {
    const { channel, organisations, signer, durable, orderer } = this.#options;
    await this.#copied;
    const committed = await commitBlock(envelopes, {
      database: this.#database,
      channel,
      organisations,
      signer,
      durable,
      policies: this.#policies,
      transient: this.#transient,
      history: this.#history,
      view: this.#state.view,
      definitions: this.#state.definitions,
      chain: this.#chain,
      purging: (keys, block) => this.forgetting.note(keys, block),
    });
    const { number, bytes } = committed.block;
    this.#copied = orderer?.append(number, bytes);
    this.#copied?.catch(() => undefined);
    this.#publish(committed);
    return committed.block;
  }

  /** Runs after the commits that are under way, and before those that come. */
  #between(write: () => Promise<void>): Promise<void> {
    const written = this.#tail.then(write);
    this.#tail = written;
    written.catch(() => undefined);
    return written;
  }

  #publish({ block, chain, defined }: Committed): void {
    const view = new View(this.#database, chain.height);
    const { definitions } = this.#state;
    this.#state.view.release();
    const { channel } = this.#options;
    this.#state = {
      view,
      definitions: defined.length > 0 ? loadDefinitions(view, defined, definitions, channel) : definitions,
    };
    this.#chain = chain;
    for (const peer of this.#peers.values()) peer.advance(this.#share(), block);
  }

  lag(organisation: string, ms: number): void {
    this.#peer(organisation).lag(ms);
  }

  withhold(organisation: string, withheld: boolean): void {
    if (withheld) this.#withheldFrom.set(organisation, this.height());
    else this.#withheldFrom.delete(organisation);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.forgetting.close();
    await this.#tail.catch(() => undefined);
    await this.#copied?.catch(() => undefined);
    for (const peer of this.#peers.values()) peer.close();
    this.#state.view.release();
    await this.#database.close();
  }
}
