/**
 * Emergencies: a licensed practitioner is shown records without a consent, for a written reason and a short time, and a
 * regulator reviews it.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { idSchema, instantSchema, licenceNumberSchema, saltSchema, written } from './texts.ts';

/** HL7 v3 ActReason: emergency treatment, which a denial still stops, and breaking the glass, which only its name stops. */
export const EMERGENCIES = ['ETREAT', 'BTG'] as const;
export type Emergency = (typeof EMERGENCIES)[number];

/** How long what was delivered in an emergency stays with whoever received it, hours, where no regulator has set it. */
export const EMERGENCY_HOURS = 24;

/** Why there is no time for a consent, in the practitioner's words. */
export const reasonSchema = written(1_000);

/** Whether a request is for an emergency. Those of earlier chaincode have no reason, and are decided like any other. */
export const isEmergency = ({ purpose, reason }: { purpose: string; reason?: string | undefined }): boolean =>
  isEmergencyPurpose(purpose) && reason !== undefined;

export const isEmergencyPurpose = (purpose: string): purpose is Emergency =>
  EMERGENCIES.some((emergency) => emergency === purpose);

/** `review/<access>/1` in reviews: that records are about to be shown without a consent. Holds nothing of the patient. */
export const reviewSchema = z.strictObject({
  schema: z.literal(1),
  /** Of the access. */
  id: idSchema,
  licence: licenceNumberSchema,
  requestor: nameSchema,
  holder: nameSchema,
  purpose: z.enum(EMERGENCIES),
  reason: reasonSchema,
  openedAt: instantSchema,
  salt: saltSchema,
});
export type Review = z.infer<typeof reviewSchema>;

/** AES-256-GCM in Base64: who endorses a review without being a member of its collection does not read what it says. */
const sealedTextSchema = z
  .string()
  .max(8_192)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/);
const REVIEW_OUTCOMES = ['justified', 'not-justified'] as const;

/** `review/<access>/2` in reviews: what a regulator made of it. */
export const reviewOutcomeSchema = z.strictObject({
  schema: z.literal(1),
  id: idSchema,
  outcome: z.enum(REVIEW_OUTCOMES),
  text: sealedTextSchema,
  closedAt: instantSchema,
  salt: saltSchema,
});
export type ReviewOutcome = z.infer<typeof reviewOutcomeSchema>;

export const REVIEW_STEPS = { opened: 1, closed: 2 } as const;
