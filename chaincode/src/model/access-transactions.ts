/**
 * The rows of the transaction table for access across organisations: what is asked, decided, refused, taken away and told. One
 * transaction carries a request or several, a decision or several.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { callerOnly, every, withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import {
  companionsSchema,
  decisionShape,
  MAX_ACCESSES_AT_ONCE,
  MAX_STATE_LENGTH,
  recordReasonsSchema,
} from './decision-shape.ts';
import { partShape, withheldSchema } from './deliveries.ts';
import { countsSchema } from './overviews.ts';
import { WITHDRAWALS } from './renewals.ts';
import { anchoredText, codeSchema, hashSchema, idSchema, instantSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';
import { accessRequestSchema, becauseSchema, consentVersionSchema } from './values.ts';

const empty = z.strictObject({});

/** What a decision that delivers shows. */
const decidedShape = {
  ...{ ...decisionShape, ...partShape, withheld: withheldSchema.optional(), salt: saltSchema },
  /** Of a request that asks who holds what: how much, `records` being one of each type that may be told. */
  counts: countsSchema.optional(),
};

export const accessTransactions = {
  RequestAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['provider', 'payer'],
    roles: ['system', 'practitioner'],
    onBehalfOf: ['adjudicator'],
    input: z.strictObject({ id: idSchema }),
    private: z.strictObject({ request: accessRequestSchema }),
    output: done,
    endorsers: withCustodian,
    writes: ({ caller }) => ({ always: [collections.inbox(caller)] }),
  }),
  /** The same of several that one caller asks, all or nothing, each once and as it would be by itself. */
  RequestAccesses: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['provider', 'payer'],
    roles: ['system', 'practitioner'],
    input: empty,
    private: z.strictObject({ requests: z.array(accessRequestSchema).min(1).max(MAX_ACCESSES_AT_ONCE) }),
    output: done,
    endorsers: withCustodian,
    writes: ({ caller }) => ({ always: [collections.inbox(caller)] }),
  }),
  /**
   * Delivers the permitted records into the requestor's inbox. Where none is, it fails as a CONFLICT: a refusal would tell
   * the requestor, and by what was read everybody, what it rests on. `through` says that more follows, `withheld` to the
   * holder what is not delivered of what the part is about.
   */
  DecideAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, holder: nameSchema }),
    private: z.strictObject(decidedShape),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
    writes: ({ input: { holder }, private: { requestor } }) => ({
      always: [collections.inbox(requestor), collections.care(holder)],
    }),
  }),
  /**
   * The same of several requests to one holder, whoever asks, all or nothing, each once and as it would be by itself: what of
   * one is shown and delivered lies under its own keys, and no requestor's inbox holds anything of another's.
   */
  DecideAccesses: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ holder: nameSchema }),
    private: z.strictObject({
      decisions: z
        .array(z.strictObject({ id: idSchema, ...decidedShape }))
        .min(1)
        .max(MAX_ACCESSES_AT_ONCE),
    }),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
    writes: ({ input: { holder }, private: { decisions } }) => ({
      always: [collections.care(holder), ...new Set(decisions.map(({ requestor }) => collections.inbox(requestor)))],
    }),
  }),
  /** What comes of a request now, as the custodian's own peer computes it. Writes nothing, and stands in no block. */
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
      /** Of a request that waits: when it may come to something else by what is known now. */
      again: instantSchema.optional(),
      /** Absent where it is denied whatever the records are. */
      reasons: recordReasonsSchema.optional(),
      companions: companionsSchema,
    }),
    endorsers: callerOnly,
  }),
  /**
   * Records a refusal, which waits for no particular second organisation. `state` is the request's first step: neither who
   * endorses it nor who asked sees what it rests on. The holder is told that by ReportAccess.
   */
  RefuseAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient', 'caretaker'],
    input: z.strictObject({ id: idSchema, requestor: nameSchema, holder: nameSchema }),
    private: z.strictObject({ state: anchoredText(MAX_STATE_LENGTH), salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller, { holder, requestor }) => withAnother(consortium, caller, [holder, requestor]),
    writes: ({ input: { requestor } }) => ({ always: [collections.inbox(requestor)] }),
  }),
  /**
   * Purges delivered copies whose consent is in force no more or whose time is over, or among which a record is erased:
   * then `erased` is its handle; or that are not what would be delivered now: then `withdraw` says why. `goesOn` says that
   * something of them may be shown still. `state` is the decision's text.
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
      withdraw: z.enum(WITHDRAWALS).optional(),
      goesOn: z.literal(true).optional(),
    }),
    output: done,
    endorsers: (consortium, caller, { holder, requestor }) => withAnother(consortium, caller, [holder, requestor]),
    writes: ({ input: { requestor } }) => ({ always: [collections.inbox(requestor)] }),
  }),
  /**
   * Tells the holder of a step that was taken without it: a refusal, and what that rests on, or a purge. `state` is the
   * step's text.
   */
  ReportAccess: transaction({
    contract: 'access',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    input: z.strictObject({ id: idSchema, requestor: nameSchema, holder: nameSchema }),
    private: z.strictObject({ state: anchoredText(MAX_STATE_LENGTH), because: becauseSchema.optional() }),
    output: done,
    endorsers: (_, caller, { holder }) => every(caller, holder),
    writes: ({ input: { holder } }) => ({ always: [collections.care(holder)] }),
  }),
} as const;
