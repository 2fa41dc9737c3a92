/**
 * The keys of public state and of the private collections. Every key is made here, and so is every guess at
 * what a key means: the projector reads private writes back with `parsePrivateKey`.
 */
export const publicKeys = {
  access: (id: string): string => `access/${id}`,
  consent: (id: string): string => `consent/${id}`,
  claim: (id: string): string => `claim/${id}`,
};

export const privateKeys = {
  /** care_<Provider>: one version of a record. */
  record: (id: string, version: number): string => `record/${id}/${version}`,
  /** consent_<Provider>: one version of a consent. */
  consent: (id: string, version: number): string => `consent/${id}/${version}`,
  /** consent_<Provider>: the ids of a patient's consents there. */
  directory: (patientId: string): string => `directory/${patientId}`,
  /**
   * consent_<Provider>: whose consent it is, by the SHA-256 of `Patient/<id>`. Only its existence counts, which
   * every peer can see.
   */
  grantor: (consentId: string, userHash: string): string => `grantor/${consentId}/${userHash}`,
  /** inbox_<Requestor>: what was asked. */
  request: (accessId: string): string => `request/${accessId}`,
  /** inbox_<Requestor>: a delivered copy of one record version. */
  copy: (accessId: string, recordId: string): string => `copy/${accessId}/${recordId}`,
  /** claim_<Provider>_<Payer> */
  coverage: (id: string, version: number): string => `coverage/${id}/${version}`,
  feeSchedule: (): string => 'fee-schedule',
  claim: (id: string): string => `claim/${id}`,
  fingerprint: (hash: string): string => `fingerprint/${hash}`,
  /** claim_<Provider>_<Payer>: the secret that the collection's fingerprints are keyed with. */
  fingerprintKey: (): string => 'fingerprint-key',
  response: (claimId: string): string => `response/${claimId}`,
  remittance: (claimId: string): string => `remittance/${claimId}`,
  /** settle_<Payer>_<Bank> */
  payment: (claimId: string): string => `payment/${claimId}`,
  settlement: (claimId: string): string => `settlement/${claimId}`,
  /** registers */
  licence: (number: string): string => `licence/${number}`,
};

export interface PrivateKey {
  kind: keyof typeof privateKeys | 'fee-schedule' | 'fingerprint-key';
  /** The segments after the kind. */
  segments: string[];
}

export function parsePrivateKey(key: string): PrivateKey {
  const [kind = '', ...segments] = key.split('/');
  return { kind: kind as PrivateKey['kind'], segments };
}
