/**
 * Checks a ledger against itself: its blocks are hashed and validated again from the first to the last in a fresh
 * ledger, and header hashes, validation codes, commit hashes and the resulting state must be the same (spec 9.3).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredBlock } from '@telemed-ledger/formats/blocks/block.ts';
import {
  commitHashOf,
  decodeBlock,
  headerDer,
  headerHash,
  SIGNATURES,
  TRANSACTIONS_FILTER,
} from '@telemed-ledger/formats/blocks/block.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel, Ledger, Signer } from '../seams.ts';
import { readChainState } from './blocks/chain-state.ts';
import { openLedger } from './ledger.ts';
import { blockKey } from './state/keys.ts';
import type { Database } from './state/store.ts';
import { openDatabase } from './state/store.ts';

export interface Verification {
  /** Blocks that were looked at. */
  height: number;
  /** What was found to differ, in words; empty where the ledger is sound. */
  differences: string[];
}

export interface VerifyOptions {
  /** Directory of a ledger that nobody has open. */
  dir: string;
  channel: Channel;
  organisations: { name: string; mspId: string }[];
}

/** Public state, hashes, history and indexes; private data is not part of what blocks tell. */
const COMPARED = ['h', 't', 's', 'c', 'y', 'd'];

/** The replay's own blocks are thrown away and need no signatures. */
const NOBODY: Signer = { mspId: '', creator: new Uint8Array(), sign: () => new Uint8Array() };

/** @throws Error where the database cannot be read. */
export async function verifyLedger(options: VerifyOptions): Promise<Verification> {
  const { dir, channel, organisations } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'ledger-replay-'));
  const original = await openDatabase(dir);
  try {
    const height = readChainState(original)?.height ?? 0;
    const replay = await openLedger({ dir: scratch, channel, organisations, signer: NOBODY, durable: false });
    const differences = await replayBlocks(original, replay, height, channel);
    await replay.close();
    if (differences.length === 0) differences.push(...(await compareStates(original, scratch)));
    return { height, differences };
  } finally {
    await original.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Stops at the first block that differs: all later ones would. */
async function replayBlocks(original: Database, replay: Ledger, height: number, channel: Channel): Promise<string[]> {
  let previous: Buffer = Buffer.alloc(0);
  for (let number = 0; number < height; number++) {
    const bytes = original.getSync(blockKey(number));
    if (!bytes) return [`block ${number} is missing`];
    const block = decodeBlock(bytes);
    const differences = checkHashes(block, number, previous);
    if (number > 0 && differences.length === 0) {
      if (!(await isSigned(block, channel))) differences.push(`block ${number} is not signed by the orderer`);
      differences.push(...(await replayBlock(block, replay)));
    }
    if (differences.length > 0) return differences;
    previous = headerHash(block.header);
  }
  return [];
}

function checkHashes({ header, envelopes }: StoredBlock, number: number, previous: Buffer): string[] {
  const differences: string[] = [];
  if (header.number !== number) differences.push(`block ${number} says it is block ${header.number}`);
  if (!header.previousHash.equals(previous)) differences.push(`block ${number} does not follow the block before it`);
  if (!header.dataHash.equals(sha256(...envelopes))) differences.push(`the data of block ${number} has another hash`);
  return differences;
}

/** Whether the SIGNATURES entry holds the signature of an orderer of the channel. */
async function isSigned({ header, metadata }: StoredBlock, { identities }: Channel): Promise<boolean> {
  const entry = new Message(metadata[SIGNATURES] ?? Buffer.alloc(0));
  const [bytes] = entry.list(2);
  if (!bytes) return false;
  const signature = new Message(bytes);
  const orderer = identities.parse(signature.inside(1).bytes(1));
  if (orderer?.nodeOu !== 'orderer' || identities.invalidity(orderer) !== undefined) return false;
  const signed = Buffer.concat([entry.bytes(1), signature.bytes(1), headerDer(header)]);
  return identities.verify(orderer, signed, signature.bytes(2));
}

async function replayBlock(block: StoredBlock, replay: Ledger): Promise<string[]> {
  const { number } = block.header;
  const again = decodeBlock((await replay.commit(block.envelopes)).bytes);
  const differences: string[] = [];
  const filter = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
  if (!again.metadata[TRANSACTIONS_FILTER]?.equals(filter)) {
    differences.push(`block ${number} validates to other codes than it holds`);
  }
  const hash = commitHashOf(block);
  if (!hash || !commitHashOf(again)?.equals(hash)) differences.push(`block ${number} has another commit hash`);
  return differences;
}

async function compareStates(original: Database, dir: string): Promise<string[]> {
  const replayed = await openDatabase(dir);
  try {
    const differences: string[] = [];
    for (const prefix of COMPARED) {
      const difference = await compareRange(original, replayed, prefix);
      if (difference !== undefined) differences.push(difference);
    }
    return differences;
  } finally {
    await replayed.close();
  }
}

async function compareRange(original: Database, replayed: Database, prefix: string): Promise<string | undefined> {
  const start = Buffer.from(prefix);
  const range = { gte: start, lt: Buffer.from([(start[0] ?? 0) + 1]) };
  const [left, right] = [original.iterator(range), replayed.iterator(range)];
  try {
    for (;;) {
      const [a, b] = [await left.next(), await right.next()];
      if (!a && !b) return undefined;
      if (!a || !b || !a[0].equals(b[0]) || !a[1].equals(b[1])) {
        return `what is stored under ${JSON.stringify(String((a ?? b)?.[0]))} differs from what the blocks say`;
      }
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}
