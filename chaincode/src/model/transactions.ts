/**
 * Every transaction of the ledger in one table: contract, submit or evaluate, who may call it, the schemas of
 * its one argument, of its transient (private) input and of its reply, and which organisations endorse it. The
 * contracts parse with it and the gateway's client calls with it.
 *
 * Arguments and replies stand in blocks: they hold random ids, versions and states, never content.
 */
import { callerOnly, every, withAnother, withCustodian, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema, organisationSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { CONSENT_REFUSALS, type ConsentRefusal } from './consent-refusals.ts';
import { decisionShape, MAX_STATE_LENGTH } from './decision-shape.ts';
import { emergencyTransactions } from './emergency-transactions.ts';
import { erasureTransactions } from './erasure-transactions.ts';
import { resourceSchema } from './fhir.ts';
import { bucketEvidenceSchema } from './registers.ts';
import { MAX_SHEETS, recordEvidenceSchema, sheetDraftSchema } from './sheets.ts';
import {
  anchoredText,
  codeSchema,
  collectionNameSchema,
  currencySchema,
  daySchema,
  hashSchema,
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
  accessRequestSchema,
  boundActorsSchema,
  consentStateSchema,
  consentVersionSchema,
  draftSchema,
  licenceStateSchema,
  MAX_VALUE_LENGTH,
  pricesSchema,
} from './values.ts';

export type { Transaction } from './transaction.ts';
export * from './values.ts';

/** What a claim is judged by of the payer's, as the anchored texts; what is left out must not be there. */
const termsShape = {
  coverage: anchoredText(MAX_STATE_LENGTH),
  feeSchedule: z.strictObject({ generation: hintSchema, text: anchoredText(MAX_VALUE_LENGTH) }).optional(),
  fingerprintKey: anchoredText(1_024).optional(),
  /** A generation of the register of licences that is known, and the buckets that the claim's practitioners lie in. */
  register: hintSchema,
  buckets: z.array(bucketEvidenceSchema).max(100),
};

/** Records of practitioners and of their roles, which tell whom the actors of a consent mean; each of its organisation's. */
const actorsShown = z
  .array(z.strictObject({ provider: nameSchema, record: recordEvidenceSchema }))
  .max(100)
  .optional();
const doubtSchema = z.strictObject({
  rule: z.enum(Object.keys(CONSENT_REFUSALS) as [ConsentRefusal, ...ConsentRefusal[]]),
  expression: line(4_096),
});

const empty = z.strictObject({});

export const transactions = {
  /**
   * New records and new versions of records, on sheets; all or nothing. Refuses a version that is not the next one
   * (CONFLICT).
   */
  RecordVersions: transaction({
    contract: 'records',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: empty,
    private: z.strictObject({ sheets: z.array(sheetDraftSchema).min(1).max(MAX_SHEETS) }),
    output: done,
    endorsers: withCustodian,
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
    onBehalfOf: ['patient'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({ resource: resourceSchema, actors: actorsShown }),
    output: z.strictObject({ doubts: z.array(doubtSchema).max(1_000), actors: boundActorsSchema }),
    endorsers: callerOnly,
  }),
  GrantConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    /** `patient` is the governed provider's Patient record, `directory` a generation of its bucket that is known; 0: none. */
    private: z.strictObject({
      consent: draftSchema,
      patient: recordEvidenceSchema,
      directory: hintSchema,
      actors: actorsShown,
    }),
    output: consentStateSchema,
    endorsers: (_, caller, { provider }) => every(caller, provider),
  }),
  AmendConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({ consent: draftSchema, actors: actorsShown }),
    output: consentStateSchema,
    endorsers: (_, caller, { provider }) => every(caller, provider),
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
  }),
  /** Marks one version of a consent, which is about to be narrowed, as in force no more. */
  WithdrawConsentVersion: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ id: idSchema, provider: nameSchema, version: versionSchema }),
    private: z.strictObject({ salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
  }),

  RequestAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['provider', 'payer'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema }),
    private: z.strictObject({ request: accessRequestSchema }),
    output: done,
    endorsers: withCustodian,
  }),
  /**
   * Sent by the custodian when it sees a request. Permitted records are delivered into the requestor's inbox in this same
   * transaction.
   */
  DecideAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject({ ...decisionShape, salt: saltSchema }),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
  }),
  /** What DecideAccess would decide now, as the custodian's own peer computes it. Writes nothing, and stands in no block. */
  EvaluateAccess: transaction({
    contract: 'access',
    kind: 'evaluate',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject(decisionShape),
    output: z.strictObject({
      outcome: z.enum(['permit', 'deny']),
      reason: codeSchema.optional(),
      consent: consentVersionSchema.optional(),
    }),
    endorsers: callerOnly,
  }),
  /**
   * Records a refusal that does not wait for the holder. `state` is the request's first step; whoever endorses it sees no
   * content. The holder is told by ReportAccess.
   */
  RefuseAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, requestor: nameSchema, holder: nameSchema }),
    private: z.strictObject({
      state: anchoredText(MAX_STATE_LENGTH),
      salt: saltSchema,
      reason: codeSchema,
      consent: consentVersionSchema.optional(),
    }),
    output: done,
    endorsers: (consortium, caller, { holder, requestor }) => withAnother(consortium, caller, [holder, requestor]),
  }),
  /**
   * Purges delivered copies whose consent is in force no more or whose time is over, or among which a record is erased:
   * then `erased` is its handle. `state` is the decision's text.
   */
  PurgeCopies: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, requestor: nameSchema, holder: nameSchema }),
    private: z.strictObject({
      state: anchoredText(MAX_STATE_LENGTH),
      salt: saltSchema,
      erased: hashSchema.optional(),
    }),
    output: done,
    endorsers: (consortium, caller, { holder, requestor }) => withAnother(consortium, caller, [holder, requestor]),
  }),
  /** Tells the holder of a step that was taken without it: a refusal, a purge. `state` is the step's text. */
  ReportAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, requestor: nameSchema, holder: nameSchema }),
    private: z.strictObject({ state: anchoredText(MAX_STATE_LENGTH) }),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
  }),

  ...emergencyTransactions,
  ...erasureTransactions,

  /** The next version of a member's coverage, shown to these providers. */
  RegisterCoverage: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ providers: z.array(nameSchema).min(1).max(50) }),
    private: z.strictObject({ coverage: draftSchema }),
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
  }),
  /** Prices per service code in minor units, private to the payer, one provider and the custodian. */
  LoadFeeSchedule: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({
      salt: saltSchema,
      version: line(64),
      currency: currencySchema,
      prices: pricesSchema,
      known: hintSchema,
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
  }),
  /**
   * Runs the submission edits. A claim that fails one is recorded as denied, with the edit's name. What the payer holds is
   * shown as the provider holds it: the coverage, the prices and the key of the fingerprints, where there are any.
   */
  SubmitClaim: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      claim: z.strictObject({ id: idSchema, salt: saltSchema, resource: resourceSchema }),
      ...termsShape,
      /** Record versions of the provider: the patient, encounters, procedures … the claim rests on. */
      evidence: z.array(recordEvidenceSchema).max(200),
    }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
  }),
  /** `claim` and `state` are the anchored texts. */
  AdjudicateClaim: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['adjudicator', 'system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      responseId: idSchema,
      salt: saltSchema,
      claim: anchoredText(MAX_VALUE_LENGTH),
      state: anchoredText(MAX_STATE_LENGTH),
      ...termsShape,
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
  }),

  /** `response` is the anchored text of response/<claim id>; the bank's peer checks it by its hash. */
  InstructPayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ id: idSchema, bank: nameSchema }),
    private: z.strictObject({
      paymentId: idSchema,
      salt: saltSchema,
      state: anchoredText(MAX_STATE_LENGTH),
      response: anchoredText(MAX_VALUE_LENGTH),
    }),
    output: done,
    endorsers: (_, caller, { bank }) => every(caller, bank),
  }),
  SettlePayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['bank'],
    roles: ['settlement', 'system'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      noticeId: idSchema,
      salt: saltSchema,
      state: anchoredText(MAX_STATE_LENGTH),
      payment: anchoredText(MAX_VALUE_LENGTH),
      /** The bank's own reference of the transfer. */
      reference: line(140),
      paidOn: daySchema,
    }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
  }),
  /** Tells the provider: PaymentReconciliation and PaymentNotice. */
  RemitPayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      reconciliationId: idSchema,
      salt: saltSchema,
      state: anchoredText(MAX_STATE_LENGTH),
      response: anchoredText(MAX_VALUE_LENGTH),
      settlement: anchoredText(MAX_VALUE_LENGTH),
      payment: anchoredText(MAX_VALUE_LENGTH),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
  }),

  /** Changes a licence in the register: `bucket` is the one that it lies in, as the register stands. */
  SetLicence: transaction({
    contract: 'registry',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: licenceStateSchema.omit({ updatedAt: true }),
    private: z.strictObject({ salt: saltSchema, register: hintSchema, bucket: bucketEvidenceSchema }),
    output: licenceStateSchema,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
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
