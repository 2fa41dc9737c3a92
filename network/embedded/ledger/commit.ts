/**
 * One block from envelopes to disk: validation, state, private data, history and indexes, and the block itself, in
 * one batch (spec 9.3). A batch that was not written whole is not there at all after a crash.
 */
import type { common } from '@hyperledger/fabric-protos';
import {
  type BlockHeader,
  dataHash,
  decodeBlock,
  encodeBlock,
  headerHash,
  lastConfigEntry,
  ordererMetadata,
  SIGNATURES,
  type StoredBlock,
  TRANSACTIONS_FILTER,
  toMessage,
} from '@telemed-ledger/formats/blocks/block.ts';
import { commitHash } from '@telemed-ledger/formats/blocks/commit-hash.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { Channel, CommittedBlock, CommittedTransaction, Signer } from '../seams.ts';
import type { ChainState } from './blocks/chain-state.ts';
import { writeChainState } from './blocks/chain-state.ts';
import type { ParsedTransaction } from './blocks/transaction.ts';
import { parseTransaction } from './blocks/transaction.ts';
import { putTransactions } from './blocks/tx-index.ts';
import type { CommittedDefinition } from './definitions/definitions.ts';
import type { DefinitionHistory } from './definitions/history.ts';
import { commitPrivateData, type PendingSets } from './private/private-data.ts';
import type { TransientStore } from './private/transient-store.ts';
import { blockKey, headerHashKey, historyKey, number64, txIdKey } from './state/keys.ts';
import type { Batch, Database, View } from './state/store.ts';
import { encodeVersioned } from './state/store.ts';
import { CommittedState, Updates } from './state/updates.ts';
import type { PolicyCache } from './validation/endorsement-check.ts';
import { stageOne } from './validation/stage-one.ts';
import { stageTwo } from './validation/stage-two.ts';

export interface CommitContext {
  database: Database;
  channel: Channel;
  organisations: { name: string; mspId: string }[];
  signer: Signer;
  durable: boolean;
  policies: PolicyCache;
  transient: PendingSets & Pick<TransientStore, 'sweep'>;
  history: DefinitionHistory;
  view: View;
  definitions: ReadonlyMap<string, CommittedDefinition>;
  chain: ChainState;
  /** Told of the keys whose former values a block purges, before it is written. */
  purging?: (keys: readonly Buffer[], block: number) => Promise<void>;
  /** A block that was ordered before and is committed again: its header and its orderer's signature are kept. */
  ordered?: StoredBlock;
  /** Stage 1, unless a replay has reason to judge otherwise. */
  judge?: typeof stageOne;
}

export interface Committed {
  block: CommittedBlock;
  chain: ChainState;
  /** Chaincodes whose definition the block changed. */
  defined: string[];
}

/** Validates and applies the envelopes as the next block, and writes it. */
export async function commitBlock(envelopes: Uint8Array[], context: CommitContext): Promise<Committed> {
  const { database, chain, view, channel } = context;
  const number = chain.height;
  const transactions = envelopes.map(parseTransaction);
  const committed = new CommittedState(view);
  const isCommitted = (txId: string): boolean => view.get(txIdKey(txId)) !== undefined;
  const { policies, definitions } = context;
  const { judge = stageOne } = context;
  const results = await judge(transactions, { channel, policies, definitions, committed, isCommitted });
  const updates = await validateReads(number, transactions, results, committed);
  const filter = Uint8Array.from(results);
  const hash = commitHash(filter, [...updates.byKey.values()], chain.commitHash);
  const block = assemble(transactions, filter, hash, context);

  const batch = database.batch();
  const entries = transactions.map(({ txId }, index) => ({
    txId,
    code: results[index] ?? VALID,
    block: number,
    index,
  }));
  putTransactions(batch, entries, isCommitted);
  putState(batch, updates);
  putHistory(batch, number, transactions, results);
  const purged = await commitPrivateData(transactions, results, updates, {
    ...{ ...context, block: number },
    ...{ committed, batch },
  });
  await context.purging?.(purged, number);
  const defined = context.history.record(number, updates, committed, batch);
  await context.transient.sweep(number, batch);
  const next = { ...chain, height: number + 1, previousHash: chain.headerHash, commitHash: hash };
  return { ...(await writeBlock(batch, block, entries, next, context.durable)), defined };
}

