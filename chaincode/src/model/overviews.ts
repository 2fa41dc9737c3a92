/**
 * Who holds what: a request that asks for no records, and is answered with how many of each type there are that whoever asks would
 * be shown. It goes the way of every request, so the patient's consent decides it and her log has it.
 */
import { z } from 'zod';
import { resourceTypeSchema, table } from './texts.ts';

/** How many records of each type, by type. */
export const countsSchema = table(resourceTypeSchema, z.int().min(1).max(999_999), 200);
export type Counts = z.infer<typeof countsSchema>;
