/** Asking another provider for a patient's records, and what came of it (see DESIGN: consent and access). */
import { randomUUID } from 'node:crypto';
import { EMERGENCIES, isEmergencyPurpose, reasonSchema } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { narrowingShape } from '@telemed-ledger/chaincode/model/narrowing.ts';
import { accessRequestSchema, accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { LONGEST_WAIT_DAYS, waitRefusal } from '@telemed-ledger/chaincode/model/waiting.ts';
import { custodianOf } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { nextPage, pageCount } from '../../http/paging.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { newSalt } from '../../ledger/sender.ts';
import { foundAccess, noteAccesses } from '../reads/noting.ts';
import { readsAnswer, readsPage, readsShown } from '../reads/routes.ts';
import type { Disclosure } from './disclosure.ts';
import { newestPage } from './newest.ts';
import { narrowed, notFound, shown, shownTo, stateSchema } from './shown.ts';
import { sendRequest } from './together.ts';
import { LONGEST_WAIT_S } from './waits.ts';

const requestSchema = accessRequestSchema
  .pick({ holder: true, patient: true, purpose: true })
  .extend({
    types: accessRequestSchema.shape.types.default([]),
    codes: narrowingShape.codes.meta({ description: 'Records in which one of these codes is found.' }),
    period: narrowingShape.period.meta({
      description: 'Records whose time and this one overlap; not those without one.',
    }),
    encounters: narrowingShape.encounters.meta({ description: 'Ids of Encounters: they and what refers to them.' }),
    records: narrowingShape.records.meta({ description: '`Type/id` of records. All that is given holds together.' }),
    reason: reasonSchema.optional().meta({
      description: `Why there is no time for a consent, where the purpose is one of ${EMERGENCIES.join(', ')}; else absent.`,
    }),
  })
  .extend({
    waitUntil: accessRequestSchema.shape.waitUntil.meta({
      description: `Until when it waits for the patient where nothing permits it, at most ${LONGEST_WAIT_DAYS} days; absent: it is refused at once.`,
    }),
  })
  .refine(({ purpose, waitUntil }) => waitUntil === undefined || !isEmergencyPurpose(purpose), {
    ...{ path: ['waitUntil'], message: 'an emergency does not wait' },
  })
  .superRefine(({ waitUntil }, context) => {
    const message = waitUntil === undefined ? undefined : waitRefusal(waitUntil, new Date().toISOString());
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['waitUntil'], message });
  })
  .refine(({ purpose, reason }) => reason !== undefined || !isEmergencyPurpose(purpose), {
    ...{ path: ['reason'], message: 'an emergency needs a written reason' },
  })
  .refine(({ purpose, reason }) => reason === undefined || isEmergencyPurpose(purpose), {
    ...{ path: ['reason'], message: 'a reason is of an emergency' },
  })
  .meta({ id: 'AccessRequest' });
const pageSchema = z.object({
  count: pageCount,
  after: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,200}$/)
    .optional()
    .meta({ description: 'As `next` has it.' }),
});
const pageQuery = (count: number, after: string): URLSearchParams =>
  new URLSearchParams({ count: String(count), after });
const listSchema = z.object({
  accessRequests: z.array(stateSchema),
  next: nextPage,
  leftOut: z.int().optional().meta({ description: 'Requests that cannot be read; the log of the gateway names them.' }),
  undelivered: z
    .int()
    .optional()
    .meta({ description: 'Values that have not arrived here yet: some may be of requests.' }),
});

