/** What lies on the ledger: the schemas of states and private values, which the transaction table and the read model share. */
import { mspIdSchema, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { resourceSchema } from './fhir.ts';
import {
  anchoredText,
  codeSchema,
  daySchema,
  idSchema,
  instantSchema as instant,
  LONGEST_LINE,
  licenceNumberSchema,
  line,
  minorUnitsSchema,
  resourceTypeSchema,
  saltSchema,
  table,
  uri,
  userSchema,
  versionSchema,
} from './texts.ts';

/** The longest text of one anchored value that is shown again: a record's with its attachments. */
export const MAX_VALUE_LENGTH = 17 * 1024 * 1024;
/** Prices in minor units, by `system|code` or by bare code. */
export const pricesSchema = table(line(LONGEST_LINE), minorUnitsSchema, 50_000);

/** The most record versions that one transaction carries. */
export const MAX_RECORDS = 2000;
export const MAX_DELIVERED = 500;

/** A resource as its author hands it in; `meta.versionId` and `meta.lastUpdated` are added when it is read. */
export const draftSchema = z.strictObject({
  id: idSchema,
  version: versionSchema,
  salt: saltSchema,
  resource: resourceSchema,
});
export type Draft = z.infer<typeof draftSchema>;

/** What lies, in canonical JSON, under a record's, a consent's and a coverage's private key. */
export const anchoredSchema = z.strictObject({
  /** MSP id of the author. */
  author: mspIdSchema,
  id: idSchema,
  version: versionSchema,
  /** Transaction time, ISO 8601 UTC. */
  recordedAt: instant,
  salt: saltSchema,
  resource: resourceSchema,
});
export type Anchored = z.infer<typeof anchoredSchema>;

/** One anchored value shown as evidence: `value` is the exact text whose SHA-256 the ledger holds. */
export const evidenceSchema = z.strictObject({ key: line(LONGEST_LINE), value: anchoredText(MAX_VALUE_LENGTH) });
export type Evidence = z.infer<typeof evidenceSchema>;

export const PURPOSES = ['TREAT', 'ETREAT', 'HPAYMT', 'HOPERAT', 'BTG'] as const;
/** What lies under `request/<id>` in the requestor's inbox. */
export const accessRequestSchema = z.strictObject({
  id: idSchema,
  salt: saltSchema,
  patient: z.strictObject({ system: uri, value: line(LONGEST_LINE) }),
  /** Resource types asked for; empty asks for all. */
  types: z.array(resourceTypeSchema).max(50),
  purpose: z.enum(PURPOSES),
  /** FHIR reference of the practitioner who asks; filled from the caller's certificate when it has one. */
  practitioner: userSchema.optional(),
});
export type AccessRequest = z.infer<typeof accessRequestSchema>;

/** What lies under `copy/…` in the requestor's inbox. `record` is the exact text anchored in the holder's care collection. */
export const copySchema = z.strictObject({
  accessId: idSchema,
  holder: nameSchema,
  deliveredAt: instant,
  expiresAt: instant,
  salt: saltSchema,
  record: anchoredText(MAX_VALUE_LENGTH),
});
export type Copy = z.infer<typeof copySchema>;

/** Public state. */
export const accessStateSchema = z.strictObject({
  id: idSchema,
  requestor: nameSchema,
  holder: nameSchema,
  custodian: nameSchema,
  purpose: z.enum(PURPOSES),
  status: z.enum(['requested', 'granted', 'refused', 'purged']),
  requestedAt: instant,
  decidedAt: instant.optional(),
  expiresAt: instant.optional(),
  reason: codeSchema.optional(),
  consent: z.strictObject({ id: idSchema, version: versionSchema }).optional(),
  /** The other consents that delivered records rest on: when one of them ends, the copies go. */
  furtherConsents: z
    .array(z.strictObject({ id: idSchema, version: versionSchema }))
    .min(1)
    .max(MAX_DELIVERED)
    .optional(),
});
export type AccessState = z.infer<typeof accessStateSchema>;

export const consentStateSchema = z.strictObject({
  id: idSchema,
  custodian: nameSchema,
  provider: nameSchema,
  status: z.enum(['active', 'revoked']),
  version: versionSchema,
  grantedAt: instant,
  updatedAt: instant,
});
export type ConsentState = z.infer<typeof consentStateSchema>;

const CLAIM_STATUSES = ['submitted', 'denied', 'partial', 'approved', 'instructed', 'settled', 'remitted'] as const;
export const claimStateSchema = z.strictObject({
  id: idSchema,
  provider: nameSchema,
  payer: nameSchema,
  bank: nameSchema.optional(),
  status: z.enum(CLAIM_STATUSES),
  /** The edit that denied it, when one did: a rule's name, never a fact. */
  reason: codeSchema.optional(),
  submittedAt: instant,
  updatedAt: instant,
});
export type ClaimState = z.infer<typeof claimStateSchema>;

export const licenceStateSchema = z.strictObject({
  number: licenceNumberSchema,
  status: z.enum(['active', 'suspended', 'excluded']),
  /** Dates, inclusive. */
  start: daySchema,
  end: daySchema,
  updatedAt: instant,
});
export type LicenceState = z.infer<typeof licenceStateSchema>;
