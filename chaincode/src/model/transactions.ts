/**
 * Every transaction of the ledger in one table: contract, submit or evaluate, who may call it, the schemas of
 * its one argument, of its transient (private) input and of its reply, and which organisations endorse it. The
 * contracts parse with it and the gateway's client calls with it.
 *
 * Arguments and replies stand in blocks: they hold random ids, versions and states, never content.
 */

import { collections } from '@telemed-ledger/consortium/collections.ts';
import { callerOnly, every, withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema, organisationSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { accessTransactions } from './access-transactions.ts';
import { accountTransactions } from './account-transactions.ts';
import { authorizationTransactions } from './authorization-transactions.ts';
import { bookingShownSchema } from './bookings.ts';
import { claimAppealTransactions } from './claim-appeal-transactions.ts';
import { claimPurgeTransactions } from './claim-purge-transactions.ts';
import { claimTransactions } from './claim-transactions.ts';
import { CONSENT_REFUSALS, type ConsentRefusal } from './consent-refusals.ts';
import { rulesInputSchema } from './consortium-rules.ts';
import { controlledTransactions } from './controlled.ts';
import { correctionTransactions } from './correction-transactions.ts';
import { foreseenSchema, foreseenShape } from './decision-shape.ts';
import { dispenseShownSchema } from './dispensing.ts';
import { emergencyTransactions } from './emergency-transactions.ts';
import { erasureTransactions } from './erasure-transactions.ts';
import { resourceSchema } from './fhir.ts';
import { judgingTransactions } from './judging-transactions.ts';
import { linkTransactions } from './link-transactions.ts';
import { visitShownSchema } from './live-visits.ts';
import { logTransactions } from './log-transactions.ts';
import { lotTransactions } from './lot-transactions.ts';
import { lotShownSchema } from './lots.ts';
import { checkShownSchema } from './medication-alerts.ts';
import { patientKeyTransactions } from './patient-key-transactions.ts';
import { patientRecordsSchema } from './patient-records.ts';
import { answerShownSchema } from './referrals.ts';
import { bucketEvidenceSchema, licenceShownSchema, MAX_LICENCES_AT_ONCE } from './registers.ts';
import { renewalTransactions } from './renewal-transactions.ts';
import { repaymentTransactions } from './repayment-transactions.ts';
import { screeningTransactions } from './screening-transactions.ts';
import { MAX_SHEETS, recordEvidenceSchema, sheetDraftSchema } from './sheets.ts';
import {
  collectionNameSchema,
  heldHashSchema,
  idSchema,
  LONGEST_LINE,
  line,
  optionalHashSchema,
  saltSchema,
  versionSchema,
} from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import {
  boundActorsSchema,
  consentStateSchema,
  consentVersionSchema,
  draftSchema,
  licenceInputSchema,
  licenceStateSchema,
  MAX_DELIVERED,
  MAX_RECORDS,
} from './values.ts';
import { visitTransactions } from './visits.ts';
import { witnessTransactions } from './witness-transactions.ts';

export type { Transaction } from './transaction.ts';
export * from './values.ts';

/** Records of practitioners and of their roles, which tell whom the actors of a consent mean; each of its organisation's. */
const actorsShown = z
  .array(z.strictObject({ provider: nameSchema, record: recordEvidenceSchema }))
  .max(100)
  .optional();
/** The records of those who act for a patient by a delegation, at the provider that it governs: needed where she has no key. */
const caretakersShown = z.array(recordEvidenceSchema).max(20).optional();
const doubtSchema = z.strictObject({
  rule: z.enum(Object.keys(CONSENT_REFUSALS) as [ConsentRefusal, ...ConsentRefusal[]]),
  expression: line(4_096),
});

const empty = z.strictObject({});

export const transactions = {
  /**
   * New records and new versions of records, on sheets; all or nothing. Refuses a version that is not the next one
   * (CONFLICT), and a practitioner's without a licence in force as the rules ask for it (FORBIDDEN): `licence` is one that
   * names him.
   */
  RecordVersions: transaction({
    contract: 'records',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: empty,
    private: z.strictObject({
      sheets: z.array(sheetDraftSchema).min(1).max(MAX_SHEETS),
      licence: licenceShownSchema.optional(),
      /** What its MedicationDispenses are recorded by; each that is of a prescription, or follows another version, has one. */
      dispenses: z.array(dispenseShownSchema).min(1).max(MAX_RECORDS).optional(),
      /** What its Appointments are recorded by; each that takes a time, or follows another version, has one. */
      bookings: z.array(bookingShownSchema).min(1).max(MAX_RECORDS).optional(),
      /** What its MedicationDispenses hand out; each that refers to a Medication, or has a code where lots are published, has one. */
      lots: z.array(lotShownSchema).min(1).max(MAX_RECORDS).optional(),
      /** What its Encounters of class VR are recorded by; each that is not over, or follows another version, has one. */
      visits: z.array(visitShownSchema).min(1).max(MAX_RECORDS).optional(),
      /** What its DiagnosticReports and Encounters answer; each that names an order that is not recorded along with it has one. */
      answers: z.array(answerShownSchema).min(1).max(MAX_RECORDS).optional(),
      /** What its MedicationRequests and MedicationDispenses are checked by; one that nothing stands against needs none. */
      checks: z.array(checkShownSchema).min(1).max(MAX_RECORDS).optional(),
    }),
    output: done,
    endorsers: withCustodian,
    writes: ({ caller, private: { dispenses } }) => ({
      always: [collections.care(caller)],
      ...(dispenses === undefined ? {} : { copies: [collections.marks] }),
    }),
  }),
  /**
   * What a patient, or a caretaker of hers, records at a provider that has a Patient of hers: new records, and new versions of those and
   * of Appointments. Refuses what is not hers to say (FORBIDDEN), by the name of the rule (rules/patient-records.ts).
   */
  RecordByPatient: transaction({
    contract: 'records',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ provider: nameSchema }),
    private: patientRecordsSchema,
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
  /** The SHA-256 the ledger holds for private keys, hex, or '' where there is none. Works on every peer. */
  GetAnchors: transaction({
    contract: 'records',
    kind: 'evaluate',
    callers: [],
    roles: [],
    input: z.strictObject({
      entries: z.array(z.strictObject({ collection: collectionNameSchema, key: line(LONGEST_LINE) })).max(1000),
    }),
    output: z.strictObject({ hashes: z.array(optionalHashSchema).max(1000) }),
    endorsers: callerOnly,
  }),
  /**
   * The SHA-256 of what the answering peer itself has under keys, hex: private values to members of their collection, public
   * state where the collection is ''. '' where there is nothing, `unavailable` where the peer lacks the value or refuses it.
   */
  GetHeld: transaction({
    contract: 'records',
    kind: 'evaluate',
    callers: [],
    roles: [],
    input: z.strictObject({
      entries: z
        .array(z.strictObject({ collection: z.union([z.literal(''), collectionNameSchema]), key: line(LONGEST_LINE) }))
        .max(1000),
    }),
    output: z.strictObject({ hashes: z.array(heldHashSchema).max(1000) }),
    endorsers: callerOnly,
  }),

  /** Why a consent for this provider's data would not be taken, and whom its actors are; writes nothing. */
  CheckConsent: transaction({
    contract: 'consents',
    kind: 'evaluate',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ provider: nameSchema }),
    /** `signing`: it is to be given as this version, where a generation of the directory of its patient is known. */
    private: z.strictObject({
      resource: resourceSchema,
      actors: actorsShown,
      signing: z
        .strictObject({
          ...{ version: versionSchema, directory: hintSchema },
          ...{ delegation: consentVersionSchema.optional(), caretakers: caretakersShown },
        })
        .optional(),
    }),
    output: z.strictObject({ doubts: z.array(doubtSchema).max(1_000), actors: boundActorsSchema }),
    endorsers: callerOnly,
  }),
  /** What of a patient's records whoever asks would be shown now, and why; a dry run, which writes nothing. */
  EvaluateConsents: transaction({
    contract: 'consents',
    kind: 'evaluate',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({
      ...foreseenShape,
      /** One that is not given yet, and whom its actors are: it is held against the records in the place of its own id's. */
      draft: z.strictObject({ consent: draftSchema.omit({ salt: true }), actors: actorsShown }).optional(),
    }),
    output: z.strictObject({ decisions: z.array(foreseenSchema).max(MAX_DELIVERED) }),
    endorsers: callerOnly,
  }),
  GrantConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    /** `patient` is the governed provider's Patient record, `directory` a generation of its bucket that is known; 0: none. */
    private: z.strictObject({
      consent: draftSchema,
      patient: recordEvidenceSchema,
      directory: hintSchema,
      actors: actorsShown,
      /** By which a caretaker of a patient with a key of her own gives it. */
      delegation: consentVersionSchema.optional(),
      caretakers: caretakersShown,
    }),
    output: consentStateSchema,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
  AmendConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      consent: draftSchema,
      directory: hintSchema.optional(),
      actors: actorsShown,
      delegation: consentVersionSchema.optional(),
      caretakers: caretakersShown,
    }),
    output: consentStateSchema,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
  /** Marks a consent as revoked. Shows no content, so that any other organisation can endorse it. */
  RevokeConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ id: idSchema, provider: nameSchema, version: versionSchema }),
    private: z.strictObject({ salt: saltSchema }),
    output: consentStateSchema,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
    writes: () => ({ always: [collections.marks] }),
  }),
  /** Marks one version of a consent, which is about to be narrowed, as in force no more. */
  WithdrawConsentVersion: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ id: idSchema, provider: nameSchema, version: versionSchema }),
    private: z.strictObject({ salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
    writes: () => ({ always: [collections.marks] }),
  }),

  ...accessTransactions,
  ...emergencyTransactions,
  ...erasureTransactions,
  ...correctionTransactions,
  ...visitTransactions,
  ...renewalTransactions,
  ...claimTransactions,
  ...judgingTransactions,
  ...claimPurgeTransactions,
  ...claimAppealTransactions,
  ...authorizationTransactions,
  ...screeningTransactions,
  ...accountTransactions,
  ...repaymentTransactions,
  ...witnessTransactions,
  ...linkTransactions,
  ...patientKeyTransactions,
  ...logTransactions,
  ...lotTransactions,
  ...controlledTransactions,

  /** Changes a licence in the register: `bucket` is the one that it lies in, as the register stands. */
  SetLicence: transaction({
    contract: 'registry',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: licenceInputSchema,
    private: z.strictObject({ salt: saltSchema, register: hintSchema, bucket: bucketEvidenceSchema }),
    output: licenceStateSchema,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: () => ({ always: [collections.registers] }),
  }),
  /** The same of several, all or nothing, each once: `buckets` are those that they lie in, ascending and each once. */
  SetLicences: transaction({
    contract: 'registry',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: z.strictObject({ licences: z.array(licenceInputSchema).min(1).max(MAX_LICENCES_AT_ONCE) }),
    private: z.strictObject({
      salt: saltSchema,
      register: hintSchema,
      buckets: z.array(bucketEvidenceSchema).min(1).max(MAX_LICENCES_AT_ONCE),
    }),
    output: z.strictObject({ licences: z.array(licenceStateSchema).max(MAX_LICENCES_AT_ONCE) }),
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: () => ({ always: [collections.registers] }),
  }),
  /** Sets what the consortium's law leaves open. */
  SetRules: transaction({
    contract: 'registry',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: rulesInputSchema,
    private: z.strictObject({ salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: () => ({ always: [collections.registers] }),
  }),
  ListOrganisations: transaction({
    contract: 'registry',
    kind: 'evaluate',
    callers: [],
    roles: [],
    input: empty,
    output: z.strictObject({
      organisations: z.array(organisationSchema).max(1000),
    }),
    endorsers: callerOnly,
  }),
} as const;

export type Transactions = typeof transactions;
export type TransactionName = keyof Transactions;
export type InputOf<N extends TransactionName> = z.infer<Transactions[N]['input']>;
export type PrivateOf<N extends TransactionName> = Transactions[N] extends { private?: infer P extends z.ZodType }
  ? z.infer<P>
  : undefined;
export type OutputOf<N extends TransactionName> = z.infer<Transactions[N]['output']>;

/** The longest private input, as JSON: the private data of a whole block must fit into one message of a peer (100 MiB). */
export const MAX_PRIVATE_LENGTH = 17 * 1024 * 1024;

/** The private input's key in the transient map. Decoys have one of their own: model/decoys.ts. */
export const TRANSIENT_KEY = 'private';

/** `contract:Transaction`, as fabric-contract-api names it. */
export const qualifiedName = (name: TransactionName): string => `${transactions[name].contract}:${name}`;
