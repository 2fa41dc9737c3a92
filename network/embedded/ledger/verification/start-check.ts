/**
 * Whether a network may start on the ledger it finds: its files by their checksums, then all of a small ledger and the
 * fast form of a large one. A peer on a damaged ledger endorses what nobody wrote.
 */
import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createChannel } from '../../channel/channel.ts';
import type { NetworkConfig } from '../../config.ts';
import { BlockReader } from '../blocks/block-files.ts';
import { ordererDirectory, storeDirectory } from '../directories.ts';
import { blockKey } from '../state/keys.ts';
import { openDatabase, View } from '../state/store.ts';
import { checkStore } from '../store-files/check-store.ts';
import { blockDamages, chooseGenesis } from './block-walk.ts';
import { type Damage, describeDamage, partOf, preventsStart } from './damage.ts';
import { heightOf } from './height.ts';
import { WORK_PREFIX } from './open-ledger.ts';
import { quickCheck } from './quick-check.ts';
import { storeDamage, verifyLedger } from './verify.ts';

const FILES_BUDGET_MS = 1500;
const BLOCKS_BUDGET_MS = 1500;
/** A ledger of this many bytes is replayed whole in about a second. */
const SMALL_BYTES = 2 * 1024 * 1024;
const PRINTED = 20;

/** Every damage that was found, in lines; the network does not start. */
class DamagedLedgerError extends Error {
  override name = 'DamagedLedgerError';
  readonly damages: Damage[];

  constructor(damages: Damage[]) {
    const lines = damages.slice(0, PRINTED).map((damage) => {
      const { organisation = 'all peers', place } = damage;
      return `  ${organisation}: ${place}: ${describeDamage(damage)}${damage.isLost ? ', and no copy is left' : ''}`;
    });
    if (damages.length > PRINTED) lines.push(`  and ${damages.length - PRINTED} more`);
    super(`the ledger is damaged:\n${lines.join('\n')}\nnpm run verify names all of it, npm run repair mends it`);
    this.damages = damages;
  }
}

/** `smallBytes` changes up to which size a ledger is replayed whole. @throws DamagedLedgerError; Error where the ledger is another network's or another process has it open. */
export async function assertSound(config: NetworkConfig, smallBytes: number = SMALL_BYTES): Promise<void> {
  await removeUnfinished(config.dataDir);
  const damages = await findDamages(config, smallBytes);
  const preventing = damages.filter(preventsStart);
  if (preventing.length > 0) throw new DamagedLedgerError(preventing);
  if (damages.length > 0) {
    process.emitWarning(`${damages.length} private values or sets are missing and no copy is left (npm run verify)`);
  }
}

async function findDamages(config: NetworkConfig, smallBytes: number): Promise<Damage[]> {
  const dir = storeDirectory(config.dataDir);
  const orderer = new BlockReader(ordererDirectory(config.dataDir));
  const { exists, faults } = await checkStore(dir, { budgetMs: FILES_BUDGET_MS });
  if (faults.length > 0) return faults.map(storeDamage);
  if (!exists || (await sizeOf(dir)) <= smallBytes) return (await verifyLedger({ dir, config, orderer })).damages;
  const database = await openDatabase(dir);
  const store = new View(database, 0);
  try {
    const sources = { store: (number: number) => store.get(blockKey(number)), orderer };
    const genesis = chooseGenesis(sources, await heightOf(store));
    const damages = blockDamages(genesis, genesis.copy?.bytes);
    if (damages.length > 0) return damages;
    const channel = createChannel(config, genesis.store?.bytes);
    const quick = await quickCheck({ store, channel, orderer, budgetMs: BLOCKS_BUDGET_MS });
    if (quick.length === 0 || quick.some((damage) => partOf(damage) !== 'private values')) return quick;
  } finally {
    store.release();
    await database.close();
  }
  // Only a replay tells private data that can be had again from what is lost.
  return (await verifyLedger({ dir, config, orderer })).damages;
}

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) bytes += (await stat(join(dir, name))).size;
  return bytes;
}

/** What a killed verification left. Whoever calls this holds the data directory. */
async function removeUnfinished(dataDir: string): Promise<void> {
  if (!existsSync(dataDir)) return;
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(WORK_PREFIX)) await rm(join(dataDir, name), { recursive: true, force: true });
  }
}
