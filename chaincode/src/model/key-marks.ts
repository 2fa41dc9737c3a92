/**
 * A patient's keys where payers can check by them what she signs of her claims: each state of her ring as a mark that everybody holds, named
 * and sealed by her id at her provider, which whoever is shown a claim of hers knows. The same value lies with provider and custodian: a mark
 * that is not theirs, whoever wrote it, counts for nothing.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { type KeyRing, keyRingSchema } from './patient-keys.ts';
import { seal, unseal } from './sealed.ts';
import { saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

/** A provider, and the id of its Patient. */
export interface KeyOwner {
  provider: string;
  patient: string;
}

/** `patient-keys/<name>/<n>` in marks, and the same in care_<Provider>. */
export const keyMarkSchema = z.strictObject({
  schema: schemaVersion,
  sealed: z.string().max(64_000),
  salt: saltSchema,
});
export type KeyMark = z.infer<typeof keyMarkSchema>;

export const keyMarkName = ({ provider, patient }: KeyOwner): string =>
  sha256Hex(`patient-keys/${provider}/${patient}`);
const sealOf = ({ provider, patient }: KeyOwner): string => sha256Hex(`patient-keys-seal/${provider}/${patient}`);

/** The length of what is sealed says nothing of a few keys. */
const PADDED_TO = 4_096;

/** @param salt of the transaction */
export function keyMarkOf(owner: KeyOwner, ring: KeyRing, salt: string): KeyMark {
  const own = sha256Hex(`patient-keys/${salt}`);
  const text = canonicalJson(ring);
  const padded = text.padEnd(Math.ceil(Buffer.byteLength(text) / PADDED_TO) * PADDED_TO);
  return { schema: 1, sealed: seal(sealOf(owner), padded, own), salt: own };
}

/** @throws Error where it is another's */
export const ringIn = (owner: KeyOwner, { sealed, salt }: KeyMark): KeyRing =>
  keyRingSchema.parse(JSON.parse(unseal(sealOf(owner), sealed, salt)));
