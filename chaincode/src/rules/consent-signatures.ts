/**
 * Whether a consent bears the signature of its patient's key: where she has one in force, nothing is given or changed in her
 * name without it, and nothing that lacks it permits. Without a key the custodian acts in trust.
 */
import type { Doubt } from '../model/consent-refusals.ts';
import {
  type ConsentSignature,
  caretakerKeyIn,
  hasOtherNumbers,
  readSignature,
  signaturesIn,
  signedText,
} from '../model/consent-signature.ts';
import { delegationAt, isDelegation } from '../model/delegations.ts';
import { isJwsOf, type PublicKey, thumbprintOf } from '../model/jws.ts';
import { CLOCK_SKEW_MS, type KeyRing, keyAt, keyNamed, keyNow, SIGNED_AHEAD_MS } from '../model/patient-keys.ts';

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
  /** By which a caretaker gives it: one that the patient has signed, in force by the ledger. */
  delegation?: { id: string; resource: Content } | undefined;
}

type Placed = ConsentSignature & { index: number; at: string };

/** What keeps a consent from being taken for its patient's; nothing where it is signed as it should be, or needs no signature. */
export function signatureDoubts(consent: Content, signing: Signing): Doubt[] {
  const { ring = [], now } = signing;
  const key = keyNow(ring, now);
  const [first, ...more] = signaturesIn(consent);
  const at = `Consent.extension[${first ?? 0}].valueSignature`;
  if (key === undefined) return first === undefined ? [] : [{ rule: 'signature-not-taken', expression: at }];
  if (first === undefined) return [{ rule: 'signature-missing', expression: 'Consent.extension' }];
  const signature = more.length > 0 ? undefined : readSignature(consent, first);
  if (signature === undefined) return [{ rule: 'signature-form', expression: at }];
  const { delegation } = signature.header;
  return faultOf(consent, { ...signature, index: first, at }, signing, delegation === undefined ? key : undefined);
}

/** @param own the key of the patient; undefined where a caretaker has signed */
function faultOf(consent: Content, signature: Placed, signing: Signing, own: PublicKey | undefined): Doubt[] {
  const { at, header } = signature;
  if (!isPlaced(consent, signature, signing)) return [{ rule: 'signature-elsewhere', expression: `${at}.data` }];
  if (!isTimely(signature, signing.now)) return [{ rule: 'signature-time', expression: `${at}.when` }];
  if (hasOtherNumbers(consent)) return [{ rule: 'signature-numbers', expression: 'Consent' }];
  const key = own ?? caretakersKey(consent, signature, signing);
  if (key === undefined) return [{ rule: 'signature-delegation', expression: `${at}.who` }];
  if (header.kid !== thumbprintOf(key)) return [{ rule: 'signature-key', expression: `${at}.data` }];
  return isTrue(consent, signature, key) ? [] : [{ rule: 'signature-wrong', expression: `${at}.data` }];
}

/**
 * Whether a consent that stands on the ledger lacks a signature that it should bear: recorded while a key of its patient was in
 * force, and not signed by one that was, nor by a caretaker as she has delegated. @param signing.now when it was recorded
 */
export const isUnsigned = (consent: Content, signing: Signing): boolean =>
  keyAt(signing.ring ?? [], signing.now) !== undefined && !isSigned(consent, signing);

/** Whether a consent that stands on the ledger bears such a signature. @param signing.now when it was recorded */
export function isSigned(consent: Content, signing: Signing): boolean {
  const { ring = [], now } = signing;
  const [first, ...more] = signaturesIn(consent);
  const found = first === undefined || more.length > 0 ? undefined : readSignature(consent, first);
  if (first === undefined || found === undefined) return false;
  const signature = { ...found, index: first, at: '' };
  const { delegation, kid } = signature.header;
  const key = delegation === undefined ? keyNamed(ring, kid, now) : caretakersKey(consent, signature, signing);
  if (key === undefined || thumbprintOf(key) !== kid) return false;
  return isPlaced(consent, signature, signing) && isTimely(signature, now) && isTrue(consent, signature, key);
}

/** The key of a caretaker who may answer for her by her delegation, and gives no further one. */
function caretakersKey(consent: Content, { header, who }: Placed, { delegation, now }: Signing): PublicKey | undefined {
  if (delegation === undefined || delegation.id !== header.delegation || isDelegation(consent)) return undefined;
  const held = delegationAt(delegation.resource, now);
  const mayAnswer = held?.acts.includes('answer') === true && held.caretakers.includes(who);
  return mayAnswer ? caretakerKeyIn(delegation.resource, who) : undefined;
}

/** For which version of which consent where, by the patient, or by the caretaker in whose name it is. */
function isPlaced(consent: Content, { header, who }: Placed, { id, version, provider, patient }: Signing): boolean {
  const performers = [consent['performer'] ?? []].flat() as { reference?: unknown }[];
  const isSigner =
    header.delegation === undefined
      ? who === `Patient/${patient}`
      : performers.length === 1 && performers[0]?.reference === who;
  return isSigner && header.consent === id && header.version === version && header.provider === provider;
}

function isTimely({ when }: Placed, now: string): boolean {
  const age = Date.parse(now) - Date.parse(when);
  return age <= SIGNED_AHEAD_MS && age >= -CLOCK_SKEW_MS;
}

const isTrue = (consent: Content, { index, jws }: Placed, key: PublicKey): boolean =>
  isJwsOf(jws, signedText(consent, index), key);
