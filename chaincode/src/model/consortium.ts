/**
 * Who is in the consortium, as the chaincode and the gateways see it, and how collections are named after
 * them. Generated from network/consortium.yaml; every peer of the channel must be given the same one.
 */
import { z } from 'zod';

export const KINDS = ['provider', 'custodian', 'payer', 'bank', 'regulator'] as const;
export type Kind = (typeof KINDS)[number];

export const ROLES = [
  'system',
  'practitioner',
  'patient',
  'caretaker',
  'adjudicator',
  'settlement',
  'auditor',
  'operator',
] as const;
export type Role = (typeof ROLES)[number];

/** The roles for which an organisation of each kind has identities. */
export const ROLES_OF_KIND: Record<Kind, readonly Role[]> = {
  provider: ['system', 'practitioner', 'operator'],
  custodian: ['system', 'patient', 'caretaker', 'operator'],
  payer: ['system', 'adjudicator', 'operator'],
  bank: ['system', 'settlement', 'operator'],
  regulator: ['system', 'auditor', 'operator'],
};

export const organisationSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  mspId: z.string().regex(/^[A-Za-z][A-Za-z0-9.-]{0,63}$/),
  kind: z.enum(KINDS),
});
export type Organisation = z.infer<typeof organisationSchema>;

export const consortiumSchema = z.strictObject({
  channel: z.string(),
  chaincode: z.string(),
  organisations: z.array(organisationSchema).min(1),
});
export type Consortium = z.infer<typeof consortiumSchema>;

export const organisationsOfKind = (consortium: Consortium, kind: Kind): Organisation[] =>
  consortium.organisations.filter((organisation) => organisation.kind === kind);

export const organisationByMsp = (consortium: Consortium, mspId: string): Organisation | undefined =>
  consortium.organisations.find((organisation) => organisation.mspId === mspId);

export const organisationByName = (consortium: Consortium, name: string): Organisation | undefined =>
  consortium.organisations.find((organisation) => organisation.name === name);

/** The one custodian; consortium.yaml is refused when there is none or more than one. */
export function custodianOf(consortium: Consortium): Organisation {
  const [custodian] = organisationsOfKind(consortium, 'custodian');
  if (custodian === undefined) throw new Error('the consortium has no custodian');
  return custodian;
}

/** Names of the private data collections, by organisation name (DESIGN: what the ledger holds). */
export const collections = {
  care: (provider: string): string => `care_${provider}`,
  consent: (provider: string): string => `consent_${provider}`,
  inbox: (organisation: string): string => `inbox_${organisation}`,
  claim: (provider: string, payer: string): string => `claim_${provider}_${payer}`,
  settle: (payer: string, bank: string): string => `settle_${payer}_${bank}`,
  payers: 'payers',
  /** Held by everybody: what the regulators vouch for. */
  registers: 'registers',
};
