/** The rows of the transaction table that are about what was delivered: whether it may stay, and what of it is delivered anew. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { callerOnly, every } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { decisionShape } from './decision-shape.ts';
import { WITHDRAWALS } from './renewals.ts';
import { idSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';

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
    private: z.strictObject({ ...decisionShape, previous: idSchema, salt: saltSchema }),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
    writes: ({ input: { holder }, private: { requestor } }) => ({
      always: [collections.inbox(requestor), collections.care(holder)],
    }),
  }),
} as const;
