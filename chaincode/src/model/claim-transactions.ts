/** The rows of the transaction table that are about coverages, claims and their payment. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every, withAnother, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { type Consortium, custodianOf, nameSchema, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { accountShape, MAX_ACCOUNTS } from './accumulators.ts';
import { authorizationShown, MAX_AUTHORIZATIONS } from './authorization-transactions.ts';
import { MAX_BESIDE } from './beside-claims.ts';
import { claimRulesInputSchema } from './claim-rules.ts';
import { claimTablesInput, MAX_MAPS } from './claim-tables.ts';
import { datedShape, humanDecisionSchema } from './claims.ts';
import { MAX_PRIOR } from './coordination.ts';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { resourceSchema } from './fhir.ts';
import { MAX_ACTIVITIES } from './over-time.ts';
import { MAX_CLAIMS_OF_PAYMENT, PAYMENT_REPORTS, paymentReasonSchema, transferReferenceSchema } from './payments.ts';
import { bucketEvidenceSchema } from './registers.ts';
import { MAX_CLAIMS_AT_ONCE, screeningShown } from './screening-transactions.ts';
import { listsShown } from './service-lists.ts';
import { recordEvidenceSchema } from './sheets.ts';
import {
  anchoredText,
  currencySchema,
  daySchema,
  idSchema,
  line,
  minorUnitsSchema,
  saltSchema,
  versionSchema,
  written,
} from './texts.ts';
import { done, hintSchema, transaction, type Writes } from './transaction.ts';
import { draftSchema, MAX_VALUE_LENGTH, pricesSchema, unlistedSchema } from './values.ts';

const scheduleShown = z.strictObject({ generation: hintSchema, text: anchoredText(MAX_VALUE_LENGTH) });
/** The newest book of fee schedules, and those in it that are in force on the days of the claim. */
const pricesShown = z.strictObject({
  book: hintSchema,
  text: anchoredText(MAX_STATE_LENGTH),
  schedules: z.array(scheduleShown).max(24),
});

/** What a claim is judged by of the payer's, as the anchored texts; what is left out must not be there. */
const termsShape = {
  coverage: anchoredText(MAX_STATE_LENGTH),
  /** The newest, of a provider that has no book of them yet. */
  feeSchedule: scheduleShown.optional(),
  prices: pricesShown.optional(),
  fingerprintKey: anchoredText(1_024).optional(),
  services: listsShown,
  /** What the payer holds claims against, with the texts of the ConceptMaps that it names, in their order. */
  tables: z
    .strictObject({
      generation: hintSchema,
      text: anchoredText(MAX_VALUE_LENGTH),
      maps: z.array(anchoredText(MAX_VALUE_LENGTH)).max(MAX_MAPS),
    })
    .optional(),
  /** A generation of the register of licences that is known, and the buckets that the claim's practitioners lie in. */
  register: hintSchema,
  buckets: z.array(bucketEvidenceSchema).max(100),
};

/** A claim as it stands, as the anchored texts. */
const standingShape = { claim: anchoredText(MAX_VALUE_LENGTH), state: anchoredText(MAX_STATE_LENGTH) };

/** The decision that says what a claim took of plan years, where its state names one. */
const tookShape = { took: anchoredText(MAX_VALUE_LENGTH).optional() };

/** One that holds services, to be set free: also the coverage that it was judged by, and the decision where its state does not say what was paid. */
const heldShape = {
  ...standingShape,
  coverage: anchoredText(MAX_STATE_LENGTH),
  response: anchoredText(MAX_VALUE_LENGTH).optional(),
  screening: screeningShown,
  ...tookShape,
};
const textShown = anchoredText(MAX_VALUE_LENGTH);
/** The plan that a coverage names: its newest version, and the versions in force on the days of the claim. */
const planShown = z.strictObject({
  id: idSchema,
  newest: versionSchema,
  text: textShown,
  versions: z.array(z.strictObject({ version: versionSchema, text: textShown })).max(24),
});
/** What was used of a plan year, or of an authorization: the newest entry, 0 where there is none, and what was given back after it. */
const usageShown = z.strictObject({
  ...accountShape,
  entry: hintSchema,
  text: anchoredText(MAX_STATE_LENGTH).optional(),
  returns: z.array(anchoredText(MAX_STATE_LENGTH)).max(1_000),
});
/** What a claim is decided by next to what it was judged by when it was submitted. */
const benefitsShape = {
  plan: planShown.optional(),
  authorizations: z.array(authorizationShown).max(MAX_AUTHORIZATIONS).optional(),
  usage: z.array(usageShown).max(MAX_ACCOUNTS).optional(),
};

/** A payer's collection decides a claim; whom a step concerns follows from the claim. */
const billed = (consortium: Consortium, payer: string): Writes => ({
  always: [collections.billing(payer)],
  copies: consortium.organisations
    .filter(({ kind }) => kind === 'provider' || kind === 'bank')
    .map(({ name }) => collections.billing(name)),
});

/**
 * A payment as it stands, as the anchored texts. Of one that was instructed before payments had states of their own, `order` is
 * the state of its claim.
 */
