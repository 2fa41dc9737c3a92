/**
 * Checks a whole ledger: the files of its store, every block with its signatures and codes, and every entry of the store
 * against what the blocks say, each organisation's private values among them. Nothing is changed.
 */
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { TRANSIENT_RANGE } from '../state/keys.ts';
import type { Reader } from '../state/store.ts';
import type { StoreFault } from '../store-files/check-store.ts';
import type { BlockCopies } from './block-walk.ts';
import { damageOf, differencesOf } from './compare.ts';
import { blockRange, type Damage } from './damage.ts';
import { holdersOf, indexIdOf, lostDamages, setIdOf, valueIdOf } from './lacking.ts';
import { type LedgerPlace, type OpenLedger, withOpenLedger } from './open-ledger.ts';
import { placeOf } from './places.ts';

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

/** @throws Error where the ledger is another network's, or another process has it open. */
export async function verifyLedger(place: LedgerPlace): Promise<Verification> {
  const { config, orderer } = place;
  return withOpenLedger(place, async (ledger) => {
    const { examination, files } = ledger;
    const { storeHeight: height } = examination;
    await examination.replayTo(height);
    const counts = new Counts();
    const damages = await damagesOf(ledger, orderer, counts);
    const { done: replayed } = examination;
    return { height, replayed, files: files.files.length, ...counts.result(config.organisations), damages };
  });
}

/** Everything that is wrong with a ledger, its blocks being replayed as far as its store should have them. */
export async function damagesOf(ledger: OpenLedger, orderer: BlockCopies, counts = new Counts()): Promise<Damage[]> {
  const { files, examination, store } = ledger;
  const { damages, storeHeight, done, expected } = examination;
  if (!files.exists) return orderer.height > 0 ? [LOST_STORE] : [];
  const found = [...files.faults.map(storeDamage), ...damages, ...endDamages(storeHeight, orderer.height)];
  if (expected && done === storeHeight) found.push(...(await compare(ledger, expected, counts)));
  return [...found, ...(await pendingDamages(store))];
}

const LOST_STORE: Damage = {
  organisation: undefined,
  subject: 'store file',
  fault: 'missing',
  place: 'the whole store',
};

/** A sound store that ends before the orderer's blocks has lost its newest files, or they were replaced. */
function endDamages(height: number, copied: number): Damage[] {
  if (copied > height)
    return [{ organisation: undefined, subject: 'block', fault: 'missing', place: blockRange(height, copied) }];
  // A killed process leaves the copy one block behind; the next start brings it up.
  if (copied >= height - 1) return [];
  return [{ organisation: undefined, subject: 'block copy', fault: 'missing', place: blockRange(copied, height) }];
}

async function compare(
  { examination, store, copies }: OpenLedger,
  expected: Reader,
  counts: Counts,
): Promise<Damage[]> {
  const { lacking } = examination;
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
