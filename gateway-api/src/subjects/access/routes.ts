/** Asking another provider for a patient's records, and what came of it (see DESIGN: consent and access). */
import { randomUUID } from 'node:crypto';
import { EMERGENCIES, isEmergencyPurpose, reasonSchema } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import {
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
  type Because,
  becauseSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { custodianOf } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { newSalt } from '../../ledger/sender.ts';
import { REVIEW_STATUSES } from '../reviews/reviews.ts';
import type { DeliveredRead } from './delivered-reads.ts';
import type { Disclosure } from './disclosure.ts';

const requestSchema = accessRequestSchema
  .pick({ holder: true, patient: true, purpose: true })
  .extend({
    types: accessRequestSchema.shape.types.default([]),
    reason: reasonSchema.optional().meta({
      description: `Why there is no time for a consent, where the purpose is one of ${EMERGENCIES.join(', ')}; else absent.`,
    }),
  })
  .refine(({ purpose, reason }) => reason !== undefined || !isEmergencyPurpose(purpose), {
    ...{ path: ['reason'], message: 'an emergency needs a written reason' },
  })
  .refine(({ purpose, reason }) => reason === undefined || isEmergencyPurpose(purpose), {
    ...{ path: ['reason'], message: 'a reason is of an emergency' },
  })
  .meta({ id: 'AccessRequest' });
const deliverySchema = z.object({
  status: z.literal('incomplete'),
  undelivered: z.int().meta({ description: 'Values that have not arrived at this organisation yet.' }),
});
const pendingSchema = z.enum(['decision', 'purge', 'renewal', 'report']).meta({
  description:
    'What is still to be done: it is tried until it can be, whoever is away. `renewal`: what may be shown still is delivered anew. `report`: the holder is to be told.',
});
const emergencyShape = {
  writtenReason: z.string().optional().meta({ description: 'Of an emergency: why there was no time for a consent.' }),
  review: z.enum(REVIEW_STATUSES).optional().meta({ description: 'Of an emergency, at the custodian.' }),
};
const decidedShape = {
  renewedBy: z
    .string()
    .optional()
    .meta({ description: 'Of what was withdrawn: the access by which what may be shown still was delivered anew.' }),
  endorsers: z.array(z.string()).optional().meta({ description: 'MSP ids of those that endorsed the decision.' }),
  holderToldAt: z.iso
    .datetime()
    .optional()
    .meta({ description: 'When the holder was told of a decision that it did not endorse.' }),
};
const becauseShape = becauseSchema.omit({ salt: true }).optional().meta({
  description: 'What a refusal rests on; the patient, the custodian and the holder see it, and not who asked.',
});
/** How an access stands, with the transaction of its last step, and what has not arrived here of it. */
const stateSchema = accessStateSchema
  .omit({ schema: true, salt: true })
  .extend({ because: becauseShape })
  .extend({ transactionId: z.string(), delivery: deliverySchema.optional(), pending: pendingSchema.optional() })
  .extend({ ...decidedShape, ...emergencyShape })
  .meta({ id: 'AccessState' });

const MOST = 500;
const pageSchema = z.object({
  count: z.coerce
    .number()
    .int()
    .min(1)
    .max(MOST)
    .default(100)
    .meta({ description: `At most ${MOST}.` }),
  after: z
    .string()
    .regex(/^\d{1,16}$/)
    .optional()
    .meta({ description: 'As `next` has it.' }),
});
const nextPage = (count: number, after: string): URLSearchParams =>
  new URLSearchParams({ count: String(count), after });
const listSchema = z.object({
  accessRequests: z.array(stateSchema),
  next: z.string().optional().meta({ description: 'The next page; absent on the last one.' }),
  leftOut: z.int().optional().meta({ description: 'Requests that cannot be read; the log of the gateway names them.' }),
  undelivered: z
    .int()
    .optional()
    .meta({ description: 'Values that have not arrived here yet: some may be of requests.' }),
});

const notFound = (): LedgerError => new LedgerError('NOT_FOUND', 'this organisation takes part in no such access');
/** Whoever knew the salt could confirm a guess at an access by its hash in a block. */
const withoutSalt = ({ schema: _, salt: __, because: ___, ...state }: AccessState): object => state;
const withoutItsSalt = ({ salt: _, ...because }: Because): object => because;
const shown = ({
  state,
  transactionId,
  undelivered,
  pending,
  decided,
  request,
  review,
  renewedBy,
  because,
}: Disclosure): object => ({
  ...withoutSalt(state),
  transactionId,
  ...decided,
  ...(because === undefined ? {} : { because: withoutItsSalt(because) }),
  ...(renewedBy === undefined ? {} : { renewedBy }),
  ...(request?.reason === undefined ? {} : { writtenReason: request.reason }),
  ...(review === undefined ? {} : { review: review.status }),
  ...(undelivered === undefined ? {} : { delivery: { status: 'incomplete', undelivered } }),
  ...(pending === undefined ? {} : { pending }),
});

export const requestAccess = route({
  method: 'post',
  path: '/access-requests',
  summary: 'Asks another provider for the records of a patient (providers and payers).',
  body: requestSchema,
  transaction: 'RequestAccess',
  answers: { 201: { description: 'The request; the custodian decides it.', schema: stateSchema } },
  async handle({ caller, body, idempotency }, { ledger, idempotent, disclosures, organisation, consortium }) {
    const id = randomUUID();
    const { reason, ...asked } = body;
    const request = { id, salt: newSalt(), ...asked, ...(reason === undefined ? {} : { reason }) };
    const { outcome, answer, submitted } = await idempotent.write(caller, idempotency, () => ({
      answer: { id },
      submit: (sending) => ledger.submit('RequestAccess', { id }, { request }, sending),
    }));
    const { transactionId } = outcome;
    const headers = { Location: `/access-requests/${answer.id}` };
    if (submitted !== undefined) {
      const { holder, purpose } = body;
      const parties = { requestor: organisation.name, holder, custodian: custodianOf(consortium).name };
      const requestedAt = submitted.result.time;
      const shown = { id, ...parties, purpose, status: 'requested', requestedAt, pending: 'decision', transactionId };
      return { status: 201, headers, body: shown, transactionId };
    }
    const found = await afterCommit(() => disclosures.find(answer.id));
    return {
      status: 201,
      headers,
      body: found === undefined ? { ...answer, transactionId } : shown(found),
      transactionId,
    };
  },
});

export const accessRequest = route({
  method: 'get',
  path: '/access-requests/:id',
  summary: 'What came of an access request.',
  parameters: z.object({ id: z.string().meta({ description: 'Id of the request.' }) }),
  answers: { 200: { description: 'The request as it stands.', schema: stateSchema } },
  async handle({ caller, parameters }, { disclosures }) {
    const disclosure = await disclosures.find(parameters.id, compartmentOf(caller));
    if (disclosure === undefined) throw notFound();
    return { body: shown(disclosure) };
  },
});

export const accessRequests = route({
  method: 'get',
  path: '/access-requests',
  summary: 'The access requests that this organisation takes part in, oldest first, in pages.',
  query: pageSchema,
  answers: { 200: { description: 'A page of requests.', schema: listSchema } },
  async handle({ caller, query: { count, after } }, { disclosures }) {
    const page = await disclosures.page({ compartment: compartmentOf(caller), count, after });
    const next = page.next === undefined ? {} : { next: `/access-requests?${nextPage(count, page.next)}` };
    const leftOut = page.broken === 0 ? {} : { leftOut: page.broken };
    const lacks = disclosures.undelivered();
    const undelivered = lacks === 0 ? {} : { undelivered: lacks };
    return { body: { accessRequests: page.disclosures.map(shown), ...next, ...leftOut, ...undelivered } };
  },
});

const readSchema = z
  .object({
    at: z.string().meta({ description: 'ISO 8601 UTC.' }),
    outcome: z.enum(['shown', 'refused']).meta({ description: 'Refused: it was delivered for somebody else.' }),
    interaction: z.enum(['read', 'vread', 'history', 'search']),
    subject: z.string().meta({ description: 'Of the token.' }),
    role: z.string(),
    fhirUser: z.string().optional(),
    type: z.string(),
    records: z.array(z.string()).meta({ description: 'Ids of the records.' }),
  })
  .meta({ id: 'DeliveredRead' });

const shownRead = ({ at, outcome, interaction, subject, role, fhir_user, type, records }: DeliveredRead): object => ({
  ...{ at, outcome, interaction, subject, role },
  ...(fhir_user === null ? {} : { fhirUser: fhir_user }),
  ...{ type, records: JSON.parse(records) },
});

export const deliveredReads = route({
  method: 'get',
  path: '/access-requests/:id/reads',
  summary: 'Who of this organisation was shown what was delivered, and who was refused it, oldest first, in pages.',
  parameters: z.object({ id: z.string().meta({ description: 'Id of the request.' }) }),
  query: pageSchema,
  answers: {
    200: {
      description: 'A page of reads.',
      schema: z.object({
        reads: z.array(readSchema),
        next: z.string().optional().meta({ description: 'The next page; absent on the last one.' }),
      }),
    },
  },
  async handle({ caller, parameters: { id }, query: { count, after } }, services) {
    const { disclosures, organisation } = services;
    const disclosure = await disclosures.find(id, compartmentOf(caller));
    if (disclosure?.state.requestor !== organisation.name) throw notFound();
    const from = after === undefined ? {} : { after: Number(after) };
    const page = await services.deliveredReads.page(id, { count, ...from });
    const last = page.length < count ? undefined : page.at(-1);
    const path = `/access-requests/${id}/reads`;
    const next = last === undefined ? {} : { next: `${path}?${nextPage(count, String(last.sequence))}` };
    return { body: { reads: page.map(shownRead), ...next } };
  },
});