const shownPaymentShape = {
  order: anchoredText(MAX_STATE_LENGTH),
  reconciliation: anchoredText(MAX_VALUE_LENGTH),
};

/** A claim, and what it is judged by. */
const submittedShape = {
  claim: z.strictObject({ id: idSchema, salt: saltSchema, resource: resourceSchema }),
  ...termsShape,
  /** Record versions of the provider: the patient, encounters, procedures … the claim rests on. */
  evidence: z.array(recordEvidenceSchema).max(200),
  /** Of the ClaimResponse where an edit denies it. */
  responseId: idSchema,
  /** Of one that replaces another: that one, as it stands. */
  replaced: z.strictObject(heldShape).optional(),
  /** Decisions of other payers on the same services, as their claims stand; `first` is the first state of each. */
  prior: z
    .array(
      z.strictObject({
        ...{ ...standingShape, first: anchoredText(MAX_STATE_LENGTH) },
        response: anchoredText(MAX_VALUE_LENGTH),
        screening: screeningShown,
      }),
    )
    .max(MAX_PRIOR)
    .optional(),
};

/** What a claim is decided by. */
const adjudicatedShape = {
  responseId: idSchema,
  salt: saltSchema,
  ...standingShape,
  screening: screeningShown,
  ...termsShape,
  rules: z.strictObject({ generation: hintSchema, text: anchoredText(MAX_STATE_LENGTH) }).optional(),
  /** A person's, who the certificate names; and of who signed before, where another one is to sign. */
  decision: humanDecisionSchema.optional(),
  signed: anchoredText(MAX_STATE_LENGTH).optional(),
  /** What was done for other claims that say something together with this one. */
  activities: z.array(anchoredText(MAX_STATE_LENGTH)).max(MAX_ACTIVITIES).optional(),
  /** The provider's other claims for this patient that are counted together with it. */
  beside: z
    .array(z.strictObject({ ...standingShape, response: anchoredText(MAX_VALUE_LENGTH).optional() }))
    .max(MAX_BESIDE)
    .optional(),
  /** Of an appeal: the decision that it is against. */
  response: anchoredText(MAX_VALUE_LENGTH).optional(),
  ...benefitsShape,
  ...tookShape,
};

