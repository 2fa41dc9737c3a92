/** What lies on the ledger: the schemas of states and private values, which the transaction table and the read model share. */
import { mspIdSchema, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { CLAIM_STATUSES, MAX_CLAIM_STEPS } from './claim-steps.ts';
import { MAX_COMPANIONS } from './companions.ts';
import { deliveryPlaceSchema, stretchSchema } from './deliveries.ts';
import { reasonSchema } from './emergencies.ts';
import { resourceSchema } from './fhir.ts';
import { MAX_UNITS } from './money.ts';
import { narrowingShape } from './narrowing.ts';
import { countsSchema } from './overviews.ts';
import { keyRingSchema } from './patient-keys.ts';
import { PURPOSE_CODES } from './purposes.ts';
import {
  anchoredText,
  codeSchema,
  currencySchema,
  daySchema,
  fhirIdSchema,
  idSchema,
  instantSchema as instant,
  LONGEST_LINE,
  licenceNumberSchema,
  line,
  minorUnitsSchema,
  practitionerSchema,
  resourceTypeSchema,
  saltSchema,
  table,
  uri,
  userSchema,
  versionSchema,
} from './texts.ts';

/**
 * The major version of the chaincode: how values lie on the ledger. 2: sheets, nothing in public state. A ledger of another
 * layout is refused and begins anew; from 2 on, values carry the version of their schema and later chaincode reads earlier
 * ones.
 */
export const LEDGER_LAYOUT = 2;

/** The longest text of one anchored value that is shown again: a record's with its attachments. */
export const MAX_VALUE_LENGTH = 17 * 1024 * 1024;
/** Prices in minor units, by `system|code` or by bare code. */
export const pricesSchema = table(line(LONGEST_LINE), minorUnitsSchema, 50_000);
export const unlistedSchema = z.enum(['as-billed', 'not-covered']);

/** The most record versions that one transaction carries. */
export const MAX_RECORDS = 2000;
export const MAX_DELIVERED = 500;

/** A resource as its author hands it in; `meta.versionId` and `meta.lastUpdated` are added when it is read. */
export const draftSchema = z.strictObject({
  id: fhirIdSchema,
  version: versionSchema,
  salt: saltSchema,
  resource: resourceSchema,
});
export type Draft = z.infer<typeof draftSchema>;

/** Says by which rules a value is to be read; later chaincode reads earlier ones. */
export const schemaVersion = z.literal(1);

/** Whom the actors of a consent were found to be when it was given: practitioners of organisations, by what names them there. */
export const boundActorsSchema = table(
  anchoredText(4_200),
  z
    .array(z.strictObject({ organisation: nameSchema, practitioner: userSchema }))
    .min(1)
    .max(100),
  1_000,
);

export const consentVersionSchema = z.strictObject({ id: idSchema, version: versionSchema });
export type ConsentVersion = z.infer<typeof consentVersionSchema>;

/** A record version as its sheet holds it, and what lies under a consent's and a coverage's private key: in canonical JSON. */
export const anchoredSchema = z.strictObject({
  schema: schemaVersion,
  /** MSP id of the author. */
  author: mspIdSchema,
  id: fhirIdSchema,
  version: versionSchema,
  /** Transaction time, ISO 8601 UTC. */
  recordedAt: instant,
  salt: saltSchema,
  resource: resourceSchema,
  /** Of a record's version that says that it is deleted: `resource` says whose it was, and nothing more. */
  deleted: z.literal(true).optional(),
  /** Of a prescription and of its dispenses: the secret by which they are counted (dispensing.ts), the same in all versions. */
  handle: saltSchema.optional(),
  /** Of a consent some of whose actors only records can tell; absent in older ones. */
  actors: boundActorsSchema.optional(),
  /** Of a consent that a caretaker has signed: the delegation by which he gave it. */
  delegation: consentVersionSchema.optional(),
});
export type Anchored = z.infer<typeof anchoredSchema>;

/** What lies under `request/<id>` in the requestor's inbox. */
export const accessRequestSchema = z.strictObject({
  id: idSchema,
  salt: saltSchema,
  /** Name of the provider whose data is asked for. */
  holder: nameSchema,
  patient: z.strictObject({ system: uri, value: line(LONGEST_LINE) }),
  /** Resource types asked for; empty asks for all. */
  types: z.array(resourceTypeSchema).max(50),
  ...narrowingShape,
  purpose: z.enum(PURPOSE_CODES),
  /** FHIR reference of the practitioner who asks; filled from the caller's certificate when it has one. */
  practitioner: userSchema.optional(),
  /** Role of who asks, from the certificate; absent in older ones. */
  role: z.enum(['system', 'practitioner']).optional(),
  /** Of an emergency, and of nothing else: why there is no time for a consent. */
  reason: reasonSchema.optional(),
  /** It asks who holds what (model/overviews.ts), and for no records. */
  overview: z.literal(true).optional(),
  /** Until when it waits for the patient where nothing permits it; absent: it is refused at once. */
  waitUntil: instant.optional(),
});
export type AccessRequest = z.infer<typeof accessRequestSchema>;

/**
 * For whom something is delivered: the person who asked or for whom a system did, as his organisation certified him; without
 * a user a role of the organisation's that does not say who it is.
 */
export const audienceSchema = z.strictObject({ role: z.enum(['system', 'practitioner']), user: userSchema.optional() });

/** What a reader must be to be shown something: whom it is for, or where that is nobody named, of that role and as unnamed. */
export const audienceName = ({ role, user }: { role: string; user?: string | undefined }): string =>
  user ?? `role ${role}`;

/** What a refusal says to whoever asked, and to all that are not involved, whatever it rests on. */
export const NOT_PERMITTED = 'not-permitted';
/**
 * What a refusal rests on, for the holder and the custodian. It has a salt of its own: whoever asked knows the rest of the
 * step, and could try what the hash of the whole would be.
 */
export const becauseSchema = z.strictObject({
  reason: codeSchema,
  consent: consentVersionSchema.optional(),
  /** Id of the holder's Patient that was meant; absent where nobody is, and in older ones. */
  patient: fhirIdSchema.optional(),
  salt: saltSchema,
});
export type Because = z.infer<typeof becauseSchema>;

/** `access/<id>/<step>`: an access as the step left it; the requestor, the custodian and, once it is decided, the holder have it. */
export const accessStateSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  requestor: nameSchema,
  holder: nameSchema,
  custodian: nameSchema,
  purpose: z.enum(PURPOSE_CODES),
  status: z.enum(['requested', 'granted', 'refused', 'purged']),
  requestedAt: instant,
  /** As the request has it; absent where it does not wait. */
  waitUntil: instant.optional(),
  decidedAt: instant.optional(),
  purgedAt: instant.optional(),
  expiresAt: instant.optional(),
  reason: codeSchema.optional(),
  consent: consentVersionSchema.optional(),
  /** Of a refusal, in the holder's collection alone; absent in older ones, which say their reason to all that have them. */
  because: becauseSchema.optional(),
  /** The other consents that delivered records rest on: when one of them ends, the copies go. */
  furtherConsents: z.array(consentVersionSchema).min(1).max(MAX_DELIVERED).optional(),
  /** Of what was delivered; absent in older ones. */
  audience: audienceSchema.optional(),
  /**
   * Id of the holder's Patient whose records were delivered: who bears the identifier of the request may change. Absent in
   * older ones, and in refusals, which tell nobody who asks whether there is such a patient (see `because`).
   */
  patient: fhirIdSchema.optional(),
  /** Of a purge: what may be shown of it still is delivered anew (model/renewals.ts). */
  goesOn: z.literal(true).optional(),
  /** Of what was delivered anew: the access that it goes on from, the one that was asked for, and how long it lasts at most. */
  renews: idSchema.optional(),
  root: idSchema.optional(),
  lastsUntil: instant.optional(),
  /** Of what is delivered: how many records. Absent in older ones. */
  delivered: z.int().min(1).max(MAX_DELIVERED).optional(),
  /** Of what was asked for by type alone: how much there is, and the consent by which that is told. Nothing is delivered. */
  counts: countsSchema.optional(),
  toldBy: consentVersionSchema.optional(),
  /** Companions that go with them (model/companions.ts); absent where none does, and in older ones. */
  companions: z.int().min(1).max(MAX_COMPANIONS).optional(),
  /** Something that was asked for could not be looked at. */
  unreadable: z.literal(true).optional(),
  /** Of an emergency: something that its patient has restricted was shown all the same, or is withheld. Absent in older ones. */
  restricted: z.enum(['delivered', 'withheld']).optional(),
  /** Of a part after the first (model/deliveries.ts): the part before it, which one it is, and what it is about. */
  continues: idSchema.optional(),
  part: z.int().min(2).max(99_999).optional(),
  stretch: stretchSchema.optional(),
  /** There is more behind this record: the next part brings it. */
  through: deliveryPlaceSchema.optional(),
  salt: saltSchema,
});
export type AccessState = z.infer<typeof accessStateSchema>;
/** The step that an access in a status stands at. */
export const ACCESS_STEPS = { requested: 1, granted: 2, refused: 2, purged: 3 } as const;