/** Stores the block that the channel begins with. */
export async function commitGenesis(genesis: common.Block, database: Database, durable: boolean): Promise<Committed> {
  const block = decodeBlock(genesis.serializeBinary());
  block.metadata[TRANSACTIONS_FILTER] = Buffer.from([VALID]);
  const transactions = block.envelopes.map((envelope, index) => {
    return { txId: parseTransaction(envelope).txId, code: VALID, block: 0, index };
  });
  const batch = database.batch();
  putTransactions(batch, transactions, () => false);
  const none = Buffer.alloc(0);
  const chain = { height: 1, headerHash: none, previousHash: none, commitHash: none, lastConfig: 0 };
  return { ...(await writeBlock(batch, block, transactions, chain, durable)), defined: [] };
}

async function writeBlock(
  batch: Batch,
  block: StoredBlock,
  transactions: CommittedTransaction[],
  state: ChainState,
  durable: boolean,
): Promise<Omit<Committed, 'defined'>> {
  const bytes = encodeBlock(block);
  const { number } = block.header;
  const chain = { ...state, headerHash: headerHash(block.header) };
  batch.put(blockKey(number), bytes);
  batch.put(headerHashKey(chain.headerHash), number64(number));
  writeChainState(batch, chain);
  await batch.write({ sync: durable });
  return { block: { number, bytes, block: toMessage(block), transactions }, chain };
}

/** Stage 2, in order: what each transaction read, against what those before it wrote. Completes the codes. */
async function validateReads(
  number: number,
  transactions: ParsedTransaction[],
  results: number[],
  committed: CommittedState,
): Promise<Updates> {
  const updates = new Updates(committed);
  for (const [tx, { rwset }] of transactions.entries()) {
    if (results[tx] !== VALID) continue;
    const code = await stageTwo(rwset, committed, updates);
    results[tx] = code;
    if (code === VALID) updates.apply(rwset, { block: number, tx });
  }
  return updates;
}

function assemble(
  transactions: ParsedTransaction[],
  filter: Uint8Array,
  hash: Buffer,
  { chain, signer, ordered }: CommitContext,
): StoredBlock {
  const envelopes = transactions.map(({ envelope }) => envelope);
  const header: BlockHeader = ordered?.header ?? {
    number: chain.height,
    previousHash: chain.headerHash,
    dataHash: dataHash(envelopes),
  };
  const [signatures, lastConfig] = ordered
    ? [ordered.metadata[SIGNATURES] ?? Buffer.alloc(0), lastConfigEntry(chain.lastConfig)]
    : ordererMetadata(header, chain.lastConfig, signer);
  return {
    header,
    envelopes,
    metadata: [signatures, lastConfig, bufferOf(filter), Buffer.alloc(0), encode([1, hash])],
  };
}

function putState(batch: Batch, updates: Updates): void {
  for (const { databaseKey, value, version, metadata, replaces } of updates.byKey.values()) {
    if (value !== undefined) batch.put(databaseKey, encodeVersioned({ value, version, metadata }));
    else if (replaces) batch.del(databaseKey);
  }
}

/** Every valid public write, deletes included (spec 4.6). */
function putHistory(batch: Batch, block: number, transactions: ParsedTransaction[], results: number[]): void {
  for (const [tx, { rwset }] of transactions.entries()) {
    if (results[tx] !== VALID) continue;
    for (const { namespace, writes } of rwset) {
      for (const { key } of writes) batch.put(historyKey(namespace, key, block, tx), Buffer.alloc(0));
    }
  }
}
