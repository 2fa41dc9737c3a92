/**
 * Every transaction of the ledger in one table: contract, submit or evaluate, who may call it, the schemas of
 * its one argument, of its transient (private) input and of its reply, and which organisations endorse it. The
 * contracts parse with it and the gateway's client calls with it.
 *
 * Arguments and replies stand in blocks: they hold random ids, versions and states, never content.
 */
import {
  callerOnly,
  type Endorsers,
  every,
  withAnother,
  withCustodian,
  withOneOf,
} from '@telemed-ledger/consortium/endorsers.ts';
import {
  type Consortium,
  custodianOf,
  type Kind,
  nameSchema,
  organisationSchema,
  type Role,
} from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { resourceSchema } from './fhir.ts';
import {
  anchoredText,
  collectionNameSchema,
  currencySchema,
  daySchema,
  heldHashSchema,
  idSchema,
  instantSchema as instant,
  LONGEST_LINE,
  licenceNumberSchema,
  line,
  optionalHashSchema,
  saltSchema,
  versionSchema,
} from './texts.ts';
import {
  accessRequestSchema,
  accessStateSchema,
  claimStateSchema,
  consentStateSchema,
  draftSchema,
  evidenceSchema,
  licenceStateSchema,
  MAX_DELIVERED,
  MAX_RECORDS,
  MAX_VALUE_LENGTH,
  PURPOSES,
  pricesSchema,
} from './values.ts';

export * from './values.ts';

const empty = z.strictObject({});
const done = z.strictObject({ time: instant });

export interface Transaction<
  Input extends z.ZodType = z.ZodType,
  Private extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  contract: string;
  kind: 'submit' | 'evaluate';
  /** Kinds of organisation and roles that may call it; empty means any. */
  callers: readonly Kind[];
  roles: readonly Role[];
  input: Input;
  /** JSON under the transient key `private`; undefined where there is none. */
  private?: Private;
  output: Output;
  /** The organisations that endorse it, and the others that may where one of several is enough. */
  endorsers: (consortium: Consortium, caller: string, input: z.infer<Input>) => Endorsers;
}

const transaction = <I extends z.ZodType, P extends z.ZodType, O extends z.ZodType>(
  definition: Transaction<I, P, O>,
): Transaction<I, P, O> => definition;

