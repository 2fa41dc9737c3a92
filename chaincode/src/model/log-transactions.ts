/** The rows of the transaction table that anchor the logs of reads, and purge what they carried once its time is over. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { anchorNumberSchema, carriedRowsSchema, logStatementSchema } from './log-anchors.ts';
import { saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';

export const logTransactions = {
  /**
   * Anchors a stretch of the caller's log of reads, the next after the one before (CONFLICT). The custodian endorses, holds the tree
   * to the rows and keeps them; of its own log another member endorses that it goes on, and sees no row of it.
   */
  AnchorLog: transaction({
    contract: 'logs',
    kind: 'submit',
    callers: ['provider', 'custodian', 'payer', 'bank', 'regulator'],
    roles: ['system'],
    input: z.strictObject({ n: anchorNumberSchema }),
    private: z.strictObject({
      statement: logStatementSchema,
      /** Of the anchor before. */
      previous: logStatementSchema.optional(),
      restarted: z.literal(true).optional(),
      carried: z.strictObject({ secret: saltSchema, rows: carriedRowsSchema }).optional(),
    }),
    output: done,
    endorsers: (consortium, caller) =>
      caller === custodianOf(consortium).name ? withAnother(consortium, caller) : withCustodian(consortium, caller),
    writes: ({ consortium, caller }) => ({
      always:
        caller === custodianOf(consortium).name ? [collections.marks] : [collections.marks, collections.inbox(caller)],
    }),
  }),
  /**
   * Purges the rows that anchors `from` to `to` of an organisation's log have carried, six years after the last of these anchors at the
   * earliest (CONFLICT). The marks stay. The organisation's own, or the custodian's for one that does not.
   */
  PurgeReads: transaction({
    contract: 'logs',
    kind: 'submit',
    callers: ['provider', 'custodian', 'payer', 'bank', 'regulator'],
    roles: ['system'],
    input: z.strictObject({ organisation: nameSchema, from: anchorNumberSchema, to: anchorNumberSchema }),
    output: done,
    endorsers: (consortium, caller, { organisation }) =>
      caller === custodianOf(consortium).name
        ? withAnother(consortium, caller, [organisation])
        : withCustodian(consortium, caller),
    writes: ({ input: { organisation } }) => ({ always: [collections.inbox(organisation)] }),
  }),
} as const;
