/**
 * Patients' own keys. A provider hands a patient a code in person; the code is the seed of a key for one use, of which the
 * ledger holds the public half, and with which she signs the request for her own key. Her keys at a provider, the one in
 * force and those before, stand in the directory of her consents there: what is read for her key is read for anybody's consents.
 */
import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { fromBase64Url, thumbprintOf } from './jws.ts';
import { fhirIdSchema, idSchema, instantSchema, saltSchema, userSchema } from './texts.ts';

const schemaVersion = z.literal(1);

/** base64url of 32 bytes. */
const bytes32Schema = z
  .string()
  .max(43)
  .regex(/^[A-Za-z0-9_-]{43}$/);
export const oneTimeKeySchema = bytes32Schema;
/** base64url of 64 bytes: an Ed25519 signature. */
export const oneTimeSignatureSchema = z
  .string()
  .max(86)
  .regex(/^[A-Za-z0-9_-]{86}$/);
/** A certificate signing request, DER in base64. */
export const requestSchema = z
  .string()
  .max(8_192)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/);
/** A JWS whose payload is a statement about a key. */
export const statementTextSchema = z
  .string()
  .max(4_096)
  .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);

/** Of one patient at one provider, over time. */
export const MAX_KEYS = 50;
/** How long a code counts. */
export const CODE_HOURS = 24;
/** How far a client's clock may be off, as Fabric has it. */
export const CLOCK_SKEW_MS = 15 * 60_000;
/** How long something that she signed may be on its way to the ledger: a provider may be away. */
export const SIGNED_AHEAD_MS = 7 * 24 * 3_600_000;

/** A key of a patient's, and when it was in force: from a time on, until another or its end. */
export const patientKeySchema = z.strictObject({
  x: bytes32Schema,
  y: bytes32Schema,
  /** By a code where none was in force; by the one before; by a code while one was in force, which takes its time. */
  how: z.enum(['enrolled', 'rotated', 'recovered']),
  /** Of the code that brought it, or of the change. */
  via: idSchema,
  addedAt: instantSchema,
  from: instantSchema,
  until: instantSchema.optional(),
  ended: z.enum(['rotated', 'revoked', 'cancelled']).optional(),
});
export type PatientKey = z.infer<typeof patientKeySchema>;
export const keyRingSchema = z.array(patientKeySchema).min(1).max(MAX_KEYS);
/** A patient's keys at a provider, in the order in which they came. */
export type KeyRing = readonly PatientKey[];

/** Those that were or will be in force, in the order of their times. */
const taken = (ring: KeyRing): KeyRing => ring.filter(({ ended }) => ended !== 'cancelled');

/**
 * The key in force for a transaction of now; undefined where the custodian acts in trust. What stands in the ring counts
 * whatever time a client gives its transaction; the time decides of a recovery alone. @param now ISO 8601 UTC
 */
export function keyNow(ring: KeyRing, now: string): PatientKey | undefined {
  const last = taken(ring).findLast(({ how, from }) => how !== 'recovered' || from <= now);
  return last?.until === undefined ? last : undefined;
}

/** The key that was in force at a time in the past; undefined where the custodian acted in trust. */
export function keyAt(ring: KeyRing, time: string): PatientKey | undefined {
  const last = taken(ring).findLast(({ from }) => from <= time);
  return last?.until === undefined || time < last.until ? last : undefined;
}

/** One that a code has brought and that is not in force yet. */
export const pendingKey = (ring: KeyRing, now: string): PatientKey | undefined =>
  taken(ring).find(({ how, from, until }) => how === 'recovered' && from > now && until === undefined);

/** The key of that thumbprint, if it was in force at a time, or so near to it that clocks may differ. */
export function keyNamed(ring: KeyRing, thumbprint: string, time: string): PatientKey | undefined {
  const at = Date.parse(time);
  const all = taken(ring);
  return all.find((key, index) => {
    const ends = [key.until, all[index + 1]?.from].flatMap((end) => (end === undefined ? [] : [Date.parse(end)]));
    const isWithin = Date.parse(key.from) - CLOCK_SKEW_MS <= at && ends.every((end) => at <= end + CLOCK_SKEW_MS);
    return isWithin && thumbprintOf(key) === thumbprint;
  });
}

export const KEY_CODE_STEPS = { issued: 1, used: 2 } as const;

/** `key-code/<id>/1` */
export const keyCodeSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  /** Id of the provider's Patient. */
  patient: fhirIdSchema,
  /** Ed25519, of the key whose seed the code is. */
  publicKey: oneTimeKeySchema,
  issuedBy: z.strictObject({ role: z.enum(['system', 'practitioner']), user: userSchema.optional() }),
  issuedAt: instantSchema,
  expiresAt: instantSchema,
  salt: saltSchema,
});
export type KeyCode = z.infer<typeof keyCodeSchema>;

/** `key-code/<id>/2`: what came with it, so that anybody who holds it can check it again. */
export const keyCodeUseSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  request: requestSchema,
  signature: oneTimeSignatureSchema,
  usedAt: instantSchema,
  /** From when the key is in force. */
  from: instantSchema,
  salt: saltSchema,
});
export type KeyCodeUse = z.infer<typeof keyCodeUseSchema>;

/** `key-code/<id>/2` of a code that is cancelled before it is used: one of the two is there, once. */
export const keyCodeCancelledSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  cancelledBy: z.enum(['patient', 'provider']),
  cancelledAt: instantSchema,
  salt: saltSchema,
});
export type KeyCodeCancelled = z.infer<typeof keyCodeCancelledSchema>;

/** What a patient signs about her keys, with the one in force. */
export const keyStatementSchema = z.strictObject({
  /** Puts another key in its place; ends it, so that the custodian acts in trust again; ends one that a code has brought. */
  act: z.enum(['rotate', 'revoke', 'cancel']),
  provider: z.string().max(64),
  patient: fhirIdSchema,
  /** How many keys she had: what was signed counts once. */
  keys: z.int().min(1).max(MAX_KEYS),
  /** Thumbprint of the other key, where there is one. */
  key: bytes32Schema.optional(),
  when: instantSchema,
});
export type KeyStatement = z.infer<typeof keyStatementSchema>;
/** `typ` in its header. */
export const KEY_STATEMENT = 'telemed-key+jws';

/** `key-change/<id>` */
export const keyChangeSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  patient: fhirIdSchema,
  statement: statementTextSchema,
  request: requestSchema.optional(),
  changedAt: instantSchema,
  salt: saltSchema,
});
export type KeyChange = z.infer<typeof keyChangeSchema>;

/** What the key for one use signs: that this request is hers, here. */
export const enrolmentText = (
  { id, patient }: Pick<KeyCode, 'id' | 'patient'>,
  provider: string,
  request: Uint8Array,
): string =>
  canonicalJson({ act: 'enrol', code: id, patient, provider, request: sha256Hex(request), typ: 'telemed-key-code' });

/** DER of a public key on Ed25519 (RFC 8410), before its 32 bytes. */
const ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** Whether a text is signed by a key for one use. */
export function isSignedOnce(text: string, signature: string, publicKey: string): boolean {
  const [bytes, signed] = [fromBase64Url(publicKey), fromBase64Url(signature)];
  if (bytes === undefined || signed === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([ED25519, bytes]), format: 'der', type: 'spki' });
    return verify(null, Buffer.from(text), key, signed);
  } catch {
    return false;
  }
}
