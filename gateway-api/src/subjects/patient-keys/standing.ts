/** How a patient's keys stand, and who gave a consent, in the words of the answers. */
import { readSignature, signaturesIn } from '@telemed-ledger/chaincode/model/consent-signature.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { thumbprintOf } from '@telemed-ledger/chaincode/model/jws.ts';
import { type KeyRing, keyNow, type PatientKey, pendingKey } from '@telemed-ledger/chaincode/model/patient-keys.ts';

export interface KeyShown extends Pick<PatientKey, 'how' | 'addedAt' | 'from'> {
  thumbprint: string;
  until?: string | undefined;
  ended?: PatientKey['ended'];
}

export interface Standing {
  /** Thumbprint of the key in force; absent where the custodian acts in trust. */
  inForce?: string;
  pending?: { thumbprint: string; from: string };
  keys: KeyShown[];
}

export function standingOf(ring: KeyRing, now: string = new Date().toISOString()): Standing {
  const [inForce, pending] = [keyNow(ring, now), pendingKey(ring, now)];
  return {
    ...(inForce === undefined ? {} : { inForce: thumbprintOf(inForce) }),
    ...(pending === undefined ? {} : { pending: { thumbprint: thumbprintOf(pending), from: pending.from } }),
    keys: ring.map(({ x, y, via: _, ...key }) => ({ thumbprint: thumbprintOf({ x, y }), ...key })),
  };
}

/** Who gave a version of a consent: a key of the patient's, a caretaker in his own name, or the custodian for her, in trust. */
export function giverOf(consent: Resource): {
  by: 'patient-key' | 'caretaker' | 'custodian';
  thumbprint?: string;
  name?: string;
} {
  const [index] = signaturesIn(consent);
  const signature = index === undefined ? undefined : readSignature(consent, index);
  const signed = signature === undefined ? {} : { thumbprint: signature.header.kid };
  if (signature !== undefined && signature.header.delegation === undefined) return { by: 'patient-key', ...signed };
  const [performer] = [consent['performer'] ?? []].flat() as Reference[];
  const name = performer?.reference ?? '';
  return /^(RelatedPerson|Person)\//.test(name) ? { by: 'caretaker', name, ...signed } : { by: 'custodian' };
}
