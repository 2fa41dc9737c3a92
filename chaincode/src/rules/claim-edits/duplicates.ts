/**
 * The edit against being paid twice for one service, and the fingerprints it works by. A fingerprint is keyed
 * with a secret of the claim collection: patients' identifiers can be guessed, and the hash of a private key is public.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../../model/canonical.ts';
import { billedItems } from '../../model/claim-practitioners.ts';
import { countDays, daysFrom } from '../../model/days.ts';
import { LedgerError } from '../../model/errors.ts';
import type { Likeness } from '../../model/likenesses.ts';
import type { ClaimBasis, ClaimEdit } from '../claim-facts.ts';
import { codesOf, factorsOf, namesOf, sideOf, type Use } from './billed-services.ts';

/** Reads and writes per claim that one transaction can bear. */
const MAX_FINGERPRINTS = 5000;
/** Before equal ones are counted once. */
const MAX_MADE = 4 * MAX_FINGERPRINTS;

/** The most that the names, codes and records of one item may come to, multiplied. */
const MAX_OF_ITEM = 1_000;

export interface Fingerprint {
  /** Sequences of the items that have it, in their order. */
  items: number[];
  hash: string;
  use: Use;
}

/**
 * The key of a provider's fingerprints at a payer, hex, from the salt of the first claim that stood there. A coverage's salt
 * would not do: every provider the coverage is shown to knows it, and could try the others' fingerprints.
 */
export const fingerprintKeyFrom = (salt: string): string => sha256Hex(`fingerprint-key/${salt}`);

const tooMany = (): LedgerError => new LedgerError('INVALID', 'too many items and days; split it', 'Claim.item');

/** Counted before any is made: who bills must not keep those busy who check the bill. @throws LedgerError INVALID */
function checkSizes(basis: ClaimBasis, names: number): void {
  let made = 0;
  for (const item of billedItems(basis.bill)) {
    const codes = codesOf(item).length;
    if (names * codes * Math.max(1, item.services.length) > MAX_OF_ITEM) throw tooMany();
    made += names * codes * countDays(item.first, item.last);
    if (made > MAX_MADE) throw tooMany();
  }
}

/** Made once: from bytes Node makes one for each hash, which takes six times as long as the hash itself. */
const secretOf = (key: string): KeyObject => createSecretKey(key, 'hex');

class Collected {
  readonly #key: KeyObject;
  readonly #found = new Map<string, Fingerprint>();

  constructor(key: string) {
    this.#key = secretOf(key);
  }

