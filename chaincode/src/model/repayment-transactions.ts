/** The rows of the transaction table by which providers pay back what they owe to payers. */
import { every, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { billed, shownPaymentShape } from './claim-shapes.ts';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { MAX_DEBTS_OF_PAYMENT } from './payments.ts';
import { anchoredText, currencySchema, idSchema, minorUnitsSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';

export const repaymentTransactions = {
  /**
   * A provider has a bank pay back what it owes: so much, taken from these debts in their order. From then on that much of them is
   * taken from no claim. `debts` is what is left of each; `terms` the terms of payment in force, where their accounts are to be used.
   */
  RepayDebts: transaction({
    contract: 'repayments',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, payer: nameSchema, bank: nameSchema }),
    private: z.strictObject({
      salt: saltSchema,
      units: minorUnitsSchema.min(1),
      currency: currencySchema,
      debts: z.array(anchoredText(MAX_STATE_LENGTH)).min(1).max(MAX_DEBTS_OF_PAYMENT),
      terms: z
        .strictObject({ generation: z.int().min(1).max(999_999_999), text: anchoredText(MAX_STATE_LENGTH) })
        .optional(),
    }),
    output: done,
    endorsers: (_, caller, { payer, bank }) => every(...new Set([caller, payer, bank])),
    writes: ({ consortium, input: { payer } }) => billed(consortium, payer),
  }),
  /** What a payment back that ended without money was to pay is owed again: `debts` is what is left of each, in its order. */
  ReopenDebts: transaction({
    contract: 'repayments',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      salt: saltSchema,
      ...shownPaymentShape,
      debts: z.array(anchoredText(MAX_STATE_LENGTH)).min(1).max(MAX_DEBTS_OF_PAYMENT),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
    writes: ({ consortium, caller }) => billed(consortium, caller),
  }),
} as const;
