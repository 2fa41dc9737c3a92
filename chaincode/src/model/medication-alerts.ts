/**
 * What of a patient stands against medicines: each provider's endorsers keep a series of values in its care collection, the newest of which
 * names the records that have to be shown when something is prescribed for her or handed out to her there.
 */
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { fhirIdSchema, saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

/** So many stand for one patient; of more the newest. */
export const MOST_ALERTS = 500;

const standingSchema = z.strictObject({
  /** `Type/id`. */
  record: z.string().max(120),
  kind: z.enum(['allergy', 'pregnancy', 'pregnancy-status', 'egfr', 'medicine']),
  /** Milliseconds since 1970. */
  at: z.int().optional(),
});
export type StandingAlert = z.infer<typeof standingSchema>;

/** `alert/<name>/<n>` in care_<Provider>. */
export const alertsSchema = z.strictObject({
  schema: schemaVersion,
  standing: z.array(standingSchema).max(MOST_ALERTS),
  salt: saltSchema,
});
export type Alerts = z.infer<typeof alertsSchema>;

/** How a patient's series is named. */
export const alertsName = (patient: string): string => sha256Hex(`alert/${patient}`);

/** What a MedicationRequest or MedicationDispense shows to be checked by. */
export const checkShownSchema = z.strictObject({
  /** Its id, which the transaction records. */
  id: fhirIdSchema,
  /** Its version before this one: what that decided is not decided again. */
  previous: recordEvidenceSchema.optional(),
  /** What the provider holds of the patient that bears on it; all that stands in the newest value of her series. */
  records: z.array(recordEvidenceSchema).max(2 * MOST_ALERTS),
});
export type CheckShown = z.infer<typeof checkShownSchema>;
