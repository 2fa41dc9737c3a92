/**
 * Who is in the consortium: kinds, roles and members, and how one member is found among them. Pure, and all that the
 * chaincode and the gateways are given of consortium.yaml; every peer of the channel must be given the same members.
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

export const nameSchema = z
  .string()
  .max(32)
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be 1 to 32 lower-case letters, digits and hyphens, beginning with a letter');

export const mspIdSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9.-]{0,63}$/, 'must be 1 to 64 letters, digits, dots and hyphens, beginning with a letter');

export const organisationSchema = z.strictObject({
  name: nameSchema,
  mspId: mspIdSchema,
  kind: z.enum(KINDS),
});
export type Organisation = z.infer<typeof organisationSchema>;

export const consortiumSchema = z.strictObject({
  channel: z.string(),
  chaincode: z.string(),
  organisations: z.array(organisationSchema).min(1),
});
export type Consortium = z.infer<typeof consortiumSchema>;

/** A consortium whose organisations may say more than a member's name, MSP id and kind. */
interface Members<O extends Organisation> {
  organisations: readonly O[];
}

/** In the order of the file. */
export const organisationsOfKind = <O extends Organisation>(consortium: Members<O>, kind: Kind): O[] =>
  consortium.organisations.filter((organisation) => organisation.kind === kind);

export const organisationByMsp = <O extends Organisation>(consortium: Members<O>, mspId: string): O | undefined =>
  consortium.organisations.find((organisation) => organisation.mspId === mspId);

export const organisationByName = <O extends Organisation>(consortium: Members<O>, name: string): O | undefined =>
  consortium.organisations.find((organisation) => organisation.name === name);

/** The one custodian. @throws Error when there is none, which the loader refuses, as it refuses several. */
export function custodianOf<O extends Organisation>(consortium: Members<O>): O {
  const [custodian] = organisationsOfKind(consortium, 'custodian');
  if (custodian === undefined) throw new Error('the consortium has no custodian');
  return custodian;
}
