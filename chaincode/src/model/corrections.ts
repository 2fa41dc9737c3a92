/**
 * What a patient may ask of a record beside its erasure: its correction, which the holder grants or refuses, and that it is delivered
 * to nobody as long as she has it restricted. `correction/<id>/<step>` lies in care_<Provider>, between holder and custodian;
 * `restricted/<handle>/<n>` in marks begins a restriction where n is odd and ends it where n is even.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import {
  fhirIdSchema,
  idSchema,
  instantSchema,
  resourceTypeSchema,
  saltSchema,
  versionSchema,
  written,
} from './texts.ts';
import { schemaVersion } from './values.ts';

/** How a provider's record is named in the marks of its restrictions; another hash than that of its erasure. */
export const restrictionHandle = (provider: string, record: string): string =>
  sha256Hex(`restricted/${provider}/${record}`);

export const CORRECTION_STEPS = { asked: 1, answered: 2 } as const;
/** Longest words of either side, in characters. */
const LONGEST_WORDS = 4_000;
export const wordsSchema = written(LONGEST_WORDS);

/** What is asked: of which version of which record, and in whose words. */
export const correctionShape = {
  id: idSchema,
  record: fhirIdSchema,
  type: resourceTypeSchema,
  version: versionSchema,
  patient: fhirIdSchema,
  words: wordsSchema,
  askedBy: z.enum(['patient', 'caretaker', 'system']),
  salt: saltSchema,
};

export const correctionAskedSchema = z.strictObject({
  ...{ schema: schemaVersion, provider: nameSchema },
  ...correctionShape,
  at: instantSchema,
});
export type CorrectionAsked = z.infer<typeof correctionAskedSchema>;

export const correctionAnsweredSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  outcome: z.enum(['accepted', 'refused']),
  /** Of one that was accepted: the version that corrects it. */
  version: versionSchema.optional(),
  reason: wordsSchema.optional(),
  at: instantSchema,
  salt: saltSchema,
});
export type CorrectionAnswered = z.infer<typeof correctionAnsweredSchema>;

/** `restricted/<handle>/<n>` in marks: the number says whether it begins or ends. */
export interface Restriction {
  schema: 1;
  /** ISO 8601 UTC. */
  at: string;
  salt: string;
}