/** The most patients whose consents one bucket's directory lists, and the most consents of one patient for one provider. */
const MAX_PATIENTS = 20_000;
export const MAX_CONSENTS = 500;
/** `directory/<bucket>/<generation>`: ids of the consents, and the patient's own keys, by id of the patient. */
export const directorySchema = z.strictObject({
  schema: schemaVersion,
  consents: table(fhirIdSchema, z.array(idSchema).min(1).max(MAX_CONSENTS), MAX_PATIENTS),
  /** Absent in older ones, and where no patient of the bucket has one. */
  keys: table(fhirIdSchema, keyRingSchema, MAX_PATIENTS).optional(),
  salt: saltSchema,
});
export type Directory = z.infer<typeof directorySchema>;

/** `revoked/…` and `withdrawn/…` in marks. */
export const markSchema = z.strictObject({ schema: schemaVersion, at: instant, salt: saltSchema });
export type Mark = z.infer<typeof markSchema>;

/** What a grant, an amendment and a revocation answer. */
export const consentStateSchema = z.strictObject({
  id: idSchema,
  provider: nameSchema,
  status: z.enum(['active', 'revoked']),
  version: versionSchema,
  updatedAt: instant,
});
export type ConsentState = z.infer<typeof consentStateSchema>;

/** Minor units of an ISO 4217 currency. */
export const amountSchema = z.strictObject({ units: minorUnitsSchema, currency: currencySchema });

