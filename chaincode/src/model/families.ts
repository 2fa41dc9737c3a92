/**
 * Families in plans: the members whose coverages name one plan and have one subscriber number. What they use together lies under an id
 * that nobody can guess who does not know the payer's secret: the number may be on a card.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex, uuidFrom } from './canonical.ts';
import type { Cover } from './coverage.ts';
import { saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

/** `family-key/<payer>`, in the payer's collection alone. */
export const familyKeySchema = z.strictObject({ schema: schemaVersion, secret: saltSchema });
export type FamilyKey = z.infer<typeof familyKeySchema>;

/** Id of the family that a coverage is of; one without a subscriber number is a family of its own. @param plan id */
export const familyOf = (
  secret: string,
  plan: string,
  { id, subscriberId }: Pick<Cover, 'id' | 'subscriberId'>,
): string => uuidFrom(sha256Hex(canonicalJson(['family', secret, plan, subscriberId ?? { coverage: id }])));