export const claimTransactions = {
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
    writes: ({ caller, input: { providers } }) => ({
      always: [collections.billing(caller)],
      copies: providers.map(collections.billing),
    }),
  }),
  /** The next version of a plan, shown to these providers. `before` is the text of the version before. */
  RegisterPlan: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ providers: z.array(nameSchema).max(50) }),
    private: z.strictObject({ plan: draftSchema, before: anchoredText(MAX_VALUE_LENGTH).optional() }),
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: ({ caller, input: { providers } }) => ({
      always: [collections.billing(caller)],
      copies: providers.map(collections.billing),
    }),
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
      /** `not-covered` where it is left out. */
      unlisted: unlistedSchema.optional(),
      /** The most that is paid of a line `as-billed`; 50,000.00 or the like where it is left out. */
      unlistedLimit: minorUnitsSchema.optional(),
      /** The price of one unit of what has none of its own. */
      defaultPrice: minorUnitsSchema.optional(),
      known: hintSchema,
      /** First and last day of service on which it counts; open where one is left out. */
      ...datedShape,
      /** The newest book of the provider's fee schedules; left out where there is none. */
      before: z.strictObject({ book: hintSchema, text: anchoredText(MAX_STATE_LENGTH) }).optional(),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withAnother(consortium, caller, [provider]),
    writes: ({ caller, input: { provider } }) => ({
      always: [collections.billing(caller)],
      copies: [collections.billing(provider)],
    }),
  }),
  /**
   * The payer's tables, or one ConceptMap of them, in place of what they were: `current` is the text of the generation `known`, 0
   * where there is none. A map that is not active counts no more.
   */
  LoadClaimTables: transaction({
    contract: 'claim-tables',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({}),
    private: z.strictObject({
      salt: saltSchema,
      known: hintSchema,
      current: anchoredText(MAX_VALUE_LENGTH).optional(),
      map: draftSchema.optional(),
      tables: z.strictObject(claimTablesInput).optional(),
    }),
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: ({ caller, consortium }) => ({
      always: [collections.billing(caller)],
      copies: organisationsOfKind(consortium, 'provider').map(({ name }) => collections.billing(name)),
    }),
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
    private: z.strictObject(submittedShape),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ consortium, input: { payer } }) => billed(consortium, payer),
  }),
  /** The same of several to one payer, all or nothing, each once and as it would be by itself. */
  SubmitClaims: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ payer: nameSchema }),
    private: z.strictObject({ claims: z.array(z.strictObject(submittedShape)).min(1).max(MAX_CLAIMS_AT_ONCE) }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ consortium, input: { payer } }) => billed(consortium, payer),
  }),
  /** `claim` and `state` are the anchored texts. */
  AdjudicateClaim: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['adjudicator', 'system'],
    /** `beyond`: claims of other providers are shown as well, so that the custodian endorses and not the provider. */
    input: z.strictObject({ id: idSchema, provider: nameSchema, beyond: z.literal(true).optional() }),
    private: z.strictObject(adjudicatedShape),
    output: done,
    endorsers: (consortium, caller, { provider, beyond }) =>
      withOneOf(caller, ...(beyond === true ? [] : [provider]), custodianOf(consortium).name),
    writes: ({ consortium, caller }) => billed(consortium, caller),
  }),
  /** The same of several of one provider's, all or nothing, each once and as it would be by itself; nothing of other providers is shown. */
  AdjudicateClaims: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['adjudicator', 'system'],
    input: z.strictObject({ provider: nameSchema }),
    private: z.strictObject({
      claims: z
        .array(z.strictObject({ id: idSchema, ...adjudicatedShape }))
        .min(1)
        .max(MAX_CLAIMS_AT_ONCE),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
    writes: ({ consortium, caller }) => billed(consortium, caller),
  }),
  /** What the payer has settled about deciding claims, from which day on. */
  SetClaimRules: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({}),
    private: z.strictObject({ ...claimRulesInputSchema.shape, salt: saltSchema, known: hintSchema }),
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: ({ caller }) => ({ always: [collections.billing(caller)] }),
  }),
  /** The provider takes a claim back: `cancel` before it is decided, `void` after. */
  WithdrawClaim: transaction({
    contract: 'claim-corrections',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      kind: z.enum(['cancel', 'void']),
      taskId: idSchema,
      salt: saltSchema,
      reason: written(2_000),
      ...heldShape,
      fingerprintKey: anchoredText(1_024).optional(),
    }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ consortium, input: { payer } }) => billed(consortium, payer),
  }),
  /** Takes what the provider owes back from what the payer owes of a claim, before a bank is instructed to pay the rest. */
  OffsetClaim: transaction({
    contract: 'claim-corrections',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      reconciliationId: idSchema,
      salt: saltSchema,
      state: anchoredText(MAX_STATE_LENGTH),
      /** What is left of each debt. */
      debts: z.array(anchoredText(MAX_STATE_LENGTH)).min(1).max(20),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
    writes: ({ consortium, caller }) => billed(consortium, caller),
  }),
  /** The provider has a claim decided anew on what it shows now: `supplement` of one that is pended, `appeal` of one that is decided. */
  ReopenClaim: transaction({
    contract: 'claim-corrections',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      kind: z.enum(['supplement', 'appeal']),
      taskId: idSchema,
      salt: saltSchema,
      reason: written(2_000),
      ...standingShape,
      /** Of an appeal: the decision that it is against. */
      response: anchoredText(MAX_VALUE_LENGTH).optional(),
      /** The claim with what it refers to now, and the records, as they are now. */
      resource: resourceSchema,
      evidence: z.array(recordEvidenceSchema).max(200),
    }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ consortium, input: { payer } }) => billed(consortium, payer),
  }),

  /**
   * Has a bank pay claims, all to one payee in one currency: each takes its step, or none does. `state` is a claim's anchored
   * text, which says what is owed; of one that was decided before states did, `response` is shown as well.
   */
  InstructPayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ id: idSchema, bank: nameSchema }),
    private: z.strictObject({
      salt: saltSchema,
      claims: z
        .array(
          z.strictObject({
            id: idSchema,
            state: anchoredText(MAX_STATE_LENGTH),
            response: anchoredText(MAX_VALUE_LENGTH).optional(),
          }),
        )
        .min(1)
        .max(MAX_CLAIMS_OF_PAYMENT),
      /** The terms in force with each provider whose claims these are, where there are any. */
      terms: z
        .array(
          z.strictObject({
            provider: nameSchema,
            generation: z.int().min(1).max(999_999_999),
            text: anchoredText(MAX_STATE_LENGTH),
          }),
        )
        .max(50)
        .optional(),
    }),
    output: done,
    endorsers: (_, caller, { bank }) => every(caller, bank),
    writes: ({ consortium, caller }) => billed(consortium, caller),
  }),
  /** What became of a payment, by the bank. A transfer takes its reference, which no other payment of the bank's has. */
  ReportPayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['bank'],
    roles: ['settlement', 'system'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      salt: saltSchema,
      ...shownPaymentShape,
      status: z.enum(PAYMENT_REPORTS),
      /** Of a payment that ended. */
      reason: paymentReasonSchema.optional(),
      /** Of one that is settled: the reference of the transfer, and the id of the notice. */
      reference: transferReferenceSchema.optional(),
      noticeId: idSchema.optional(),
      /** The day of the transfer, of its return, or of the report. */
      day: daySchema,
    }),
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ consortium, input: { payer } }) => billed(consortium, payer),
  }),
  /**
   * Posts what the bank reported of a payment, with or without money, to the claims of a provider and tells it. `states` are the
   * texts of all its claims that the payment is for, as they stand.
   */
  RemitPayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      salt: saltSchema,
      ...shownPaymentShape,
      notice: anchoredText(MAX_VALUE_LENGTH).optional(),
      states: z.array(anchoredText(MAX_STATE_LENGTH)).min(1).max(MAX_CLAIMS_OF_PAYMENT),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
    writes: ({ consortium, caller }) => billed(consortium, caller),
  }),
} as const;