  add(item: number, use: Use, parts: readonly string[]): void {
    const hash = createHmac('sha256', this.#key).update(canonicalJson(parts)).digest('hex');
    const found = this.#found.get(hash);
    if (found === undefined) this.#found.set(hash, { items: [item], hash, use });
    else if (found.items.at(-1) !== item) found.items.push(item);
    // Of two uses the stricter counts.
    if (found !== undefined && use === 'sole') found.use = use;
    if (this.#found.size > MAX_FINGERPRINTS) throw tooMany();
  }

  all(): Fingerprint[] {
    return [...this.#found.values()];
  }
}

/**
 * The fingerprints of a claim for this provider: one per factor of each billed item, each once, with the first item that has it.
 * @param key hex
 * @throws LedgerError INVALID where a claim has more than one transaction can hold.
 */
export const fingerprintsOf = (basis: ClaimBasis, key: string): Fingerprint[] =>
  collect(basis, key, false, (parts) => ['2', ...parts, basis.provider.name]);

/**
 * The same across providers and payers, under a key that the payers share (contracts/screenings.ts).
 * @param key hex
 * @throws LedgerError INVALID where a claim has more than one transaction can hold.
 */
export const tokensOf = (basis: ClaimBasis, key: string): Fingerprint[] =>
  collect(basis, key, true, (parts) => ['across', ...parts]);

function collect(
  basis: ClaimBasis,
  key: string,
  isAcross: boolean,
  told: (parts: readonly string[]) => string[],
): Fingerprint[] {
  const names = namesOf(basis, isAcross);
  checkSizes(basis, names.length);
  const collected = new Collected(key);
  for (const item of billedItems(basis.bill)) {
    for (const { use, parts } of factorsOf(basis, item, isAcross, names))
      collected.add(item.sequence, use, told(parts));
  }
  return collected.all();
}

/** Those that are taken for these lines. @param lines sequences */
export const takenBy = <F extends Fingerprint>(all: readonly F[], lines: ReadonlySet<number>): F[] =>
  all.filter(({ use, items }) => use !== 'asked' && items.some((item) => lines.has(item)));

/** A service by what a list of them holds. */
export interface ListedService extends Fingerprint {
  /** Where such lists are looked for: one hash for each name of the patient and day or so, and for each record. */
  buckets: string[];
  /** Where lists are that a Patient may be looked for in who is the same human: a hash for each likeness and day or so. */
  likeBuckets: { by: Likeness['by']; bucket: string }[];
}

/**
 * What {@link fingerprintsOf} or {@link tokensOf} tell, for lists: of a person a service has one hash under all of the person's names, and
 * whose it is is told by the buckets.
 * @param key hex
 * @throws LedgerError INVALID where a claim has more than one transaction can hold.
 */
export function listedServicesOf(basis: ClaimBasis, key: string, isAcross = false): ListedService[] {
  const names = namesOf(basis, isAcross);
  checkSizes(basis, names.length);
  const hash = hashing(key, LISTED_LENGTH);
  const scope = isAcross ? 'across' : basis.provider.name;
  const likenesses = isAcross ? (basis.likenesses ?? []) : [];
  const found = new Map<string, Omit<ListedService, 'hash' | 'buckets' | 'likeBuckets'> & Looked>();
  for (const item of billedItems(basis.bill)) {
    const { sequence } = item;
    // A service has one hash under all names, so that one stands for all of them.
    for (const { use, parts, time } of factorsOf(basis, item, isAcross, names.slice(0, 1))) {
      const [subject = '', ...what] = parts;
      const told = JSON.stringify([scope, ...(time === undefined ? ['record', ...parts] : ['person', ...what])]);
      const service = found.get(told) ?? { items: [], use, buckets: new Set(), times: new Set() };
      found.set(told, service);
      if (service.items.at(-1) !== sequence) service.items.push(sequence);
      // Of two uses the stricter counts.
      if (use === 'sole') service.use = use;
      if (time === undefined) service.buckets.add(JSON.stringify([scope, subject]));
      else if (!service.times.has(time)) {
        service.times.add(time);
        for (const name of names) service.buckets.add(JSON.stringify([scope, name, time]));
      }
      if (found.size > MAX_FINGERPRINTS) throw tooMany();
    }
  }
  return [...found].map(([told, { items, use, buckets, times }]) => ({
    ...{ items, use, hash: hash(told) },
    buckets: [...buckets].map((bucket) => hash(`bucket/${bucket}`)),
    likeBuckets: likenesses.flatMap((one) =>
      [...times].map((time) => ({ by: one.by, bucket: hash(`bucket/${JSON.stringify(['like', one.hash, time])}`) })),
    ),
  }));
}

interface Looked {
  buckets: Set<string>;
  times: Set<string>;
}

/** Hexadecimal digits of a hash in a list, and of a bucket: 128 bits. */
const LISTED_LENGTH = 32;

/** Keyed hashes, each made once. */
function hashing(key: string, length: number): (text: string) => string {
  const secret = secretOf(key);
  const made = new Map<string, string>();
  return (text) => {
    const known = made.get(text) ?? createHmac('sha256', secret).update(text).digest('hex').slice(0, length);
    made.set(text, known);
    return known;
  };
}

/**
 * As claims made them before there were factors: one per item, name of the patient, code and day. Still asked for where such
 * claims may be on the ledger. @throws LedgerError INVALID
 */
export function earlierFingerprintsOf(basis: ClaimBasis, key: string): Fingerprint[] {
  const names = namesOf(basis);
  checkSizes(basis, names.length);
  const collected = new Collected(key);
  for (const item of billedItems(basis.bill)) {
    for (const day of daysFrom(item.first, item.last))
      for (const code of codesOf(item))
        for (const name of names) collected.add(item.sequence, 'asked', [name, code, day, basis.provider.name]);
  }
  return collected.all();
}

/**
 * A claim that names one code twice for one record, or for one day of a stay, bills it twice: more of it is a quantity. So do
 * two evaluations of one visit.
 */
function repeated(basis: ClaimBasis): number[] {
  const seen = new Map<string, string>();
  const again: number[] = [];
  // Whatever is billed twice under one name of the patient's is under each.
  const names = namesOf(basis).slice(0, 1);
  for (const item of billedItems(basis.bill)) {
    const own = `${[...codesOf(item)].sort().join(' ')} ${sideOf(item)}`;
    const factors = factorsOf(basis, item, false, names)
      .filter(({ use }) => use === 'sole')
      .map(({ parts }) => ({ key: JSON.stringify(parts), isEvaluation: parts[1] === 'evaluation' }));
    const isTwice = factors.some(({ key, isEvaluation }) => {
      const before = seen.get(key);
      return before !== undefined && (before === own || isEvaluation);
    });
    if (isTwice) again.push(item.sequence);
    else for (const { key } of factors) seen.set(key, own);
  }
  return again;
}

/** A service that this claim bills was billed before, by this provider or elsewhere, or twice here. */
export const notBilledBefore: ClaimEdit = {
  name: 'duplicate',
  version: '4',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const here = new Set([
      ...facts.earlier.filter(({ elsewhere }) => elsewhere !== true).map(({ item }) => item),
      ...repeated(facts),
    ]);
    const all = new Set([...here, ...facts.earlier.map(({ item }) => item)]);
    return [...all].sort((a, b) => a - b).map((item) => (here.has(item) ? { item } : { item, elsewhere: true }));
  },
};
