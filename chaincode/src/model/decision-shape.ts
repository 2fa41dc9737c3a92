/** What is shown to have an access decided: the same to whoever decides, and to the custodian's peer that foresees it. */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { MAX_COMPANIONS } from './companions.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { anchoredText, instantSchema, line } from './texts.ts';
import { hintSchema } from './transaction.ts';
import { accessRequestSchema, consentVersionSchema, MAX_CONSENTS, MAX_DELIVERED } from './values.ts';

/** The most requests, or decisions, of one transaction. */
export const MAX_ACCESSES_AT_ONCE = 64;

/** The longest text of a state or request that is shown again. */
export const MAX_STATE_LENGTH = 64 * 1024;

const grounds = {
  records: z.array(recordEvidenceSchema).max(MAX_DELIVERED),
  practitioner: recordEvidenceSchema.optional(),
  context: z.array(recordEvidenceSchema).max(100).optional(),
  directory: hintSchema,
  consents: z.array(consentVersionSchema).max(MAX_CONSENTS),
};

/**
 * What an access is decided on. `request` and `state` are the anchored texts of the request and its first step; `patient`
 * the holder's Patient record that it names; `records` what the holder has of the types asked for, each with its path to
 * the holder's sheet; `practitioner` the requestor's record of who asks; `context` further records of the patient, to whose
 * references consents point; `directory` and `consents` say where the patient's consents are known to stand; `companions` are
 * the holder's records about no patient that go with those that refer to them, and none that is anything else goes.
 */
export const decisionShape = {
  ...{ requestor: nameSchema, request: anchoredText(MAX_STATE_LENGTH), state: anchoredText(MAX_STATE_LENGTH) },
  patient: recordEvidenceSchema.optional(),
  ...grounds,
  companions: z.array(recordEvidenceSchema).max(MAX_COMPANIONS).optional(),
};
/** Positions, among the companions that were shown, of those that go. */
export const companionsSchema = z
  .array(
    z
      .int()
      .min(0)
      .max(MAX_COMPANIONS - 1),
  )
  .max(MAX_COMPANIONS)
  .optional();

/** What a decision says of one record: that it may be delivered, or why not. */
const RECORD_REASONS = ['consent-permits', 'consent-denied', 'consent-expired', 'consent-absent'] as const;
/** One for each record that was shown, in their order. */
export const recordReasonsSchema = z.array(z.enum(RECORD_REASONS)).max(MAX_DELIVERED);

/** The same for a request that nobody has made: `who` says who would. */
export const foreseenShape = {
  who: z.strictObject({
    requestor: nameSchema,
    ...accessRequestSchema.pick({ purpose: true, practitioner: true, role: true }).shape,
  }),
  patient: recordEvidenceSchema,
  ...grounds,
};

/** What would become of one record. */
export const foreseenSchema = z.strictObject({
  outcome: z.enum(['permit', 'deny']),
  reason: z.enum([
    'consent-permits',
    'consent-denied',
    'consent-expired',
    'consent-absent',
    'emergency',
    'purpose-not-allowed',
  ]),
  consent: consentVersionSchema.optional(),
  /** FHIRPath of what decided, in that consent. */
  provision: line(4_096).optional(),
  /** Of a permission: when it ends by what is known now; absent where nothing ends it. */
  until: instantSchema.optional(),
});
export type Foreseen = z.infer<typeof foreseenSchema>;
