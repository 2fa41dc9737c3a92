/** The row of the transaction table by which a payer purges the evidence of its claims. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { anchoredText, idSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { MAX_VALUE_LENGTH } from './values.ts';

export const claimPurgeTransactions = {
  /**
   * Purges the records that a claim keeps of what it rests on, at every member, once it is final and may be appealed no more.
   * `claim` and `state` are the anchored texts, `response` that of the newest decision where there is one.
   */
  PurgeEvidence: transaction({
    contract: 'claim-purges',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      claim: anchoredText(MAX_VALUE_LENGTH),
      state: anchoredText(MAX_STATE_LENGTH),
      response: anchoredText(MAX_VALUE_LENGTH).optional(),
      rules: z.strictObject({ generation: hintSchema, text: anchoredText(MAX_STATE_LENGTH) }).optional(),
      /** By which the services are told that it holds. */
      coverage: anchoredText(MAX_STATE_LENGTH),
      fingerprintKey: anchoredText(1_024).optional(),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
    writes: ({ caller, input: { provider } }) => ({
      always: [collections.billing(caller)],
      copies: [collections.billing(provider)],
    }),
  }),
} as const;
