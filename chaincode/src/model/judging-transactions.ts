/** The rows of the transaction table by which claims are judged: submitted by providers, and decided by payers. */
import { every, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { accountShape, MAX_ACCOUNTS } from './accumulators.ts';
import { authorizationShown, MAX_AUTHORIZATIONS } from './authorization-transactions.ts';
import { MAX_BESIDE } from './beside-claims.ts';
import { billed, heldShape, standingShape, tookShape } from './claim-shapes.ts';
import { MAX_MAPS } from './claim-tables.ts';
import { humanDecisionSchema } from './claims.ts';
import { MAX_PRIOR } from './coordination.ts';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { resourceSchema } from './fhir.ts';
import { MAX_ACTIVITIES } from './over-time.ts';
import { bucketEvidenceSchema } from './registers.ts';
import { MAX_CLAIMS_AT_ONCE, screeningShown } from './screening-transactions.ts';
import { listsShown } from './service-lists.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { anchoredText, idSchema, saltSchema, versionSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { MAX_VALUE_LENGTH } from './values.ts';

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
  /** Of a plan with terms of families: the payer's secret for these, or the one that is to be it, where there is none. */
  family: z.strictObject({ text: anchoredText(MAX_STATE_LENGTH).optional(), secret: saltSchema.optional() }).optional(),
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

export const judgingTransactions = {
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
} as const;
