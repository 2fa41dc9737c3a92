/**
 * Checks a whole ledger: the files of its store, every block with its signatures and codes, and every entry of the store
 * against what the blocks say, each organisation's private values among them. Nothing is changed.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { ClassicLevel } from 'classic-level';
import { createChannel } from '../../channel/channel.ts';
import type { NetworkConfig } from '../../config.ts';
import type { Channel } from '../../seams.ts';
import { TRANSIENT_RANGE } from '../state/keys.ts';
import { type Database, openDatabase, type Reader, View } from '../state/store.ts';
import { checkStore, type StoreFault } from '../store-files/check-store.ts';
import type { BlockCopies } from './block-walk.ts';
import { damageOf, differencesOf } from './compare.ts';
import { blockRange, type Damage } from './damage.ts';
import { Examination } from './examination.ts';
import { holdersOf, indexIdOf, lostDamages, setIdOf, valueIdOf } from './lacking.ts';
import { placeOf } from './places.ts';
import { StoreCopies } from './store-copies.ts';

export interface Verification {
  /** Blocks that the store should hold, and those of them that could be replayed. */
  height: number;
  replayed: number;
  /** Files of the store. */
  files: number;
  /** Keys of public state and hashes of private values. */
  publicKeys: number;
  hashes: number;
  /** Private values by organisation. */
  privateValues: Record<string, number>;
  damages: Damage[];
}

export interface VerifyOptions {
  /** Directory of the ledger's store. */
  dir: string;
  config: NetworkConfig;
  /** The store where this process has it open; nobody else may have. */
  database?: Database;
  /** The orderer's own blocks as they were before this began. */
  orderer: BlockCopies;
  /** Called before each block; may make the verification wait, and ends it by throwing. */
  onBlock?(number: number): void | Promise<void>;
}

/** Of directories beside the store that hold a ledger as it should be, and go when the verification ends. */
export const WORK_PREFIX = 'verification-';

/** @throws Error where the ledger is another network's. */
export async function verifyLedger(options: VerifyOptions): Promise<Verification> {
  const { dir } = options;
  const { exists, faults, files } = await checkStore(dir);
  if (!exists) return nothing(options);
  const work = await mkdtemp(join(dirname(dir), WORK_PREFIX));
  const opened: Database[] = [];
  const open = async (at: string): Promise<Database> => {
    const database = await openDatabase(at);
    opened.push(database);
    return database;
  };
  try {
    const database = options.database ?? (await open(faults.length > 0 ? await salvage(dir, work) : dir));
    const scratch = await open(join(work, 'expected'));
    const store = new View(database, 0);
    const found = await verifyStore(store, scratch, options);
    store.release();
    return { ...found, files: files.length, damages: [...faults.map(storeDamage), ...found.damages] };
  } finally {
    for (const database of opened) await database.close();
    await rm(work, { recursive: true, force: true });
  }
}

/** There is no store: it is lost where the orderer has blocks, else nothing has begun. */
function nothing({ orderer }: VerifyOptions): Verification {
  const damages =
    orderer.height > 0
      ? [{ organisation: undefined, subject: 'store file', fault: 'missing', place: 'the whole store' } as const]
      : [];
  return { height: orderer.height, replayed: 0, files: 0, publicKeys: 0, hashes: 0, privateValues: {}, damages };
}

/**
 * What can still be read of a store with damaged files, as a copy. The store itself is not opened: LevelDB would drop
 * damaged records from its log, or begin anew.
 */
async function salvage(dir: string, work: string): Promise<string> {
  const copy = join(work, 'salvaged');
  await cp(dir, copy, { recursive: true });
  await rm(join(copy, 'LOCK'), { force: true });
  await ClassicLevel.repair(copy);
  return copy;
}

async function verifyStore(
  store: Reader,
  scratch: Database,
  options: VerifyOptions,
): Promise<Omit<Verification, 'files'>> {
  const { config, orderer, onBlock } = options;
  const { organisations } = config;
  const copies = new StoreCopies(store, organisations);
  const channelsOf = (genesis: Uint8Array): Channel[] => channelsFrom(config, genesis);
  const examination = await Examination.of({
    store,
    scratch,
    copies,
    organisations,
    channelsOf,
    orderer,
    ...(onBlock && { onBlock }),
  });
  try {
    const { storeHeight: height } = examination;
    await examination.replayTo(height);
    const { damages, done: replayed, expected } = examination;
    const counts = new Counts();
    damages.push(...endDamages(height, orderer.height));
    if (expected && replayed === height) damages.push(...(await compare(examination, store, expected, counts, copies)));
    damages.push(...(await pendingDamages(store)));
    return { height, replayed, ...counts.result(organisations), damages };
  } finally {
    examination.close();
  }
}

