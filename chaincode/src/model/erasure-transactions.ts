/** The rows of the transaction table that erase records. */
import { collections, pairFor } from '@telemed-ledger/consortium/collections.ts';
import { every, withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, KINDS, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { askedBySchema, markedSchema } from './erasures.ts';
import { indexSchema } from './sheets.ts';
import { collectionNameSchema, idSchema, LONGEST_LINE, line, saltSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { MAX_RECORDS } from './values.ts';

/** Keys of refused writes that one transaction purges. */
export const MAX_REFUSED = 500;

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
   * erased. The only transaction that reads a content. `askedBy` is the custodian's word. With no place at all it takes away what
   * was refused under the key of this generation.
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
      erased: z.array(z.strictObject({ index: indexSchema, askedBy: askedBySchema.optional() })).max(MAX_RECORDS),
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
  /**
   * Purges keys under which nothing stands: what transactions that were ordered and refused would have written there goes from the
   * peers' private stores. Changes no state; CONFLICT where something stands under one of them.
   */
  PurgeRefused: transaction({
    contract: 'erasures',
    kind: 'submit',
    callers: KINDS,
    roles: ['system'],
    input: z.strictObject({ collection: collectionNameSchema }),
    private: z.strictObject({ keys: z.array(line(LONGEST_LINE)).min(1).max(MAX_REFUSED) }),
    output: done,
    endorsers: (consortium, caller, { collection }) => pairFor(consortium, caller, collection),
    writes: ({ input: { collection } }) => ({ always: [collection] }),
  }),
} as const;
