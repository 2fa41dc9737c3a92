/**
 * A ledger laid open for a look at it: what can be read of its store, an empty store for the ledger as it should be, and
 * the examination that compares the two.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { createChannel } from '../../channel/channel.ts';
import type { NetworkConfig } from '../../config.ts';
import type { Channel } from '../../seams.ts';
import { type Database, openDatabase, type Reader, View } from '../state/store.ts';
import { checkStore, type StoreCheck } from '../store-files/check-store.ts';
import type { BlockCopies } from './block-walk.ts';
import { Examination } from './examination.ts';
import type { PrivateCopies } from './private-sets.ts';
import { StoreCopies } from './store-copies.ts';

export interface LedgerPlace {
  /** Directory of the ledger's store. */
  dir: string;
  config: NetworkConfig;
  /** The store where this process has it open; nobody else may have. */
  database?: Database;
  /** The orderer's own blocks as they were before this began. */
  orderer: BlockCopies;
  /** Copies of private values elsewhere. */
  elsewhere?: PrivateCopies[];
  /** Called before each block; may make the examination wait, and ends it by throwing. */
  onBlock?(number: number): void | Promise<void>;
}

export interface OpenLedger {
  files: StoreCheck;
  /** The store itself, or what could be salvaged of it. */
  database: Database;
  store: Reader;
  copies: PrivateCopies;
  examination: Examination;
  scratch: Database;
  /** Directory of `scratch`, and the directory that goes with everything in it. */
  scratchDir: string;
  work: string;
}

/** Of directories beside the store that hold a ledger as it should be, and go when the look is over. */
export const WORK_PREFIX = 'verification-';

/** @throws Error where the ledger is another network's, or another process has it open. */
export async function withOpenLedger<T>(place: LedgerPlace, use: (ledger: OpenLedger) => Promise<T>): Promise<T> {
  const { dir } = place;
  const files = await checkStore(dir);
  const work = await mkdtemp(join(dirname(dir), WORK_PREFIX));
  const opened: Database[] = [];
  const open = async (at: string): Promise<Database> => {
    const database = await openDatabase(at);
    opened.push(database);
    return database;
  };
  try {
    const isReadable = files.exists && files.faults.length === 0;
    const database =
      (isReadable && place.database) || (await open(isReadable ? dir : await salvage(place, files, work)));
    const scratchDir = join(work, 'expected');
    const scratch = await open(scratchDir);
    const store = new View(database, 0);
    const { examination, copies } = await examine(place, store, scratch);
    try {
      return await use({ files, database, store, copies, examination, scratch, scratchDir, work });
    } finally {
      examination.close();
      store.release();
    }
  } finally {
    for (const database of opened) await database.close();
    await rm(work, { recursive: true, force: true });
  }
}

async function examine(place: LedgerPlace, store: Reader, scratch: Database) {
  const { config, orderer, onBlock, elsewhere = [] } = place;
  const { organisations } = config;
  const copies = firstOf([new StoreCopies(store, organisations), ...elsewhere]);
  const channelsOf = (genesis: Uint8Array): Channel[] => channelsFrom(config, genesis);
  const parts = { store, scratch, copies, organisations, channelsOf, orderer };
  return { copies, examination: await Examination.of({ ...parts, ...(onBlock && { onBlock }) }) };
}

/**
 * What can still be read of a store with damaged files, as a copy. The store itself is not opened: LevelDB would drop
 * damaged records from its log, or begin anew.
 */
async function salvage({ dir }: LedgerPlace, { exists }: StoreCheck, work: string): Promise<string> {
  const copy = join(work, 'salvaged');
  if (!exists) return copy;
  await cp(dir, copy, { recursive: true });
  await rm(join(copy, 'LOCK'), { force: true });
  await ClassicLevel.repair(copy);
  return copy;
}

function channelsFrom(config: NetworkConfig, genesis: Uint8Array): Channel[] {
  const channel = createChannel(config, genesis);
  const { organisations } = config;
  if (organisations.every(({ revocationLists = [] }) => revocationLists.length === 0)) return [channel];
  const withoutLists = organisations.map((organisation) => ({ ...organisation, revocationLists: [] }));
  return [channel, createChannel({ ...config, organisations: withoutLists }, genesis)];
}

/** Copies in the order in which they are asked. */
function firstOf(all: PrivateCopies[]): PrivateCopies {
  const first = async <T>(ask: (copies: PrivateCopies) => Promise<T | undefined>): Promise<T | undefined> => {
    for (const copies of all) {
      const found = await ask(copies);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    find: (place, hashed) => first((copies) => copies.find(place, hashed)),
    keyOf: (place, keyHash) => first((copies) => copies.keyOf(place, keyHash)),
  };
}
