/**
 * Erasure of records. `erased/<handle>` in marks says that a record is erased, all its versions, from then on; the handle is
 * a hash of the record's random id, so whoever does not know the record learns nothing of it. Holder and custodian then
 * replace the contents that hold a version of it and note `erasure/<handle>/<sheet>` between them.
 */
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { indexSchema } from './sheets.ts';
import {
  fhirIdSchema,
  hashSchema,
  idSchema,
  instantSchema,
  resourceTypeSchema,
  saltSchema,
  versionSchema,
} from './texts.ts';
import { schemaVersion } from './values.ts';

/** How a provider's record is named in its mark: the same for all its versions, which everybody who holds one can compute. */
export const erasureHandle = (provider: string, record: string): string => sha256Hex(`erased/${provider}/${record}`);

/** What of the record's id its mark says: enough for whoever has the record to find it, and useless to anybody else. */
const BEGINNING = 8;
export const beginningOf = (record: string): string => record.slice(0, BEGINNING);
const beginningSchema = z
  .string()
  .max(BEGINNING)
  .regex(/^[0-9a-f]{8}$/);

/** `erased/<handle>` in marks. */
export const erasedMarkSchema = z.strictObject({
  schema: schemaVersion,
  at: instantSchema,
  begins: beginningSchema,
  salt: saltSchema,
});
export type ErasedMark = z.infer<typeof erasedMarkSchema>;

/** What a mark is made from. The record is shown where the endorsers must know whose it is. */
export const markedSchema = z.strictObject({
  handle: hashSchema,
  begins: beginningSchema,
  salt: saltSchema,
  record: fhirIdSchema.optional(),
});
export type Marked = z.infer<typeof markedSchema>;

/** Who wanted it, by role at the organisation that had the record marked. */
export const askedBySchema = z.enum(['patient', 'caretaker', 'system']);

/** `erasure/<handle>/<sheet>` in care_<Provider>: the version of the record that stood on that sheet, without its content. */
export const erasureSchema = z.strictObject({
  schema: schemaVersion,
  record: fhirIdSchema,
  type: resourceTypeSchema,
  version: versionSchema,
  /** Where it stood, and the hash of its leaf, which stays. */
  sheet: idSchema,
  index: indexSchema,
  leaf: hashSchema,
  /** Id of the Patient that it was about, for that patient's log. */
  patient: fhirIdSchema.optional(),
  askedBy: askedBySchema.optional(),
  purgedAt: instantSchema,
  salt: saltSchema,
});
export type Erasure = z.infer<typeof erasureSchema>;
