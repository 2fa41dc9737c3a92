/** The rows of the transaction table that are about accounts at banks and the terms of payment. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every } from '@telemed-ledger/consortium/endorsers.ts';
import { type Consortium, nameSchema, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { ACCOUNT_SAYINGS, accountNumberSchema } from './accounts.ts';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { anchoredText, currencySchema, idSchema, saltSchema } from './texts.ts';
import { done, hintSchema, transaction, type Writes } from './transaction.ts';

/** The payer's collection decides; owner and bank have copies. */
const kept = (consortium: Consortium, payer: string): Writes => ({
  always: [collections.billing(payer)],
  copies: (['provider', 'bank'] as const)
    .flatMap((kind) => organisationsOfKind(consortium, kind))
    .map(({ name }) => collections.billing(name)),
});

export const accountTransactions = {
  /**
   * Registers an account for payments from (the payer's own) or to (a provider's) a payer. The number goes to the bank's collection
   * alone; those who endorse, the owner, the payer and the bank, see it.
   */
  RegisterAccount: transaction({
    contract: 'accounts',
    kind: 'submit',
    callers: ['provider', 'payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ id: idSchema, payer: nameSchema, bank: nameSchema }),
    private: z.strictObject({
      account: accountNumberSchema,
      currency: currencySchema,
      /** Of a provider's: whose account it is, where that is another's. */
      payee: nameSchema.optional(),
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { payer, bank }) => every(...new Set([caller, payer, bank])),
    writes: ({ consortium, input: { payer } }) => kept(consortium, payer),
  }),
  /** What the bank says of an account: that it is the owner's, that it is not, or that it is closed. */
  SayOfAccount: transaction({
    contract: 'accounts',
    kind: 'submit',
    callers: ['bank'],
    roles: ['settlement', 'system'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      state: anchoredText(MAX_STATE_LENGTH),
      status: z.enum(ACCOUNT_SAYINGS),
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ consortium, input: { payer } }) => kept(consortium, payer),
  }),
  /** The next terms of payment of a provider's claims. The accounts are shown by their newest states; both must be confirmed. */
  SetPaymentTerms: transaction({
    contract: 'accounts',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({
      bank: nameSchema,
      payerAccount: anchoredText(MAX_STATE_LENGTH).optional(),
      payeeAccount: anchoredText(MAX_STATE_LENGTH).optional(),
      runs: z.enum(['each', 'together']),
      known: hintSchema,
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ consortium, caller }) => kept(consortium, caller),
  }),
} as const;
