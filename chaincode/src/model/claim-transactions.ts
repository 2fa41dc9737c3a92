/** The rows of the transaction table that are about coverages, claims and their payment. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every, withAnother, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { claimRulesInputSchema } from './claim-rules.ts';
import { billed, heldShape, shownPaymentShape, standingShape } from './claim-shapes.ts';
import { claimTablesInput } from './claim-tables.ts';
import { datedShape } from './claims.ts';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { resourceSchema } from './fhir.ts';
import { MAX_CLAIMS_OF_PAYMENT, PAYMENT_REPORTS, paymentReasonSchema, transferReferenceSchema } from './payments.ts';
import { recordEvidenceSchema } from './sheets.ts';
import {
  anchoredText,
  currencySchema,
  daySchema,
  idSchema,
  line,
  minorUnitsSchema,
  saltSchema,
  written,
} from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { draftSchema, MAX_VALUE_LENGTH, pricesSchema, unlistedSchema } from './values.ts';

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
