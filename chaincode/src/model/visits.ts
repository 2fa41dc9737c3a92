/**
 * What a patient says of a visit: that she was there, or that she was not. A mark that any one organisation endorses next to her
 * custodian, so that no provider can keep her from it; whoever decides on a claim looks for it.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { withAnother } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { hashSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';

/** What she may say; once each. */
export const VISIT_WORDS = ['confirmed', 'disputed'] as const;
export type VisitWord = (typeof VISIT_WORDS)[number];

/** How a provider's Encounter is named in the marks: nobody guesses the id of one. */
export const visitHandle = (provider: string, encounter: string): string => sha256Hex(`visit/${provider}/${encounter}`);

/** `visit/<handle>/<word>` in marks. */
export interface VisitMark {
  schema: 1;
  /** ISO 8601 UTC. */
  at: string;
  salt: string;
}

export const visitTransactions = {
  /** The patient confirms or disputes a visit. Says nothing of it, so any one other endorses, and the provider cannot block it. */
  SayOfVisit: transaction({
    contract: 'visits',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({ handle: hashSchema, word: z.enum(VISIT_WORDS), salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
    writes: () => ({ always: [collections.marks] }),
  }),
} as const;
