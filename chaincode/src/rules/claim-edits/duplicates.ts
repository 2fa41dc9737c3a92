/**
 * The edit against being paid twice for one service, and the fingerprints it works by. A fingerprint is keyed
 * with a secret of the claim collection: patients' identifiers can be guessed, and the hash of a private key is public.
 */
import { createHmac } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../../model/canonical.ts';
import { objectsOf } from '../../model/claim-evidence.ts';
import { billedItems } from '../../model/claim-practitioners.ts';
import { countDays, daysFrom } from '../../model/days.ts';
import { LedgerError } from '../../model/errors.ts';
import { type ClaimBasis, type ClaimEdit, patientOf } from '../claim-facts.ts';

/** Reads and writes per claim that one transaction can bear. */
const MAX_FINGERPRINTS = 5000;
/** Before equal ones are counted once. */
const MAX_MADE = 4 * MAX_FINGERPRINTS;

export interface Fingerprint {
  item: number;
  hash: string;
}

/**
 * The key of a provider's fingerprints at a payer, hex, from the salt of the first claim that stood there. A coverage's salt
 * would not do: every provider the coverage is shown to knows it, and could try the others' fingerprints.
 */
export const fingerprintKeyFrom = (salt: string): string => sha256Hex(`fingerprint-key/${salt}`);

/**
 * All names that the patient goes by: any one of them gives a second claim away. The coverage is one, so that a second
 * Patient record for the same insured person, with other identifiers, does not.
 */
function namesOf(basis: ClaimBasis): string[] {
  const identifiers = objectsOf(patientOf(basis)?.['identifier']).filter(({ value }) => value !== undefined);
  return [
    basis.bill.patient,
    basis.bill.coverage,
    ...identifiers.map(({ system = '', value }) => `${system}|${value}`),
  ];
}

const tooMany = (): LedgerError => new LedgerError('INVALID', 'too many items and days; split it', 'Claim.item');

/**
 * One fingerprint per billed item, name of the patient, service code and day, for this provider; each once, with the
 * first item that has it. The code's system is left out, so that leaving it out gains nothing.
 * @throws LedgerError INVALID where a claim has more than one transaction can hold.
 */
export function fingerprintsOf(basis: ClaimBasis, key: string): Fingerprint[] {
  const found = new Map<string, number>();
  const names = namesOf(basis);
  let made = 0;
  for (const item of billedItems(basis.bill)) {
    const codes = item.codes.map(({ code }) => code.toUpperCase());
    // Counted before any is made: who bills must not keep those busy who check the bill.
    made += names.length * codes.length * countDays(item.first, item.last);
    if (made > MAX_MADE) throw tooMany();
    for (const day of daysFrom(item.first, item.last)) {
      for (const code of codes) {
        for (const name of names) {
          const text = canonicalJson([name, code, day, basis.provider.name]);
          const hash = createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex');
          if (!found.has(hash)) found.set(hash, item.sequence);
        }
      }
    }
    if (found.size > MAX_FINGERPRINTS) throw tooMany();
  }
  return [...found].map(([hash, item]) => ({ item, hash }));
}

/** A claim that names one code twice for one day bills it twice: more of it is a quantity. */
function repeated(basis: ClaimBasis): { item: number; code: string; day: string } | undefined {
  const seen = new Set<string>();
  for (const item of billedItems(basis.bill)) {
    const own = new Set(item.codes.map(({ code }) => code.toUpperCase()));
    for (const day of daysFrom(item.first, item.last)) {
      for (const code of own) {
        if (seen.has(`${code} ${day}`)) return { item: item.sequence, code, day };
      }
    }
    for (const day of daysFrom(item.first, item.last)) for (const code of own) seen.add(`${code} ${day}`);
  }
  return undefined;
}

/** The same service for the same patient on the same day by the same provider was billed before, or twice here. */
export const notBilledBefore: ClaimEdit = {
  name: 'duplicate',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const [earlier] = facts.earlier;
    return earlier === undefined ? repeated(facts) : { item: earlier.item };
  },
};
