/** The rows of the transaction table that are about prior authorizations. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every, withCustodian, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { type Consortium, custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { authorizationDecisionSchema, MAX_AUTHORIZATION_STEPS } from './authorizations.ts';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { resourceSchema } from './fhir.ts';
import { anchoredText, idSchema, instantSchema, saltSchema, versionSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { MAX_VALUE_LENGTH } from './values.ts';

/** A step that goes on from another shows it. */
const before = {
  state: anchoredText(MAX_STATE_LENGTH),
  record: anchoredText(MAX_VALUE_LENGTH),
};

/** The most authorizations that a claim is held against. */
export const MAX_AUTHORIZATIONS = 20;

/** A request as a claim is held against it: all its states from the first on, and what was decided by the steps that count. */
export const authorizationShown = z.strictObject({
  states: z.array(anchoredText(MAX_STATE_LENGTH)).min(1).max(MAX_AUTHORIZATION_STEPS),
  records: z.array(z.strictObject({ step: versionSchema, text: anchoredText(MAX_VALUE_LENGTH) })).max(24),
});
export type ShownAuthorization = z.infer<typeof authorizationShown>;

const asked = z.strictObject({
  salt: saltSchema,
  claim: resourceSchema,
  /** Id of the ClaimResponse; of an amendment the one that there is. */
  responseId: idSchema,
  coverage: anchoredText(MAX_STATE_LENGTH),
  /** Whom it is for, by id and identifiers alone: what the coverage's beneficiary is held against. Not kept. */
  patient: resourceSchema,
  /** Of an amendment: what it amends. */
  before: z.strictObject(before).optional(),
});

/** A payer's step in a request: of a provider that is a member, or of one that is none. */
const ofPayer = z.strictObject({ id: idSchema, provider: nameSchema.optional() });
type OfPayer = z.infer<typeof ofPayer>;

const payerAndAnother = (consortium: Consortium, caller: string, { provider }: OfPayer) =>
  withOneOf(caller, ...(provider === undefined ? [] : [provider]), custodianOf(consortium).name);

const atPayerAndProvider = ({ caller, input: { provider } }: { caller: string; input: OfPayer }) => ({
  always: [collections.billing(caller)],
  copies: provider === undefined ? [] : [collections.billing(provider)],
});

export const authorizationTransactions = {
  /** A provider asks a payer, or amends or takes back what it asked. The payer's clock starts. */
  RequestAuthorization: transaction({
    contract: 'authorizations',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: asked,
    output: done,
    endorsers: (_, caller, { payer }) => every(caller, payer),
    writes: ({ caller, input: { payer } }) => ({
      always: [collections.billing(payer)],
      copies: [collections.billing(caller)],
    }),
  }),
  /**
   * What reached the payer itself: submitted by it, endorsed by the provider where that is a member and by the custodian where it is
   * not, so that no payer alone says when it came.
   */
  ReceiveAuthorization: transaction({
    contract: 'authorizations',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: ofPayer,
    private: asked.extend({
      /** Where it was kept until another member could endorse: when the payer had it, from which on its clock runs. */
      receivedAt: instantSchema.optional(),
    }),
    output: done,
    endorsers: (consortium, caller, { provider }) =>
      provider === undefined ? withCustodian(consortium, caller) : every(caller, provider),
    writes: atPayerAndProvider,
  }),
  /** The payer decides, or says what it waits for. */
  DecideAuthorization: transaction({
    contract: 'authorizations',
    kind: 'submit',
    callers: ['payer'],
    roles: ['adjudicator', 'system'],
    input: ofPayer,
    private: z.strictObject({ salt: saltSchema, ...before, decision: authorizationDecisionSchema }),
    output: done,
    endorsers: payerAndAnother,
    writes: atPayerAndProvider,
  }),
  /**
   * Purges what a request showed and contained, at every member, once nothing takes it any more. What was asked and answered last is
   * written again without that.
   */
  PurgeAuthorization: transaction({
    contract: 'authorizations',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system'],
    input: ofPayer,
    private: z.strictObject({
      ...{ salt: saltSchema, ...before },
      rules: z.strictObject({ generation: hintSchema, text: anchoredText(MAX_STATE_LENGTH) }).optional(),
    }),
    output: done,
    endorsers: payerAndAnother,
    writes: atPayerAndProvider,
  }),
} as const;