const claimStepNumber = z.int().min(1).max(MAX_CLAIM_STEPS);
/** What a payer owes of a claim, in minor units, and the id of the ClaimResponse that says so. */
export const owedSchema = z.strictObject({
  units: z.int().min(1).max(MAX_UNITS),
  currency: currencySchema,
  response: idSchema,
});
export type Owed = z.infer<typeof owedSchema>;

/** `claim-state/<id>/<step>` */
export const claimStateSchema = z.strictObject({
  schema: schemaVersion,
  /** The first is 1; each is one more than that of the state it was taken from. */
  step: claimStepNumber,
  id: idSchema,
  provider: nameSchema,
  payer: nameSchema,
  bank: nameSchema.optional(),
  status: z.enum(CLAIM_STATUSES),
  /** The edit that denied it, or that it waits for: a rule's name, never a fact. */
  reason: codeSchema.optional(),
  /** By which steps the claim as it is billed, its decision and its payment were written, where not by the usual ones. */
  claim: claimStepNumber.optional(),
  response: claimStepNumber.optional(),
  instruction: claimStepNumber.optional(),
  settlement: claimStepNumber.optional(),
  /** What is to be paid; absent in claims that were decided before states said so, and where nothing is. */
  owed: owedSchema.optional(),
  /** The payment that it was instructed by last. */
  payment: idSchema.optional(),
  /** What has been paid for it, and for what it has replaced, less what is owed back. Absent: nothing, or in older ones what was decided. */
  paid: amountSchema.optional(),
  /** The claim that it replaces, and the one that replaces it. */
  replaces: idSchema.optional(),
  replacedBy: idSchema.optional(),
  /** The step of the decision that says what it took of its member's plan years, while that counts. */
  taken: claimStepNumber.optional(),
  /** While an appeal is undecided: the step of the decision that it is against. */
  appealOf: claimStepNumber.optional(),
  /** The persons who have signed what another one must sign, and those who have decided before. */
  signers: z.array(userSchema).min(1).max(2).optional(),
  deciders: z
    .array(userSchema)
    .min(1)
    .max(2 * MAX_CLAIM_STEPS)
    .optional(),
  submittedAt: instant,
  updatedAt: instant,
  salt: saltSchema,
});
export type ClaimState = z.infer<typeof claimStateSchema>;

/** A person: whom which organisation certified under which reference. */
export const personSchema = z.strictObject({ organisation: nameSchema, practitioner: practitionerSchema });
export type Person = z.infer<typeof personSchema>;

/** A country or a part of one by ISO 3166, `US` or `US-MA`; a country stands for all its parts. */
export const jurisdictionSchema = z
  .string()
  .max(6)
  .regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'must be a code of ISO 3166');
export const LICENCE_STATUSES = ['active', 'suspended', 'excluded'] as const;
const licenceTerms = {
  status: z.enum(LICENCE_STATUSES),
  /** Dates, inclusive. */
  start: daySchema,
  end: daySchema,
  /** Where it counts; absent: everywhere. */
  jurisdictions: z.array(jurisdictionSchema).min(1).max(300).optional(),
};

/** What counted of a licence from a day on, until the next one did. */
export const licenceStandingSchema = z.strictObject({ ...licenceTerms, effective: daySchema, updatedAt: instant });
export type LicenceStanding = z.infer<typeof licenceStandingSchema>;

/** The most standings that a licence has at a time. */
export const MAX_STANDINGS = 200;

export const licenceStateSchema = z.strictObject({
  number: licenceNumberSchema,
  ...licenceTerms,
  /** The day from which this counts, and what counted before goes on; absent: it is all that counts. */
  effective: daySchema.optional(),
  /** Who holds it, at each organisation where they work. Licences of earlier chaincode name nobody. */
  practitioners: z.array(personSchema).min(1).max(100).optional(),
  updatedAt: instant,
  /** What counted before that day, by the day it counted from, ascending; absent where nothing did. */
  history: z
    .array(licenceStandingSchema)
    .min(1)
    .max(MAX_STANDINGS - 1)
    .optional(),
});
export type LicenceState = z.infer<typeof licenceStateSchema>;
/** What a regulator says of a licence. */
export const licenceInputSchema = licenceStateSchema.omit({ updatedAt: true, history: true });
export type LicenceInput = z.infer<typeof licenceInputSchema>;
