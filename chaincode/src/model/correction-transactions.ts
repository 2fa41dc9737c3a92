/** The rows of the transaction table for corrections and restrictions of records. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every, withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { correctionShape, wordsSchema } from './corrections.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { hashSchema, idSchema, saltSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';

export const correctionTransactions = {
  /** A patient asks the holder to correct a record. Her words are for holder and custodian alone, so both endorse. */
  AskCorrection: transaction({
    contract: 'corrections',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject(correctionShape),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
  /** The holder answers: with the version that corrects it, shown with its path, or with the reason why it does not. */
  AnswerCorrection: transaction({
    contract: 'corrections',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system'],
    onBehalfOf: ['practitioner'],
    input: z.strictObject({}),
    private: z.strictObject({
      id: idSchema,
      corrected: recordEvidenceSchema.optional(),
      reason: wordsSchema.optional(),
      salt: saltSchema,
    }),
    output: done,
    endorsers: withCustodian,
    writes: ({ caller }) => ({ always: [collections.care(caller)] }),
  }),
  /**
   * Begins a restriction of a record, or ends it: `n` is the next number of its series, odd where it begins. Says nothing of the
   * record, so any one other endorses, and the holder cannot block it.
   */
  RestrictRecord: transaction({
    contract: 'corrections',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({ handle: hashSchema, n: hintSchema, salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
    writes: () => ({ always: [collections.marks] }),
  }),
} as const;
