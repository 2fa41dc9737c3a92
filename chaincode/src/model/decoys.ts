/**
 * Decoys: private keys whose hashes a transaction reads and does nothing with. Every member of the channel sees which keys a
 * transaction has read; among decoys it does not see which of them mattered. Any submitted transaction may bring some.
 */
import { z } from 'zod';
import { collectionNameSchema, LONGEST_LINE, line } from './texts.ts';

/** Their key in the transient map, JSON. */
export const DECOYS_KEY = 'decoys';
/** Of what one decision, claim or consent rests on. */
export const MAX_DECOYS = 2_000;
/** Of several decisions in one transaction. */
export const MAX_DECOYS_TOGETHER = 8_000;
export const decoysSchema = z
  .array(z.strictObject({ collection: collectionNameSchema, key: line(LONGEST_LINE) }))
  .max(MAX_DECOYS_TOGETHER);
export type Decoy = z.infer<typeof decoysSchema>[number];
