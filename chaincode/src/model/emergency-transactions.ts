/** The rows of the transaction table that are about emergencies. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { callerOnly, withAnother, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { companionsSchema, decisionShape, MAX_STATE_LENGTH } from './decision-shape.ts';
import { partShape, restrictedShape } from './deliveries.ts';
import { reviewOutcomeSchema } from './emergencies.ts';
import { licenceShownSchema } from './registers.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { anchoredText, codeSchema, idSchema, instantSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';
import { consentVersionSchema, MAX_DELIVERED } from './values.ts';

/** Beside the Patient. */
const MAX_RECORDS = MAX_DELIVERED - 1;
const positionSchema = z
  .int()
  .min(0)
  .max(MAX_RECORDS - 1);

/** The anchored texts of a request and its first step. */
const requestShape = {
  request: anchoredText(MAX_STATE_LENGTH),
  state: anchoredText(MAX_STATE_LENGTH),
};
/** Who asks is among the parties. */
const { requestor: _, ...shownShape } = decisionShape;
const partiesSchema = z.strictObject({ id: idSchema, requestor: nameSchema, holder: nameSchema });

export const emergencyTransactions = {
  /**
   * What comes of a request for an emergency now, as the custodian's own peer computes it: it alone may read what the
   * patient has denied. Writes nothing. `permitted` are positions among `records`; the Patient goes with them.
   */
  EvaluateEmergency: transaction({
    contract: 'emergencies',
    kind: 'evaluate',
    callers: ['custodian'],
    roles: ['system'],
    input: partiesSchema,
    private: z.strictObject({
      ...shownShape,
      records: z.array(recordEvidenceSchema).max(MAX_RECORDS),
      licence: licenceShownSchema.optional(),
    }),
    output: z.strictObject({
      outcome: z.enum(['permit', 'deny']),
      reason: codeSchema.optional(),
      consent: consentVersionSchema.optional(),
      permitted: z.array(positionSchema).max(MAX_RECORDS).optional(),
      companions: companionsSchema,
      until: instantSchema.optional(),
    }),
    endorsers: callerOnly,
  }),
  /** Says to the regulators that records are about to be shown without a consent. Goes before anything is shown. */
  OpenReview: transaction({
    contract: 'emergencies',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: partiesSchema,
    private: z.strictObject({ ...requestShape, licence: licenceShownSchema, salt: saltSchema }),
    output: done,
    endorsers: (_, caller, { holder, requestor }) => withOneOf(caller, holder, requestor),
    writes: () => ({ always: [collections.reviews] }),
  }),
  /**
   * Delivers records without a consent, for a day. `review` is the text of the review that is open; `patient` and `records`
   * are what is delivered; where more follows it waits for the holder (DeliverFurther). The holder endorses it, or else the requestor: nobody else may see what it shows.
   */
  BreakGlass: transaction({
    contract: 'emergencies',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: partiesSchema,
    private: z.strictObject({
      ...requestShape,
      review: anchoredText(MAX_STATE_LENGTH),
      licence: licenceShownSchema,
      patient: recordEvidenceSchema,
      records: z.array(recordEvidenceSchema).max(MAX_RECORDS),
      companions: decisionShape.companions,
      /** When a denial of what is delivered begins, as EvaluateEmergency says it; absent where none does within the day. */
      until: instantSchema.optional(),
      ...partShape,
      ...restrictedShape,
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { holder, requestor }) => withOneOf(caller, holder, requestor),
    writes: ({ input: { requestor } }) => ({ always: [collections.inbox(requestor)] }),
  }),
  /** What a regulator makes of an emergency. `text` is sealed, so that any other organisation can endorse it. */
  CloseReview: transaction({
    contract: 'emergencies',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: z.strictObject({ id: idSchema }),
    private: reviewOutcomeSchema.pick({ outcome: true, text: true, salt: true }),
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: () => ({ always: [collections.reviews] }),
  }),
} as const;
