/**
 * What a patient says of a visit: that she was there, or that she was not. A mark that any one organisation endorses next to her
 * custodian, so that no provider can keep her from it; whoever decides on a claim looks for it.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { withAnother } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import type { KeyOwner } from './key-marks.ts';
import { type PatientStatement, signedSchema } from './patient-statements.ts';
import { hashSchema, instantSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';
import { schemaVersion } from './values.ts';

/** What she may say; once each. */
export const VISIT_WORDS = ['confirmed', 'disputed'] as const;
export type VisitWord = (typeof VISIT_WORDS)[number];

/** How a provider's Encounter is named in the marks: nobody guesses the id of one. */
export const visitHandle = (provider: string, encounter: string): string => sha256Hex(`visit/${provider}/${encounter}`);

/** `visit/<handle>/<word>` in marks; `signed` where she has a key of her own. */
export const visitMarkSchema = z.strictObject({
  schema: schemaVersion,
  at: instantSchema,
  salt: saltSchema,
  signed: signedSchema.optional(),
});
export type VisitMark = z.infer<typeof visitMarkSchema>;

/** What she signs of a visit; a dispute, which only has somebody look, takes no signature. */
export const confirmationOf = (owner: KeyOwner, encounter: string): PatientStatement => ({
  ...owner,
  ...{ act: 'confirm', about: `Encounter/${encounter}` },
});

export const visitTransactions = {
  /** The patient confirms or disputes a visit. Says nothing of it, so any one other endorses, and the provider cannot block it. */
  SayOfVisit: transaction({
    contract: 'visits',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({
      handle: hashSchema,
      word: z.enum(VISIT_WORDS),
      salt: saltSchema,
      signed: signedSchema.optional(),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
    writes: () => ({ always: [collections.marks] }),
  }),
} as const;
