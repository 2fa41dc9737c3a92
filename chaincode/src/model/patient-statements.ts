/**
 * What a patient signs of her claims: an appeal against a decision, the confirmation of a visit. A JWS (jws.ts) whose header and payload
 * follow from what it says, so that of it the ledger keeps the time and the signature alone; docs/patient-keys-format.md has it to the byte.
 */
import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { isJwsOf, type PublicKey, readJws, thumbprintOf } from './jws.ts';
import type { KeyOwner } from './key-marks.ts';
import { CLOCK_SKEW_MS, type KeyRing, keyAt, keyNamed, SIGNED_AHEAD_MS } from './patient-keys.ts';
import { instantSchema } from './texts.ts';

export interface PatientStatement extends KeyOwner {
  act: 'appeal' | 'confirm';
  /** `ClaimResponse/<id>`, the decision that is appealed against, or `Encounter/<id>`. */
  about: string;
  /** Of an appeal, in her words. */
  reason?: string | undefined;
}

/** When she signed it, by her clock, and the signature: base64url of 64 bytes. */
export const signedSchema = z.strictObject({
  when: instantSchema,
  signature: z
    .string()
    .max(86)
    .regex(/^[A-Za-z0-9_-]{86}$/),
});
export type Signed = z.infer<typeof signedSchema>;

const TYP = 'telemed-statement+jws';

const headerBy = (key: PublicKey): string =>
  Buffer.from(`{"alg":"ES256","kid":"${thumbprintOf(key)}","typ":"${TYP}"}`).toString('base64url');

const payloadOf = ({ reason, ...statement }: PatientStatement, when: string): string =>
  canonicalJson({ ...statement, when, ...(reason === undefined ? {} : { reason }) });

/** The compact JWS that was signed by a key. */
export const statementText = (statement: PatientStatement, { when, signature }: Signed, key: PublicKey): string =>
  [headerBy(key), Buffer.from(payloadOf(statement, when)).toString('base64url'), signature].join('.');

/** Time and signature of a compact JWS that says this, by whichever key; undefined where it says anything else. */
export function signedIn(text: string, statement: PatientStatement): Signed | undefined {
  const jws = readJws(text);
  try {
    const { when } = JSON.parse(jws?.payload ?? '') as { when?: unknown };
    if (jws === undefined || jws.payload !== payloadOf(statement, String(when))) return undefined;
    return signedSchema.safeParse({ when, signature: jws.signature.toString('base64url') }).data;
  } catch {
    return undefined;
  }
}

/** The key that was in force at a time and has signed a statement, in time; undefined where none has. @param at ISO 8601 UTC */
export function signerOf(
  statement: PatientStatement,
  signed: Signed | undefined,
  ring: KeyRing,
  at: string,
): PublicKey | undefined {
  const age = Date.parse(at) - Date.parse(signed?.when ?? '');
  if (signed === undefined || !(age <= SIGNED_AHEAD_MS && age >= -CLOCK_SKEW_MS)) return undefined;
  return ring.find((key) => {
    const jws = readJws(statementText(statement, signed, key));
    return keyNamed(ring, thumbprintOf(key), at) === key && jws !== undefined && isJwsOf(jws, jws.payload, key);
  });
}

/** Whether it may be taken for hers at a time: signed, or she had no key in force then. */
export const isHers = (
  statement: PatientStatement,
  signed: Signed | undefined,
  ring: KeyRing | undefined,
  at: string,
): boolean => keyAt(ring ?? [], at) === undefined || signerOf(statement, signed, ring ?? [], at) !== undefined;
