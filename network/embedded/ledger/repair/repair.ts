/**
 * Mends a damaged ledger from the copies that are left: blocks from the peers' store or the orderer's, everything that
 * blocks determine by replaying them, private values from the sets kept with the blocks, from any member's private state
 * or from elsewhere, each held against its hash on the ledger. Done again it changes nothing; killed, it is begun anew.
 */
import { join } from 'node:path';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { BlockReader } from '../blocks/block-files.ts';
import { ordererDirectory, storeDirectory } from '../directories.ts';
import { TRANSIENT_RANGE, txIdKey } from '../state/keys.ts';
import { type Batch, type Database, openDatabase, type Reader } from '../state/store.ts';
import { differencesOf } from '../verification/compare.ts';
import type { Damage } from '../verification/damage.ts';
import { indexIdOf } from '../verification/lacking.ts';
import { type LedgerPlace, type OpenLedger, withOpenLedger } from '../verification/open-ledger.ts';
import { placeOf } from '../verification/places.ts';
import { damagesOf, verifyLedger } from '../verification/verify.ts';
import { mendCopy } from './mend-copy.ts';
import { finishSwap, offer, swap } from './swap.ts';
import { type Taken, takenOf } from './taken.ts';

export interface RepairOptions extends Pick<LedgerPlace, 'config' | 'elsewhere' | 'onBlock'> {
  /** Whose private values are mended, beside what all peers share; everybody's where it is undefined. */
  organisation: string | undefined;
}

export interface Repair {
  /** What was wrong with what was to be mended. */
  damages: Damage[];
  /** From where it was had. */
  taken: Taken[];
  /** The store's files were damaged, so that it was made anew, with everybody's private values. */
  isRebuilt: boolean;
  /** What is still wrong: no copy was left of it. */
  remaining: Damage[];
}

const BATCH = 1000;

/** Nobody may have the ledger open. @throws Error where it is another network's. */
export async function repairLedger(options: RepairOptions): Promise<Repair> {
  const { config, organisation } = options;
  const [dir, copyDir] = [storeDirectory(config.dataDir), ordererDirectory(config.dataDir)];
  for (const each of [dir, copyDir]) await finishSwap(each);
  const orderer = new BlockReader(copyDir);
  const { damages, taken, isRebuilt, isMended } = await withOpenLedger({ ...options, dir, orderer }, (ledger) =>
    mend(ledger, orderer, organisation, dir),
  );
  if (isRebuilt) await swap(dir);
  if (isMended) await mendCopy(dir, copyDir);
  const after = isMended ? await verifyLedger({ ...options, dir, orderer: new BlockReader(copyDir) }) : { damages };
  const isAsked = ({ organisation: holder }: Damage): boolean =>
    organisation === undefined || holder === undefined || holder === organisation;
  return { damages: damages.filter(isAsked), taken, isRebuilt, remaining: after.damages.filter(isAsked) };
}

interface Mended {
  damages: Damage[];
  taken: Taken[];
  isRebuilt: boolean;
  /** False where there was nothing to do, or a block of which no copy is left ends the chain. */
  isMended: boolean;
}

async function mend(
  ledger: OpenLedger,
  orderer: BlockReader,
  organisation: string | undefined,
  dir: string,
): Promise<Mended> {
  const { examination, files } = ledger;
  await examination.replayTo(examination.storeHeight);
  const damages = await damagesOf(ledger, orderer);
  await examination.replayTo(examination.height);
  const { done, height, expected } = examination;
  if (damages.length === 0 || !expected || done < height) {
    return { damages, taken: [], isRebuilt: false, isMended: false };
  }
  const isRebuilt = !files.exists || files.faults.length > 0;
  const taken = takenOf(damages, examination, organisation, isRebuilt);
  if (isRebuilt) await rebuild(ledger, expected, dir);
  else await patch(ledger, expected, organisation);
  return { damages, taken, isRebuilt, isMended: true };
}

/** Writes what differs into the store. */
async function patch(
  { database, store, examination }: OpenLedger,
  expected: Reader,
  organisation: string | undefined,
): Promise<void> {
  const lost = examination.lacking.ids();
  const writer = new BatchWriter(database);
  for await (const { key, expected: right } of differencesOf(store, expected, () => undefined)) {
    const { subject, organisation: holder, value } = placeOf(key);
    const isOthers = holder !== undefined && organisation !== undefined && holder !== organisation;
    // Where a value is lost, its entry may stay: a purge finds nothing behind it.
    const isLostIndex = subject === 'purge index' && !right && value && lost.has(indexIdOf(value));
    if (subject === 'pending private data' || isOthers || isLostIndex) continue;
    await writer.set(key, right);
  }
  for await (const [key, value] of store.entries(TRANSIENT_RANGE)) {
    if (!isPending(key, value, expected)) await writer.set(key, undefined);
  }
  await writer.end();
}

/**
 * Writes what the replay came to into a store of its own, which takes the place of the damaged one. The files of the replay's
 * may hold what was purged on the way.
 */
async function rebuild({ store, work }: OpenLedger, expected: Reader, dir: string): Promise<void> {
  const rebuiltDir = join(work, 'rebuilt');
  const rebuilt = await openDatabase(rebuiltDir);
  try {
    const writer = new BatchWriter(rebuilt);
    for await (const [key, value] of expected.entries({})) await writer.set(key, value);
    for await (const [key, value] of store.entries(TRANSIENT_RANGE)) {
      if (isPending(key, value, expected)) await writer.set(key, value);
    }
    await writer.end();
  } finally {
    await rebuilt.close();
  }
  await offer(rebuiltDir, dir);
}

/** Whether a set is whole and its transaction not yet committed. */
function isPending(key: Buffer, value: Buffer, expected: Reader): boolean {
  const txId = key.toString('utf8', 1, key.indexOf(0));
  return sha256(value.subarray(8)).equals(key.subarray(-32)) && !expected.get(txIdKey(txId));
}

class BatchWriter {
  readonly #database: Database;
  #batch: Batch;

  constructor(database: Database) {
    this.#database = database;
    this.#batch = database.batch();
  }

  async set(key: Buffer, value: Buffer | undefined): Promise<void> {
    if (value) this.#batch.put(key, value);
    else this.#batch.del(key);
    if (this.#batch.length < BATCH) return;
    await this.#batch.write();
    this.#batch = this.#database.batch();
  }

  /** What was written before is on disk with it. */
  async end(): Promise<void> {
    await this.#batch.write({ sync: true });
  }
}
