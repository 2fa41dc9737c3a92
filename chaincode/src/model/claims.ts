/**
 * What lies under the private keys from coverage to settlement, in canonical JSON. Every value carries a salt,
 * so that nobody can confirm a guess at it by its hash.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { MAX_ACCOUNTS, takenSchema } from './accumulators.ts';
import { MAX_PRIOR, priorDecisionSchema } from './coordination.ts';
import { resourceSchema } from './fhir.ts';
import { likenessesSchema } from './likenesses.ts';
import { recordEvidenceSchema } from './sheets.ts';
import {
  codeSchema,
  currencySchema,
  daySchema,
  fhirIdSchema,
  hashSchema,
  idSchema,
  instantSchema as instant,
  line,
  minorUnitsSchema,
  saltSchema,
  table,
  userSchema,
  versionSchema,
  written,
} from './texts.ts';
import { amountSchema, pricesSchema, schemaVersion, unlistedSchema } from './values.ts';

const recordVersion = z.strictObject({ id: fhirIdSchema, version: versionSchema });

/** What one claim edit said: enough for anyone entitled to recompute it. */
export const findingSchema = z.strictObject({
  edit: codeSchema,
  version: line(64),
  /** A `signal` says that something is unusual: it denies nothing, and adds its weight to the claim's score. */
  outcome: z.enum(['pass', 'deny', 'not-evaluated', 'signal']),
  facts: table(line(64), z.json(), 100).optional(),
  /** Of a signal: what it adds, 0 to 100. */
  weight: z.int().min(0).max(100).optional(),
});
export type Finding = z.infer<typeof findingSchema>;
/** One for each edit, and where it denies lines, or parts of them, one for each of those. */
const findings = z.array(findingSchema).max(4_000);

/** The days of service that something is in force on, both included; open where one is left out. */
export const datedShape = { first: daySchema.optional(), last: daySchema.optional() };

/** `fee-schedule/<payer>/<provider>/<generation>`: prices in minor units, by `system|code` or by bare code. */
export const feeScheduleSchema = z.strictObject({
  schema: schemaVersion,
  salt: saltSchema,
  version: line(64),
  currency: currencySchema,
  prices: pricesSchema,
  /** What is owed of a service without a price; absent in those that were loaded before it could be said: as billed. */
  unlisted: unlistedSchema.optional(),
  /** Minor units. The most that is billed of a line without a price where that is paid as billed. */
  unlistedLimit: minorUnitsSchema.optional(),
  /** Minor units. The price of one unit of what has none of its own. */
  defaultPrice: minorUnitsSchema.optional(),
  /** That the names of its prices are as `serviceNameOf` makes them; absent in those that were loaded before: as they were sent. */
  names: z.literal(1).optional(),
  loadedAt: instant,
  /** Absent where it counts on every day, and in those that were loaded before there were days. */
  ...datedShape,
});
export type FeeSchedule = z.infer<typeof feeScheduleSchema>;

/** Schedules of a provider that are in force on some day. */
export const MAX_BOOK = 500;

/** `price-book/<payer>/<provider>/<n>`: all fee schedules that a provider was given, oldest first, by their days. */
export const priceBookSchema = z.strictObject({
  schema: schemaVersion,
  salt: saltSchema,
  entries: z.array(z.strictObject({ generation: versionSchema, ...datedShape })).max(MAX_BOOK),
});
export type PriceBook = z.infer<typeof priceBookSchema>;

/** `fingerprint-key/<payer>/<provider>`: the secret that keeps fingerprints of services from being guessed by others. */
export const fingerprintKeySchema = z.strictObject({
  schema: schemaVersion,
  key: saltSchema,
  /** That all claims under this key hold services by several factors; absent where there may be earlier ones. */
  factors: z.literal(2).optional(),
  /** That they hold them by lists (service-lists.ts); absent where each service has a value of its own. */
  lists: z.literal(1).optional(),
});
export type FingerprintKey = z.infer<typeof fingerprintKeySchema>;

/** `fingerprint/<hash>/<place>`: the claim that was paid, or may be paid, for a service; `fingerprint-freed/…`: that it holds it no more. */
export const fingerprintSchema = z.strictObject({
  claimId: idSchema,
  item: z.int().min(0).max(1_000_000),
  salt: saltSchema,
});
export type FingerprintRecord = z.infer<typeof fingerprintSchema>;

/** A service that a claim goes on holding when the records that tell it are purged. */
const keptServiceSchema = z.strictObject({
  hash: hashSchema,
  items: z.array(z.int().min(1).max(1_000_000)).min(1).max(4_000),
  use: z.enum(['sole', 'shared', 'asked']),
});