function channelsFrom(config: NetworkConfig, genesis: Uint8Array): Channel[] {
  const channel = createChannel(config, genesis);
  const { organisations } = config;
  if (organisations.every(({ revocationLists = [] }) => revocationLists.length === 0)) return [channel];
  const withoutLists = organisations.map((organisation) => ({ ...organisation, revocationLists: [] }));
  return [channel, createChannel({ ...config, organisations: withoutLists }, genesis)];
}

/** A sound store that ends before the orderer's blocks has lost its newest files, or they were replaced. */
function endDamages(height: number, copied: number): Damage[] {
  if (copied > height)
    return [{ organisation: undefined, subject: 'block', fault: 'missing', place: blockRange(height, copied) }];
  // A killed process leaves the copy one block behind; the next start brings it up.
  if (copied >= height - 1) return [];
  return [{ organisation: undefined, subject: 'block copy', fault: 'missing', place: blockRange(copied, height) }];
}

async function compare(
  { lacking }: Examination,
  store: Reader,
  expected: Reader,
  counts: Counts,
  copies: StoreCopies,
): Promise<Damage[]> {
  const damages = await lostDamages(lacking, store, expected, copies);
  const lost = lacking.ids();
  for await (const difference of differencesOf(store, expected, (key) => counts.add(key))) {
    const damage = damageOf(difference);
    if (!damage) continue;
    const { subject, fault, place, organisation, value, set } = damage;
    const ids = [set && setIdOf(set), value && (subject === 'purge index' ? indexIdOf(value) : valueIdOf(value))];
    if (ids.some((id) => id !== undefined && lost.has(id))) continue;
    const holders = set ? holdersOf(set, expected, store) : [organisation];
    damages.push(...holders.map((holder) => ({ organisation: holder, subject, fault, place })));
  }
  return damages;
}

/** Sets that wait for their transaction name their own hash. */
async function pendingDamages(store: Reader): Promise<Damage[]> {
  const damages: Damage[] = [];
  for await (const [key, value] of store.entries(TRANSIENT_RANGE)) {
    if (sha256(value.subarray(8)).equals(key.subarray(-32))) continue;
    const { subject, place } = placeOf(key);
    damages.push({ organisation: undefined, subject, fault: 'altered', place });
  }
  return damages;
}

export function storeDamage({ file, fault, offset, keys }: StoreFault): Damage {
  const at = offset === undefined ? file : `${file} at byte ${offset}`;
  const held = keys && new Set([keys.after, keys.upTo].flatMap((key) => (key ? describeEntry(key) : [])));
  const place = held ? `${at} (${[...held].join(' to ')})` : at;
  return { organisation: undefined, subject: 'store file', fault, place };
}

/** An index's key may be shortened to less than names an entry. */
function describeEntry(key: Buffer): string {
  const { subject, organisation } = placeOf(key);
  if (subject === 'unknown entry') return 'entries';
  return organisation === undefined ? subject : `${subject} of ${organisation}`;
}

class Counts {
  readonly #byLetter = new Map<string, number>();
  readonly #byOrganisation = new Map<string, number>();

  add(key: Buffer): void {
    const letter = key.toString('latin1', 0, 1);
    this.#byLetter.set(letter, (this.#byLetter.get(letter) ?? 0) + 1);
    if (letter !== 'p') return;
    const name = key.toString('utf8', 1, key.indexOf(0));
    this.#byOrganisation.set(name, (this.#byOrganisation.get(name) ?? 0) + 1);
  }

  result(organisations: { name: string }[]): Pick<Verification, 'publicKeys' | 'hashes' | 'privateValues'> {
    return {
      publicKeys: this.#byLetter.get('s') ?? 0,
      hashes: this.#byLetter.get('c') ?? 0,
      privateValues: Object.fromEntries(organisations.map(({ name }) => [name, this.#byOrganisation.get(name) ?? 0])),
    };
  }
}
