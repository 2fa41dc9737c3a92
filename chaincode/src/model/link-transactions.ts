/** The row of the transaction table by which a Patient of a provider becomes one of a person's, or is no more. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { linkSchema } from './links.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { done, hintSchema, transaction } from './transaction.ts';

export const linkTransactions = {
  /**
   * Says of which person a provider's Patient is: `patient` is that record, current, and `known` the generation that stands. The
   * provider's peer takes what identifies her from the record itself, so that the custodian alone links nobody to anybody. It begins a link
   * only of who has no key of her own, and says so.
   */
  LinkPatient: transaction({
    contract: 'links',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({
      patient: recordEvidenceSchema,
      ...linkSchema.pick({ person: true, status: true, by: true, salt: true }).shape,
      known: hintSchema,
      /** Of one that the custodian begins: a generation of the directory that says whether she has a key. */
      directory: hintSchema.optional(),
    }),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
} as const;