/** `claim/<id>`, and `claim-remains/<id>` */
export const claimRecordSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  salt: saltSchema,
  submittedAt: instant,
  provider: nameSchema,
  payer: nameSchema,
  /** The coverage version it was judged by: the newest at that time. */
  coverage: recordVersion,
  resource: resourceSchema,
  evidence: z.array(recordEvidenceSchema).max(200),
  edits: findings,
  /** Hashes of the patient's names with birth date and gender, by which a second Patient of hers is known; absent in older ones. */
  identities: z.array(hashSchema).max(100).optional(),
  /** By what of hers that is less than a name or a number such a Patient may be known; absent in older ones. */
  likenesses: likenessesSchema.optional(),
  /** What other payers decided of it before; absent where nobody did. */
  prior: z.array(priorDecisionSchema).min(1).max(MAX_PRIOR).optional(),
  /** A hash of all services that it took when it was submitted; absent where it took none, and in older ones. */
  held: hashSchema.optional(),
  /** Since when its evidence is purged, and which services it held then; absent while it is there. */
  purged: z.strictObject({ at: instant, held: z.array(keptServiceSchema).max(20_000) }).optional(),
});
export type ClaimRecord = z.infer<typeof claimRecordSchema>;

/** `response/<claim id>`: the adjudication and what it was computed from. */
export const claimResponseRecordSchema = z.strictObject({
  schema: schemaVersion,
  claimId: idSchema,
  salt: saltSchema,
  coverage: recordVersion,
  /** Version of the fee schedule, where one was loaded. */
  feeSchedule: line(64).optional(),
  /** Versions, where several were in force on the days of its lines. */
  feeSchedules: z.array(line(64)).max(24).optional(),
  /** The versions of a plan that it was decided by, and what it took of plan years and authorizations. */
  plan: z.strictObject({ id: idSchema, versions: z.array(versionSchema).max(24) }).optional(),
  taken: z.array(takenSchema).max(MAX_ACCOUNTS).optional(),
  edits: findings,
  /** The last day on which it may be appealed; absent in older ones. */
  appealUntil: daySchema.optional(),
  resource: resourceSchema,
});
export type ClaimResponseRecord = z.infer<typeof claimResponseRecordSchema>;

/** `payment/<claim id>/<step>` (PaymentReconciliation) and `settlement/<claim id>` (PaymentNotice). */
export const paymentRecordSchema = z.strictObject({
  schema: schemaVersion,
  claimId: idSchema,
  salt: saltSchema,
  resource: resourceSchema,
});
export type PaymentRecord = z.infer<typeof paymentRecordSchema>;

/** `remittance/<claim id>`: PaymentReconciliation and PaymentNotice. */
export const remittanceRecordSchema = z.strictObject({
  schema: schemaVersion,
  claimId: idSchema,
  salt: saltSchema,
  resources: z.array(resourceSchema).length(2),
});

/** `claim-task/<claim id>/<step>`: a Task (hl7.org/fhir/R4/task.html). */
export const claimTaskSchema = z.strictObject({
  schema: schemaVersion,
  claimId: idSchema,
  payer: nameSchema,
  salt: saltSchema,
  resource: resourceSchema,
});
export type ClaimTask = z.infer<typeof claimTaskSchema>;

/** Less of a line is paid, in minor units, than the rules come to. */
const reductionSchema = z.strictObject({ sequence: z.int().min(1).max(1_000_000), units: minorUnitsSchema });

/** What a person at the payer decides: within what the rules come to, never beyond. */
export const humanDecisionSchema = z.strictObject({
  outcome: z.enum(['approve', 'deny', 'pend']),
  /** For the provider: it stands in the ClaimResponse. */
  reason: written(2_000),
  reductions: z.array(reductionSchema).max(500).optional(),
});
export type HumanDecision = z.infer<typeof humanDecisionSchema>;

/** `claim-decision/<claim id>/<step>` */
export const claimDecisionSchema = z.strictObject({
  ...humanDecisionSchema.shape,
  schema: schemaVersion,
  claimId: idSchema,
  payer: nameSchema,
  /** As the certificate names who decided. */
  by: userSchema,
  salt: saltSchema,
});
export type ClaimDecision = z.infer<typeof claimDecisionSchema>;

/** `debt/<claim id>/<step>/<number>`: what a provider owes back to a payer, and what is left of it. */
export const debtSchema = z.strictObject({
  schema: schemaVersion,
  claimId: idSchema,
  /** The step of the claim that it came of, and the how-manieth this is. */
  step: z.int().min(1).max(100),
  number: z.int().min(1).max(100_000),
  payer: nameSchema,
  provider: nameSchema,
  left: amountSchema,
  /** The claim of whose payment it was taken; absent in the first. */
  takenFrom: idSchema.optional(),
  /** The payment by which that much is paid back, or that it was to be paid back by and that ended without money. */
  repaidBy: idSchema.optional(),
  reopenedBy: idSchema.optional(),
  at: instant,
  salt: saltSchema,
});
export type Debt = z.infer<typeof debtSchema>;
