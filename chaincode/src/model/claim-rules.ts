/**
 * What a payer has settled about deciding claims, as dated data of its own: from which amounts on people sign, how long a decision may be
 * appealed, and from which score on a claim waits for somebody who looks at it.
 */
import { z } from 'zod';
import { currencySchema, daySchema, instantSchema as instant, minorUnitsSchema, saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

const termsSchema = z.strictObject({
  /** The first day on which this counts; it does until the next begins. */
  from: daySchema,
  currency: currencySchema,
  /** Minor units. What is to be paid beyond this takes one person's signature, beyond the second that of two. */
  signAbove: minorUnitsSchema.optional(),
  secondAbove: minorUnitsSchema.optional(),
  /** Days, from the decision on, in which the provider may appeal. */
  appealDays: z.int().min(0).max(3_650).optional(),
  /** Days for which a claim's evidence is kept once it is final and may be appealed no more. */
  evidenceDays: z.int().min(0).max(3_650).optional(),
  /** The score of a claim's signals from which on it is pended. */
  pendAtScore: z.int().min(1).max(10_000).optional(),
});

/** What a payer says, from one day on and the next. */
export const claimRulesInputSchema = z.strictObject({ terms: z.array(termsSchema).min(1).max(100) });

/** `claim-rules/<payer>/<generation>`: all of it, of which the newest counts. */
export const claimRulesSchema = z.strictObject({
  ...claimRulesInputSchema.shape,
  schema: schemaVersion,
  salt: saltSchema,
  loadedAt: instant,
});
export type ClaimRules = z.infer<typeof claimRulesSchema>;
export type ClaimTerms = Omit<z.infer<typeof termsSchema>, 'from' | 'currency'> & { currency?: string };

/** As X12's and most payers' contracts have it, where the payer says nothing. */
export const APPEAL_DAYS = 180;
export const EVIDENCE_DAYS = 0;
export const PEND_AT_SCORE = 100;

/** What counts on a day, YYYY-MM-DD; nothing where no rules are loaded or none has begun. */
export function termsOn(rules: ClaimRules | undefined, day: string): ClaimTerms {
  const begun = (rules?.terms ?? []).filter(({ from }) => from <= day);
  return begun.toSorted((a, b) => (a.from < b.from ? -1 : 1)).at(-1) ?? {};
}
