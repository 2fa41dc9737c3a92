/**
 * What a claim holds, as one list. Other claims find it by buckets, of which two claims that are for one service share one: a name of the
 * patient in some days, or a record. A bucket has places, taken one after the other; what lies there names the list by its hash, so that
 * whoever bills in the bucket is to show the list.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { anchoredText, hashSchema, saltSchema } from './texts.ts';
import { MAX_VALUE_LENGTH } from './values.ts';

/** The lists that one transaction may be shown. */
const MAX_LISTS_SHOWN = 500;
/** How the chaincode names the input in which lists are missing that it must be shown. */
export const LISTS_EXPRESSION = 'services';

/** `service-bucket/<bucket>/<place>`: by its hash it names a list, and by its salt nobody can guess which. */
export interface BucketEntry {
  schema: 1;
  salt: string;
}

/** `service-list/<id>` */
export const serviceListSchema = z.strictObject({
  schema: z.literal(1),
  /** In whose collection it says what is free again. */
  payer: nameSchema,
  /** What tells the claim, to one that stands beside it (PriorDecision.holder). */
  holder: hashSchema,
  salt: saltSchema,
  /** Each by its keyed hash, with the lines of the claim that hold it. */
  services: z
    .array(
      z.strictObject({
        hash: z.string().regex(/^[0-9a-f]{32}$/),
        items: z.array(z.int().min(1).max(1_000_000)).min(1).max(1_000),
      }),
    )
    .max(5_000),
});
export type ServiceList = z.infer<typeof serviceListSchema>;

/** Of others, in the buckets of a claim: the anchored texts. */
export const listsShown = z.array(anchoredText(MAX_VALUE_LENGTH)).max(MAX_LISTS_SHOWN).optional();

/** The ids of lists that a message of the chaincode's asks for. */
export const listsAskedFor = (reason: string): string[] => reason.match(/\b[0-9a-f]{32}\b/g) ?? [];
