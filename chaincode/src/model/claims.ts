/**
 * What lies under the private keys from coverage to settlement, in canonical JSON. Every value carries a salt,
 * so that nobody can confirm a guess at it by its hash.
 */
import { z } from 'zod';
import { resourceSchema } from './fhir.ts';
import { evidenceSchema, idSchema, saltSchema } from './transactions.ts';

const instant = z.iso.datetime({ offset: true });
const organisationName = z.string();
const recordVersion = z.strictObject({ id: idSchema, version: z.int().min(1) });

/** What one claim edit said: enough for anyone entitled to recompute it. */
export const findingSchema = z.strictObject({
  edit: z.string(),
  version: z.string(),
  outcome: z.enum(['pass', 'deny', 'not-evaluated']),
  facts: z.record(z.string(), z.json()).optional(),
});
export type Finding = z.infer<typeof findingSchema>;

/** `fee-schedule`: prices in minor units, by `system|code` or by bare code. */
export const feeScheduleSchema = z.strictObject({
  salt: saltSchema,
  version: z.string(),
  currency: z.string(),
  prices: z.record(z.string(), z.int().min(0)),
  loadedAt: instant,
});
export type FeeSchedule = z.infer<typeof feeScheduleSchema>;

/** `fingerprint-key`: the secret that keeps fingerprints of services from being guessed outside the collection. */
export const fingerprintKeySchema = z.strictObject({ key: z.string().regex(/^[0-9a-f]{64}$/) });

/** `fingerprint/<hash>`: the claim that was paid, or may be paid, for a service. */
export const fingerprintSchema = z.strictObject({ claimId: idSchema, item: z.int(), salt: saltSchema });

/** `claim/<id>` */
export const claimRecordSchema = z.strictObject({
  id: idSchema,
  salt: saltSchema,
  submittedAt: instant,
  provider: organisationName,
  payer: organisationName,
  /** The coverage version it was judged by: the newest at that time. */
  coverage: recordVersion,
  resource: resourceSchema,
  evidence: z.array(evidenceSchema),
  edits: z.array(findingSchema),
});
export type ClaimRecord = z.infer<typeof claimRecordSchema>;

/** `response/<claim id>`: the adjudication and what it was computed from. */
export const claimResponseRecordSchema = z.strictObject({
  claimId: idSchema,
  salt: saltSchema,
  coverage: recordVersion,
  /** Version of the fee schedule, where one was loaded. */
  feeSchedule: z.string().optional(),
  edits: z.array(findingSchema),
  resource: resourceSchema,
});
export type ClaimResponseRecord = z.infer<typeof claimResponseRecordSchema>;

/** `payment/<claim id>` (PaymentReconciliation) and `settlement/<claim id>` (PaymentNotice). */
export const paymentRecordSchema = z.strictObject({ claimId: idSchema, salt: saltSchema, resource: resourceSchema });
export type PaymentRecord = z.infer<typeof paymentRecordSchema>;

/** `remittance/<claim id>`: PaymentReconciliation and PaymentNotice. */
export const remittanceRecordSchema = z.strictObject({
  claimId: idSchema,
  salt: saltSchema,
  resources: z.array(resourceSchema).length(2),
});
export type RemittanceRecord = z.infer<typeof remittanceRecordSchema>;
