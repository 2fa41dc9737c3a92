/** The rows of the transaction table that erase records. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every, withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { askedBySchema, markedSchema } from './erasures.ts';
import { indexSchema } from './sheets.ts';
import { idSchema, saltSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { MAX_RECORDS } from './values.ts';

export const erasureTransactions = {
  /**
   * Marks a record of a provider as erased, for good: for its patient by the custodian, with any one other, or at the
   * provider's own request with the custodian. Shows no content and, where the custodian marks, not even the record's id.
   */
  EraseRecord: transaction({
    contract: 'erasures',
    kind: 'submit',
    callers: ['custodian', 'provider'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ provider: nameSchema }),
    private: markedSchema,
    output: done,
    endorsers: (consortium, caller, { provider }) =>
      caller === custodianOf(consortium).name
        ? withAnother(consortium, caller, [provider])
        : withCustodian(consortium, caller),
    writes: () => ({ always: [collections.marks] }),
  }),
  /**
   * Replaces a content by its next generation, without the texts at these places of its sheet, whose records are marked as
   * erased. The only transaction that reads a content. `askedBy` is the custodian's word.
   */
  PurgeContent: transaction({
    contract: 'erasures',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({
      sheet: idSchema,
      generation: hintSchema,
      erased: z
        .array(z.strictObject({ index: indexSchema, askedBy: askedBySchema.optional() }))
        .min(1)
        .max(MAX_RECORDS),
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
} as const;
