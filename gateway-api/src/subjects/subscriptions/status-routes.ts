/** How subscriptions to topics stand, and their events again: `$status` and `$events` of hl7.org/fhir/uv/subscriptions-backport. */
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { RECORDED } from './backport.ts';
import { notificationOf, statusOf } from './notifications.ts';
import { shownTo } from './numbered.ts';
import { sendableBy } from './reading.ts';
import { FHIR, ofOwn, PATH, ROLES } from './routes.ts';

const MOST_EVENTS = 100;
const parameters = z.object({ id: z.string().max(64).meta({ description: 'Id of the Subscription.' }) });
const bundle = z.record(z.string(), z.unknown());
const number = z.string().regex(/^\d{1,15}$/, 'must be the number of an event');

export const subscriptionStatus = route({
  method: 'get',
  scope: { type: 'Subscription', acts: ['r'] },
  path: `${PATH}/:id/$status`,
  summary: 'How a Subscription of the caller’s stands, and how many events it had.',
  roles: ROLES,
  parameters,
  answers: { 200: { description: 'A Bundle of type searchset with Parameters.', schema: bundle } },
  async handle({ caller, parameters: { id }, origin }, services) {
    const row = await ofOwn(id, caller, services);
    const baseUrl = `${origin}/fhir/R4`;
    const status = statusOf({ row, type: 'query-status', baseUrl }) as { id: string };
    const entry = [{ fullUrl: `urn:uuid:${status.id}`, resource: status, search: { mode: 'match' } }];
    return { headers: FHIR, body: { resourceType: 'Bundle', type: 'searchset', total: 1, entry } };
  },
});

export const subscriptionEvents = route({
  method: 'get',
  scope: { type: 'Subscription', acts: ['r'] },
  path: `${PATH}/:id/$events`,
  summary: 'Events of a Subscription of the caller’s again: those that were lost, too.',
  roles: ROLES,
  parameters,
  query: z.strictObject({
    eventsSinceNumber: number.optional(),
    eventsUntilNumber: number.optional(),
    content: z.enum(['empty', 'id-only', 'full-resource']).optional(),
    _format: z.string().optional(),
  }),
  answers: { 200: { description: 'A notification: a Bundle of type history.', schema: bundle } },
  async handle({ caller, parameters: { id }, query, origin }, services) {
    const row = await ofOwn(id, caller, services);
    const { eventsSinceNumber: since, eventsUntilNumber: until, content = 'id-only' } = query;
    const from = Number(since ?? Math.max(1, Number(row.events) - MOST_EVENTS + 1));
    const last = Number(until ?? row.events);
    const count = Math.min(MOST_EVENTS, Math.max(0, last - from + 1));
    const found = count === 0 ? [] : await services.subscriptions.journal.events(id, from, count);
    const baseUrl = `${origin}/fhir/R4`;
    const events = await shownTo({ caller, baseUrl }, found, content, sendableBy(services));
    return { headers: FHIR, body: notificationOf({ row, type: 'query-event', baseUrl, content, events }) };
  },
});

const DEFINITIONS = 'http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition';
/** For the CapabilityStatement. */
export const OPERATIONS_OF_SUBSCRIPTIONS = ['status', 'events'].map((name) => ({
  ...{ name, definition: `${DEFINITIONS}/backport-subscription-${name}` },
}));
export const TOPICS = [
  {
    url: 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical',
    valueCanonical: RECORDED,
  },
];
