/** How a patient's keys at a provider follow each other: what a code brings, and what she says of them with the one in force. */
import type { PublicKey } from '../model/jws.ts';
import { isJwsOf, readJws, thumbprintOf } from '../model/jws.ts';
import {
  CLOCK_SKEW_MS,
  KEY_STATEMENT,
  type KeyRing,
  type KeyStatement,
  keyNow,
  keyStatementSchema,
  MAX_KEYS,
  type PatientKey,
  pendingKey,
  SIGNED_AHEAD_MS,
} from '../model/patient-keys.ts';

export type KeyRefusal =
  | 'this is a key of hers already'
  | 'no more keys are taken of one patient'
  | 'a recovery is pending'
  | 'no key of hers is in force'
  | 'no recovery is pending'
  | 'is no statement that is signed by the key in force'
  | 'was signed for another patient, provider or key, or for an earlier state of her keys'
  | 'was signed too long ago, or its time lies ahead';

export type Next = { ring: PatientKey[] } | { refusal: KeyRefusal };

const HOUR_MS = 3_600_000;

const refusalOfNew = (ring: KeyRing, key: PublicKey): KeyRefusal | undefined => {
  if (ring.some((one) => thumbprintOf(one) === thumbprintOf(key))) return 'this is a key of hers already';
  return ring.length >= MAX_KEYS ? 'no more keys are taken of one patient' : undefined;
};

/** When, by the transaction's time, and by which code or change. */
export interface Coming {
  now: string;
  via: string;
}

/** A key that a code brings: at once where none is in force, else after so many hours. */
export function enrolled(ring: KeyRing, key: PublicKey, { now, via }: Coming, recoveryHours: number): Next {
  const refusal = refusalOfNew(ring, key);
  if (refusal !== undefined) return { refusal };
  if (pendingKey(ring, now) !== undefined) return { refusal: 'a recovery is pending' };
  const isRecovery = keyNow(ring, now) !== undefined;
  const from = isRecovery ? new Date(Date.parse(now) + recoveryHours * HOUR_MS).toISOString() : now;
  const added: PatientKey = { ...key, how: isRecovery ? 'recovered' : 'enrolled', via, addedAt: now, from };
  return { ring: [...ring, added] };
}

/** Whose, and for which keys of hers. */
export interface Owner {
  provider: string;
  patient: string;
}

/** @param other the key of the request that came with it */
export function changed(
  ring: KeyRing,
  statement: string,
  other: PublicKey | undefined,
  { provider, patient }: Owner,
  coming: Coming,
): Next {
  const { now } = coming;
  const key = keyNow(ring, now);
  if (key === undefined) return { refusal: 'no key of hers is in force' };
  const said = statementBy(key, statement);
  if (said === undefined) return { refusal: 'is no statement that is signed by the key in force' };
  const isOfHers = said.provider === provider && said.patient === patient && said.keys === ring.length;
  const isOfKey = said.key === (other && thumbprintOf(other)) && (said.act === 'rotate') === (other !== undefined);
  if (!isOfHers || !isOfKey)
    return { refusal: 'was signed for another patient, provider or key, or for an earlier state of her keys' };
  const age = Date.parse(now) - Date.parse(said.when);
  if (age > SIGNED_AHEAD_MS || age < -CLOCK_SKEW_MS)
    return { refusal: 'was signed too long ago, or its time lies ahead' };
  return after(said.act, ring, key, other, coming);
}

/** What it says, where it is the key's. */
function statementBy(key: PatientKey, text: string): KeyStatement | undefined {
  const jws = readJws(text);
  const { alg, kid, typ, ...more } = (jws?.header ?? {}) as Record<string, unknown>;
  const isHeader = alg === 'ES256' && typ === KEY_STATEMENT && kid === thumbprintOf(key);
  if (jws === undefined || !isHeader || Object.keys(more).length > 0 || !isJwsOf(jws, jws.payload, key))
    return undefined;
  try {
    return keyStatementSchema.safeParse(JSON.parse(jws.payload)).data;
  } catch {
    return undefined;
  }
}

function after(
  act: KeyStatement['act'],
  ring: KeyRing,
  key: PatientKey,
  other: PublicKey | undefined,
  { now, via }: Coming,
): Next {
  const pending = pendingKey(ring, now);
  const cancelled = ring.map((one): PatientKey => {
    return one === pending ? { ...one, until: now, ended: 'cancelled' } : one;
  });
  if (act === 'cancel') return pending === undefined ? { refusal: 'no recovery is pending' } : { ring: cancelled };
  const refusal = other && refusalOfNew(ring, other);
  if (refusal !== undefined) return { refusal };
  // Whoever has the key in force is not the one who lost it.
  const ended = cancelled.map((one): PatientKey => {
    return one === key ? { ...one, until: now, ended: act === 'rotate' ? 'rotated' : 'revoked' } : one;
  });
  if (other === undefined) return { ring: ended };
  return { ring: [...ended, { ...other, how: 'rotated', via, addedAt: now, from: now }] };
}
