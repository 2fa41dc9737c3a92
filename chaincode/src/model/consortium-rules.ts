/**
 * What the consortium's law leaves open, as a regulator sets it: how long an emergency shows records, whether a patient's
 * denial stops breaking the glass, who may record, and whose licences count in claims. `rules/<generation>` in the registers, which everybody holds.
 */
import { z } from 'zod';
import { EMERGENCY_HOURS } from './emergencies.ts';
import { daySchema, instantSchema, saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

/** At most a week: what lasts longer is treatment, for which there is time to ask. */
const MOST_HOURS = 168;
const MOST_RECOVERY_HOURS = 720;
/** Until a regulator says otherwise. */
export const RECOVERY_HOURS = 72;

export const rulesInputSchema = z.strictObject({
  /** How long what was delivered in an emergency stays with whoever received it, hours. */
  emergencyHours: z.int().min(1).max(MOST_HOURS),
  /** Whether a patient's denial that names breaking the glass stops it: `Not even then.` */
  denialStopsBreakGlass: z.boolean(),
  /**
   * Whose records take a licence in force that names them: of practitioners whom the register names (whoever is not named
   * may record), or of all practitioners.
   */
  recordingLicence: z.enum(['named', 'required']),
  /** After how long a key takes force that a code brings while another is in force, hours. Absent: three days. */
  keyRecoveryHours: z.int().min(1).max(MOST_RECOVERY_HOURS).optional(),
  /** Whether an emergency is shown what its patient has restricted. Absent: no. */
  restrictedInEmergencies: z.boolean().optional(),
  /** Whether a licence that names nobody counts for no claim. Absent: such a one counts by its number, for whoever bills with that. */
  licencesNameHolders: z.boolean().optional(),
  /**
   * The first day on which consultations at a distance count as this consortium's, YYYY-MM-DD: what was held from then on and is recorded
   * afterwards needs licence and consent. Absent: whatever is recorded afterwards is taken over as it is.
   */
  telehealthSince: daySchema.optional(),
});
export type RulesInput = z.infer<typeof rulesInputSchema>;

export const rulesSchema = z.strictObject({
  schema: schemaVersion,
  ...rulesInputSchema.shape,
  updatedAt: instantSchema,
  salt: saltSchema,
});
export type Rules = z.infer<typeof rulesSchema>;

/** Until a regulator says otherwise. */
export const DEFAULT_RULES: RulesInput = {
  emergencyHours: EMERGENCY_HOURS,
  denialStopsBreakGlass: true,
  recordingLicence: 'named',
};
