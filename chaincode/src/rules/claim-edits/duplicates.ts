/**
 * The edit against being paid twice for one service, and the fingerprints it works by. A fingerprint is keyed
 * with a secret of the claim collection: patients' identifiers can be guessed, and the hash of a private key is public.
 */
import { createHmac } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../../model/canonical.ts';
import { billedItems } from '../../model/claim-practitioners.ts';
import { countDays, daysFrom } from '../../model/days.ts';
import { LedgerError } from '../../model/errors.ts';
import type { ClaimBasis, ClaimEdit } from '../claim-facts.ts';
import { codesOf, factorsOf, namesOf, sideOf, type Use } from './billed-services.ts';

/** Reads and writes per claim that one transaction can bear. */
const MAX_FINGERPRINTS = 5000;
/** Before equal ones are counted once. */
const MAX_MADE = 4 * MAX_FINGERPRINTS;

/** The most that the names, codes and records of one item may come to, multiplied. */
const MAX_OF_ITEM = 1_000;

export interface Fingerprint {
  item: number;
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

class Collected {
  readonly #key: Buffer;
  readonly #found = new Map<string, Fingerprint>();

  constructor(key: string) {
    this.#key = Buffer.from(key, 'hex');
  }

  add(item: number, use: Use, parts: readonly string[]): void {
    const hash = createHmac('sha256', this.#key).update(canonicalJson(parts)).digest('hex');
    // Of two uses the stricter counts.
    if (!this.#found.has(hash) || (use === 'sole' && this.#found.get(hash)?.use !== 'sole'))
      this.#found.set(hash, { item, hash, use });
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
export function fingerprintsOf(basis: ClaimBasis, key: string): Fingerprint[] {
  checkSizes(basis, namesOf(basis).length);
  const collected = new Collected(key);
  for (const item of billedItems(basis.bill)) {
    for (const { use, parts } of factorsOf(basis, item))
      collected.add(item.sequence, use, ['2', ...parts, basis.provider.name]);
  }
  return collected.all();
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
function repeated(basis: ClaimBasis): { item: number } | undefined {
  const seen = new Map<string, string>();
  for (const item of billedItems(basis.bill)) {
    const own = `${[...codesOf(item)].sort().join(' ')} ${sideOf(item)}`;
    for (const { use, parts } of factorsOf(basis, item)) {
      const factor = canonicalJson(parts);
      const before = use === 'sole' ? seen.get(factor) : undefined;
      const isTwice = before !== undefined && (before === own || parts[1] === 'evaluation');
      if (isTwice) return { item: item.sequence };
    }
    for (const { use, parts } of factorsOf(basis, item)) if (use === 'sole') seen.set(canonicalJson(parts), own);
  }
  return undefined;
}

/** A service that this claim bills was billed before by the same provider, or twice here. */
export const notBilledBefore: ClaimEdit = {
  name: 'duplicate',
  version: '2',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const [earlier] = facts.earlier;
    return earlier === undefined ? repeated(facts) : { item: earlier.item };
  },
};
