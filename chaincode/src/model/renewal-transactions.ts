/** The rows of the transaction table that are about what was delivered: whether it may stay, and what of it is delivered anew. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { callerOnly, every } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { companionsSchema, decisionShape, recordReasonsSchema } from './decision-shape.ts';
import { partShape, restrictedShape, withheldSchema } from './deliveries.ts';
import { WITHDRAWALS } from './renewals.ts';
import { codeSchema, idSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';
import { consentVersionSchema } from './values.ts';

/** What is shown to deliver on a request that was decided: `previous` is the access that it goes on from. */
const deliveryShape = {
  ...decisionShape,
  ...{ ...partShape, ...restrictedShape, withheld: withheldSchema.optional(), previous: idSchema, salt: saltSchema },
};

export const renewalTransactions = {
  /**
   * Whether a delivery is what would be delivered now, as the custodian's own peer computes it: it alone has both the consents
   * and the copies. `state` is the decision's text, `request` that of the request it began with, `records` what was delivered
   * as it stands now. Writes nothing.
   */
  ReviewDelivery: transaction({
    contract: 'renewals',
    kind: 'evaluate',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject(decisionShape),
    output: z.strictObject({
      /** Why it is to be withdrawn; absent where it may stay. */
      withdraw: z.enum(WITHDRAWALS).optional(),
      /** Whether something of it may be shown. */
      goesOn: z.boolean(),
    }),
    endorsers: callerOnly,
  }),
  /**
   * Delivers anew what may be shown still of a delivery that was withdrawn: `previous` is its access, `state` the text of its
   * last step, `request` that of the request it began with. Where nothing may any more, it is recorded as refused; what that rests on
   * is told to the holder alone.
   */
  DeliverAgain: transaction({
    contract: 'renewals',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject(deliveryShape),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
    writes: ({ input: { holder }, private: { requestor } }) => ({
      always: [collections.inbox(requestor), collections.care(holder)],
    }),
  }),
  /**
   * What may be shown now on a request that was decided, as the custodian's own peer computes it: `further` of what comes behind
   * a delivery, whose decision's text `state` is; `again` of one that was purged, whose last step it is. Writes nothing.
   */
  EvaluateAgain: transaction({
    contract: 'renewals',
    kind: 'evaluate',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject({ ...decisionShape, going: z.enum(['further', 'again']) }),
    output: z.strictObject({
      outcome: z.enum(['permit', 'deny']),
      reason: codeSchema.optional(),
      consent: consentVersionSchema.optional(),
      reasons: recordReasonsSchema.optional(),
      companions: companionsSchema,
    }),
    endorsers: callerOnly,
  }),
  /**
   * Delivers the next part of what was asked for: `previous` is the access of the part before, `state` the text of its decision,
   * whatever became of it since. Where nothing may be shown any more, it is recorded as refused, and no part follows.
   */
  DeliverFurther: transaction({
    contract: 'renewals',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject(deliveryShape),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
    writes: ({ input: { holder }, private: { requestor } }) => ({
      always: [collections.inbox(requestor), collections.care(holder)],
    }),
  }),
} as const;