export const requestAccess = route({
  method: 'post',
  path: '/access-requests',
  summary: 'Asks another provider for the records of a patient (providers and payers).',
  body: requestSchema,
  transaction: 'RequestAccess',
  answers: { 201: { description: 'The request; the custodian decides it.', schema: stateSchema } },
  async handle({ caller, body, idempotency }, services) {
    const { ledger, idempotent, accessGroups, disclosures, organisation, consortium } = services;
    const id = randomUUID();
    const { reason, waitUntil: wait, ...asked } = body;
    // As instants are written here: they are compared as texts too.
    const waits = wait === undefined ? {} : { waitUntil: new Date(wait).toISOString() };
    const request = { id, salt: newSalt(), ...asked, ...waits, ...(reason === undefined ? {} : { reason }) };
    const { outcome, answer, submitted } = await idempotent.write(caller, idempotency, () => ({
      answer: { id },
      // An emergency waits for no others.
      submit: (sending) =>
        isEmergencyPurpose(body.purpose)
          ? ledger.submit('RequestAccess', { id }, { request }, sending)
          : sendRequest(accessGroups, request, sending),
    }));
    const { transactionId } = outcome;
    const headers = { Location: `/access-requests/${answer.id}` };
    if (submitted !== undefined) {
      const { holder, purpose, types, codes, period, encounters, records } = body;
      const narrowing = narrowed({ types, codes, period, encounters, records });
      const parties = { requestor: organisation.name, holder, custodian: custodianOf(consortium).name };
      const requestedAt = submitted.result.time;
      const pending = wait === undefined ? 'decision' : 'patient';
      const state = { id, ...parties, purpose, status: 'requested', requestedAt, ...waits, ...narrowing };
      return { status: 201, headers, body: { ...state, pending, transactionId }, transactionId };
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
  answers: {
    200: {
      description: `The request as it stands; with \`Prefer: wait=10\` (RFC 7240) once it is decided and what is delivered is here, or after so many seconds, at most ${LONGEST_WAIT_S}.`,
      schema: stateSchema,
    },
  },
  async wait({ caller, parameters: { id }, wait }, { disclosures, accessWaits }) {
    const whose = compartmentsOf(caller, 'read', 'answer');
    await accessWaits.until(id, async () => !isUnderWay(await disclosures.find(id, whose)), wait);
  },
  async handle({ caller, parameters }, services) {
    const disclosure = await foundAccess(
      caller,
      'access',
      parameters.id,
      compartmentsOf(caller, 'read', 'answer'),
      services,
    );
    if (disclosure === undefined) throw notFound();
    return { body: shownTo(caller, services.organisation.name, disclosure) };
  },
});

/** Undecided, or delivered and not here yet. */
const isUnderWay = (disclosure: Disclosure | undefined): boolean =>
  disclosure !== undefined && (disclosure.state.status === 'requested' || disclosure.undelivered !== undefined);

export const accessRequests = route({
  method: 'get',
  path: '/access-requests',
  summary: 'The access requests that this organisation takes part in, the one that went on last first, in pages.',
  query: pageSchema.extend({
    status: accessStateSchema.shape.status.optional().meta({ description: 'Those alone that stand so.' }),
    patient: patientNamed,
  }),
  answers: { 200: { description: 'A page of requests.', schema: listSchema } },
  async handle({ caller, query: { count, after, status, patient } }, services) {
    const { disclosures } = services;
    const compartment = compartmentsOf(caller, 'read', 'answer');
    const from = after === undefined ? undefined : Buffer.from(after, 'base64url').toString('utf8');
    const patients = patient === undefined ? undefined : [patient];
    const page = await newestPage(services, { compartment, patients, count, after: from, status });
    await noteAccesses(caller, 'access', page.disclosures, services);
    const narrowed = Object.entries({ status, patient })
      .flatMap(([name, value]) => (value === undefined ? [] : [`&${name}=${value}`]))
      .join('');
    const next =
      page.next === undefined
        ? {}
        : { next: `/access-requests?${pageQuery(count, Buffer.from(page.next).toString('base64url'))}${narrowed}` };
    const leftOut = page.broken === 0 ? {} : { leftOut: page.broken };
    const lacks = disclosures.undelivered();
    const undelivered = lacks === 0 ? {} : { undelivered: lacks };
    return {
      body: {
        accessRequests: page.disclosures.map((one) => shownTo(caller, services.organisation.name, one)),
        ...next,
        ...leftOut,
        ...undelivered,
      },
    };
  },
});

export const deliveredReads = route({
  method: 'get',
  path: '/access-requests/:id/reads',
  summary: 'Who of this organisation was shown what was delivered, and who was refused it, newest first, in pages.',
  parameters: z.object({ id: z.string().meta({ description: 'Id of the request.' }) }),
  query: readsPage,
  answers: { 200: readsAnswer },
  async handle({ caller, parameters: { id }, query }, services) {
    const disclosure = await foundAccess(caller, 'log', id, compartmentsOf(caller, 'read', 'answer'), services);
    if (disclosure?.state.requestor !== services.organisation.name) throw notFound();
    const path = `/access-requests/${id}/reads`;
    return { body: await readsShown({ access: id }, query, { path, narrowed: {} }, services) };
  },
});
