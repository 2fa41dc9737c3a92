/**
 * Whether a consent bears the signature of its patient's key: where she has one in force, nothing is given or changed in her
 * name without it, and nothing that lacks it permits. Without a key the custodian acts in trust.
 */
import type { Doubt } from '../model/consent-refusals.ts';
import {
  hasOtherNumbers,
  signatureAt,
  signatureHeaderSchema,
  signatureSchema,
  signaturesIn,
  signedText,
} from '../model/consent-signature.ts';
import { isJwsOf, type Jws, readJws, thumbprintOf } from '../model/jws.ts';
import {
  CLOCK_SKEW_MS,
  type KeyRing,
  keyAt,
  keyNamed,
  keyNow,
  type PatientKey,
  SIGNED_AHEAD_MS,
} from '../model/patient-keys.ts';

type Content = Readonly<Record<string, unknown>>;

/** As what a consent is given. */
export interface Signing {
  id: string;
  version: number;
  provider: string;
  /** Id of the Patient. */
  patient: string;
  /** Time of the transaction, ISO 8601 UTC. */
  now: string;
  /** Undefined where the patient never had a key. */
  ring: KeyRing | undefined;
}

interface Signature {
  at: string;
  index: number;
  jws: Jws;
  header: { kid: string; consent: string; version: number; provider: string };
  who: string;
  when: string;
}

/** What keeps a consent from being taken for its patient's; nothing where it is signed as it should be, or needs no signature. */
export function signatureDoubts(consent: Content, signing: Signing): Doubt[] {
  const { ring = [], now } = signing;
  const key = keyNow(ring, now);
  const [first, ...more] = signaturesIn(consent);
  const at = `Consent.extension[${first ?? 0}].valueSignature`;
  if (key === undefined) return first === undefined ? [] : [{ rule: 'signature-not-taken', expression: at }];
  if (first === undefined) return [{ rule: 'signature-missing', expression: 'Consent.extension' }];
  const signature = more.length > 0 ? undefined : readSignature(consent, first, at);
  if (signature === undefined) return [{ rule: 'signature-form', expression: at }];
  return faultOf(consent, signature, signing, key);
}

function faultOf(consent: Content, signature: Signature, signing: Signing, key: PatientKey): Doubt[] {
  const { at, header } = signature;
  if (!isPlaced(signature, signing)) return [{ rule: 'signature-elsewhere', expression: `${at}.data` }];
  if (!isTimely(signature, signing.now)) return [{ rule: 'signature-time', expression: `${at}.when` }];
  if (hasOtherNumbers(consent)) return [{ rule: 'signature-numbers', expression: 'Consent' }];
  if (header.kid !== thumbprintOf(key)) return [{ rule: 'signature-key', expression: `${at}.data` }];
  return isTrue(consent, signature, key) ? [] : [{ rule: 'signature-wrong', expression: `${at}.data` }];
}

/**
 * Whether a consent that stands on the ledger lacks a signature that it should bear: recorded while a key of its patient was in
 * force, and not signed by one that was. @param signing.now when it was recorded
 */
export function isUnsigned(consent: Content, signing: Signing): boolean {
  const { ring = [], now } = signing;
  if (keyAt(ring, now) === undefined) return false;
  const [first, ...more] = signaturesIn(consent);
  const signature = first === undefined || more.length > 0 ? undefined : readSignature(consent, first, '');
  const key = signature && keyNamed(ring, signature.header.kid, now);
  if (signature === undefined || key === undefined) return true;
  return !isPlaced(signature, signing) || !isTimely(signature, now) || !isTrue(consent, signature, key);
}

function readSignature(consent: Content, index: number, at: string): Signature | undefined {
  const { data: found } = signatureSchema.safeParse(signatureAt(consent, index));
  const jws = found && readJws(textIn(found.data));
  const { data: header } = signatureHeaderSchema.safeParse(jws?.header);
  if (found === undefined || jws === undefined || header === undefined || jws.payload !== '') return undefined;
  return { at, index, jws, header, who: found.who.reference, when: found.when };
}

/** The text of base64; empty where it is not in its one form. */
function textIn(data: string): string {
  const bytes = Buffer.from(data, 'base64');
  return bytes.toString('base64') === data ? bytes.toString() : '';
}

const isPlaced = ({ header, who }: Signature, { id, version, provider, patient }: Signing): boolean =>
  header.consent === id && header.version === version && header.provider === provider && who === `Patient/${patient}`;

function isTimely({ when }: Signature, now: string): boolean {
  const age = Date.parse(now) - Date.parse(when);
  return age <= SIGNED_AHEAD_MS && age >= -CLOCK_SKEW_MS;
}

const isTrue = (consent: Content, { index, jws }: Signature, key: PatientKey): boolean =>
  isJwsOf(jws, signedText(consent, index), key);