export const transactions = {
  /** New records and new versions of records; all or nothing. Refuses a version that is not the next one (CONFLICT). */
  RecordVersions: transaction({
    contract: 'records',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: empty,
    private: z.strictObject({ records: z.array(draftSchema).min(1).max(MAX_RECORDS) }),
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

  GrantConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['patient', 'system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({ consent: draftSchema }),
    output: consentStateSchema,
    endorsers: (_, caller, { provider }) => every(caller, provider),
  }),
  AmendConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['patient', 'system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({ consent: draftSchema }),
    output: consentStateSchema,
    endorsers: (_, caller, { provider }) => every(caller, provider),
  }),
  /** No private input, so that any other organisation can endorse it when the provider is down or unwilling. */
  RevokeConsent: transaction({
    contract: 'consents',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['patient', 'caretaker', 'system'],
    input: z.strictObject({ id: idSchema }),
    output: consentStateSchema,
    endorsers: (consortium, caller) => withAnother(consortium, caller),
  }),
  GetConsent: transaction({
    contract: 'consents',
    kind: 'evaluate',
    callers: [],
    roles: [],
    input: z.strictObject({ id: idSchema }),
    output: consentStateSchema,
    endorsers: callerOnly,
  }),

  RequestAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['provider', 'payer'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema, holder: nameSchema, purpose: z.enum(PURPOSES) }),
    private: z.strictObject({ request: accessRequestSchema }),
    output: accessStateSchema,
    endorsers: withCustodian,
  }),
  /**
   * Sent by the custodian when it sees a request. `request` is the anchored text of the request; `patient` the
   * holder's Patient record that it names; `records` what the holder has of the types asked for. Permitted
   * records are delivered into the requestor's inbox in this same transaction.
   */
  DecideAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject({
      request: anchoredText(MAX_VALUE_LENGTH),
      salt: saltSchema,
      patient: z.strictObject({ id: idSchema, version: versionSchema }).optional(),
      records: z.array(z.strictObject({ id: idSchema, version: versionSchema })).max(MAX_DELIVERED),
    }),
    output: accessStateSchema,
    endorsers: (_, caller, { holder }) => every(caller, holder),
  }),
  /** Purges delivered copies whose consent was revoked or whose time is over. */
  PurgeCopies: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject({ records: z.array(idSchema).max(MAX_DELIVERED) }),
    output: accessStateSchema,
    endorsers: (_, caller, { holder }) => every(caller, holder),
  }),
  GetAccess: transaction({
    contract: 'access',
    kind: 'evaluate',
    callers: [],
    roles: [],
    input: z.strictObject({ id: idSchema }),
    output: accessStateSchema,
    endorsers: callerOnly,
  }),

  /** A payer shows one provider (or several transactions, several providers) a member's coverage. */
  RegisterCoverage: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ providers: z.array(nameSchema).min(1).max(50) }),
    private: z.strictObject({ coverage: draftSchema }),
    output: done,
    endorsers: withCustodian,
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
    }),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
  }),
  /** Runs the submission edits. A claim that fails one is recorded as denied, with the edit's name. */
  SubmitClaim: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema, payer: nameSchema }),
    private: z.strictObject({
      claim: z.strictObject({ id: idSchema, salt: saltSchema, resource: resourceSchema }),
      coverage: z.strictObject({ id: idSchema, version: versionSchema }),
      /** Record versions of care_<provider>: the patient, encounters, procedures … the claim rests on. */
      evidence: z.array(evidenceSchema).max(200),
    }),
    output: claimStateSchema,
    endorsers: (_, caller, { payer }) => every(caller, payer),
  }),
  AdjudicateClaim: transaction({
    contract: 'claims',
    kind: 'submit',
    callers: ['payer'],
    roles: ['adjudicator', 'system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({ responseId: idSchema, salt: saltSchema }),
    output: claimStateSchema,
    endorsers: (consortium, caller, { provider }) => withOneOf(caller, provider, custodianOf(consortium).name),
  }),
  GetClaim: transaction({
    contract: 'claims',
    kind: 'evaluate',
    callers: [],
    roles: [],
    input: z.strictObject({ id: idSchema }),
    output: claimStateSchema,
    endorsers: callerOnly,
  }),

  /** `response` is the anchored text of response/<claim id>; the bank's peer checks it by its hash. */
  InstructPayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ id: idSchema, bank: nameSchema }),
    private: z.strictObject({ paymentId: idSchema, salt: saltSchema, response: anchoredText(MAX_VALUE_LENGTH) }),
    output: claimStateSchema,
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
      /** The bank's own reference of the transfer. */
      reference: line(140),
      paidOn: daySchema,
    }),
    output: claimStateSchema,
    endorsers: (_, caller, { payer }) => every(caller, payer),
  }),
  /** Tells the provider: PaymentReconciliation and PaymentNotice into the claim's collection. */
  RemitPayment: transaction({
    contract: 'settlements',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      reconciliationId: idSchema,
      salt: saltSchema,
      settlement: anchoredText(MAX_VALUE_LENGTH),
      payment: anchoredText(MAX_VALUE_LENGTH),
    }),
    output: claimStateSchema,
    endorsers: (_, caller, { provider }) => every(caller, provider),
  }),

  SetLicence: transaction({
    contract: 'registry',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: licenceStateSchema.omit({ updatedAt: true }),
    output: licenceStateSchema,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
  }),
  GetLicence: transaction({
    contract: 'registry',
    kind: 'evaluate',
    callers: [],
    roles: [],
    input: z.strictObject({ number: licenceNumberSchema }),
    output: licenceStateSchema,
    endorsers: callerOnly,
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

/** The transient map's only key. */
export const TRANSIENT_KEY = 'private';

/** `contract:Transaction`, as fabric-contract-api names it. */
export const qualifiedName = (name: TransactionName): string => `${transactions[name].contract}:${name}`;
