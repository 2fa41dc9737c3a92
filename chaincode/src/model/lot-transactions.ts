/** The rows of the transaction table that are about lots of medicines and their recall. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { productSchema, recallInputSchema, recallSchema, releasedLotsSchema } from './lots.ts';
import { bucketEvidenceSchema } from './registers.ts';
import { idSchema, instantSchema, saltSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { schemaVersion } from './values.ts';

/** Shown of the register of lots: a generation that is known, and the bucket of the product as it stands. */
const shown = z.strictObject({ salt: saltSchema, register: hintSchema, bucket: bucketEvidenceSchema });
const countSchema = z.int().min(0).max(999_999_999);

/** What a holder, or the custodian of what it holds, counts of a recall. */
export const recallCountsSchema = z.strictObject({
  /** Dispenses of what is recalled. */
  dispenses: countSchema,
  /** The patients they were for, and how many of these have a message about it in their records. */
  patients: countSchema,
  reached: countSchema,
});
export type RecallCounts = z.infer<typeof recallCountsSchema>;

/** `recall-report/<recall>/<provider>/<reporter>/<n>` in reviews, and in care_<Provider> what the provider itself reports. */
export const recallReportSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  provider: nameSchema,
  reporter: nameSchema,
  ...recallCountsSchema.shape,
  at: instantSchema,
  salt: saltSchema,
});
export type RecallReport = z.infer<typeof recallReportSchema>;

export const lotTransactions = {
  /** Says which lots of a product were released: from then on it is handed out of these alone. Adds to what was said before. */
  PublishLots: transaction({
    contract: 'recalls',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: z.strictObject({ product: productSchema, lots: releasedLotsSchema }),
    private: shown,
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: () => ({ always: [collections.registers] }),
  }),
  /** Recalls lots of a product, changes which, or ends it. */
  PublishRecall: transaction({
    contract: 'recalls',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: recallInputSchema,
    private: shown,
    output: recallSchema.omit({ schema: true, salt: true }),
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: () => ({ always: [collections.registers] }),
  }),
  /** How many a recall was found to concern at a provider and how many were reached: by itself, and by the custodian beside it. */
  ReportRecall: transaction({
    contract: 'recalls',
    kind: 'submit',
    callers: ['provider', 'custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({ counts: recallCountsSchema, known: hintSchema, salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller, { provider }) =>
      caller === custodianOf(consortium).name
        ? withAnother(consortium, caller, [provider])
        : withCustodian(consortium, caller),
    writes: ({ consortium, caller }) => ({
      always: [
        collections.reviews,
        ...(organisationByName(consortium, caller)?.kind === 'provider' ? [collections.care(caller)] : []),
      ],
    }),
  }),
} as const;
