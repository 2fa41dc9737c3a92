/**
 * Screening of claims across providers and payers: what a claim bills, told under a key that the payers share and no provider has
 * (rules/claim-edits/duplicates.ts), is held in the payer's collection, where every payer's endorsers ask for it by its hash.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { addDays } from './days.ts';
import { alikeItemSchema } from './likenesses.ts';
import { hashSchema, idSchema, instantSchema, saltSchema } from './texts.ts';

/** For how long a key is the newest at least, so that nobody makes claims be looked for under ever more of them; days. */
export const LEAST_KEY_DAYS = 30;
/** After how long a payer's gateway puts the next one in its place, days. */
export const KEY_DAYS = 365;
/** How far back of a claim's screening, or of its first service where that is earlier, holdings are looked for; days. */
const LOOK_BACK_DAYS = 730;
/** The most keys under which one claim is looked for. */
export const MAX_KEYS = 40;
/** Lines of a claim, and the tokens that they hold. */
const MAX_LINES = 1_000;
const MAX_TOKENS = 5_000;

/** `screening-key/<generation>` in `payers`. Whoever made the first knew no more of the second than every payer does. */
export const screeningKeySchema = z.strictObject({
  schema: z.literal(1),
  key: saltSchema,
  /** Since when it is the newest. */
  from: instantSchema,
  /** That claims hold services under it by lists (service-lists.ts); absent where each has a value of its own. */
  lists: z.literal(1).optional(),
});
export type ScreeningKey = z.infer<typeof screeningKeySchema>;

const lines = z.array(z.int().min(1).max(1_000_000)).max(MAX_LINES);

/** `screening/<claim id>/<n>`: what the claim holds by now, in the payer's collection with a copy for the provider. */
export const screeningSchema = z.strictObject({
  schema: z.literal(1),
  claimId: idSchema,
  payer: nameSchema,
  salt: saltSchema,
  at: instantSchema,
  /** SHA-256 of the claim's text as it was screened. */
  claim: hashSchema,
  /** Sequences of its lines that hold what they bill. */
  lines,
  /** Of its lines that bill what another claim holds. */
  elsewhere: lines,
  /** Of its lines that bill what is held for a Patient who may be the same human; absent where there are none. */
  alike: z.array(alikeItemSchema).min(1).max(MAX_LINES).optional(),
  /** The list by which its lines hold it: the number of the screening that made it; absent where there is none. */
  list: z.int().min(1).optional(),
  /** What its lines hold, and where, under keys without lists. */
  tokens: z
    .array(z.strictObject({ hash: hashSchema, place: z.int().min(0).max(1_000_000), items: lines }))
    .max(MAX_TOKENS),
});
export type Screening = z.infer<typeof screeningSchema>;

/**
 * The day since which keys count for a claim: whoever billed its services before did so after they took place, and a record may have
 * been moved to a later day since.
 * @param first day of the claim's first service, YYYY-MM-DD
 * @param now ISO 8601 UTC
 */
export const lookedBackTo = (first: string, now: string): string => {
  const limit = addDays(now.slice(0, 10), -LOOK_BACK_DAYS);
  return first < limit ? first : limit;
};
