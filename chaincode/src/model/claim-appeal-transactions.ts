/** The row of the transaction table by which patients appeal. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { signedSchema } from './patient-statements.ts';
import { anchoredText, fhirIdSchema, idSchema, saltSchema, written } from './texts.ts';
import { done, transaction } from './transaction.ts';
import { MAX_VALUE_LENGTH } from './values.ts';

export const claimAppealTransactions = {
  /** The patient appeals against a decision about a claim, by her custodian: `response` is the decision. */
  AppealClaim: transaction({
    contract: 'claim-appeals',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      taskId: idSchema,
      salt: saltSchema,
      reason: written(2_000),
      /** Id of the Patient whose claim it is. */
      patient: fhirIdSchema,
      claim: anchoredText(MAX_VALUE_LENGTH),
      state: anchoredText(MAX_STATE_LENGTH),
      response: anchoredText(MAX_VALUE_LENGTH),
      /** Where she has a key of her own: what she signed. */
      signed: signedSchema.optional(),
    }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ consortium, input: { payer } }) => ({
      always: [collections.billing(payer)],
      copies: organisationsOfKind(consortium, 'provider').map(({ name }) => collections.billing(name)),
    }),
  }),
} as const;
