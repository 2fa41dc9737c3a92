/** Subscriptions over HTTP (hl7.org/fhir/R4/subscription.html): made, read, listed and changed by whose they are. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { demandScope } from '../../auth/scopes.ts';
import { route } from '../../http/routes.ts';
import type { Subscription } from '../../idempotency/subscriptions.ts';
import type { Services } from '../services.ts';
import { allowedAs } from './hook.ts';
import { type Asked, askedIn, ownersOf, SUBSCRIBING } from './subscription.ts';

const BASE = '/fhir/R4';
export const PATH = `${BASE}/Subscription`;
export const ROLES = ['patient', 'system', 'practitioner'] as const;
export const FHIR = { 'Content-Type': 'application/fhir+json; charset=utf-8' };
/** Of one owner. */
const MOST = 20;

const bodySchema = z
  .record(z.string(), z.unknown())
  .meta({ id: 'Subscription', description: 'A Subscription of FHIR R4.' });
const parameters = z.object({ id: z.string().max(64).meta({ description: 'Id of the Subscription.' }) });
const answers = { description: 'The Subscription; `error` says why it was given up.', schema: bodySchema };

const headersOf = ({ version, updated_at: at }: Subscription): Record<string, string> => ({
  ...{ ...FHIR, ETag: `W/"${version}"`, 'Last-Modified': new Date(at).toUTCString() },
});

function shown({ id, resource, status, error, version, updated_at: lastUpdated }: Subscription): object {
  const { meta: _, error: __, ...sent } = JSON.parse(resource) as Record<string, unknown>;
  const meta = { versionId: String(version), lastUpdated };
  return { ...sent, id, meta, status, ...(error === null ? {} : { error }) };
}

/** What is asked, to a host that is allowed. @throws {LedgerError} INVALID */
function asked(body: Record<string, unknown>, caller: Caller, { subscriptions, organisation }: Services): Asked {
  if (!SUBSCRIBING.includes(organisation.kind)) throw new LedgerError('NOT_FOUND', 'nobody asks this organisation');
  const own = compartmentsOf(caller, 'read', 'answer');
  if (own === undefined && organisation.kind === 'custodian')
    throw new LedgerError('FORBIDDEN', 'here patients subscribe to what concerns them');
  const said = askedIn(body, own);
  // That something was recorded tells of it: who is told must be let find it, all of it, and read what is sent.
  if (said.search !== undefined)
    demandScope(caller, { type: said.search.type, acts: said.told === 'call' ? ['s'] : ['r', 's'] });
  if (allowedAs(said.endpoint, subscriptions.hosts) !== undefined) return said;
  throw new LedgerError('INVALID', 'is at no host that this gateway may call', 'Subscription.channel.endpoint');
}

/** What of the caller counts for what he may be told. */
const madeBy = ({ subject, role, fhirUser, client, scopes, linked }: Caller, origin: string): string =>
  JSON.stringify({ caller: { subject, role, fhirUser, client, scopes, linked }, baseUrl: `${origin}${BASE}` });

/** @throws {LedgerError} NOT_FOUND for one of somebody else's */
export async function ofOwn(id: string, caller: Caller, { subscriptions }: Services): Promise<Subscription> {
  const row = await subscriptions.journal.find(id);
  if (row !== undefined && ownersOf(caller).includes(row.owner)) return row;
  throw new LedgerError('NOT_FOUND', 'there is no such Subscription');
}

export const createSubscription = route({
  method: 'post',
  scope: { type: 'Subscription', acts: ['c'] },
  path: PATH,
  summary:
    'Subscribes to requests for access: a patient to those for her records, or (criteria ExplanationOfBenefit) to what becomes of claims for her, a provider or payer to its own, or (criteria ClaimResponse) to what becomes of its claims and requests for authorization, or (Observation?code=…) to records that a search finds. Notifications have no content, but for records where it is asked for.',
  roles: ROLES,
  body: bodySchema,
  answers: { 201: answers, 422: { description: 'What is not understood, or not supported, with the element.' } },
  async handle({ caller, body, origin }, services) {
    const { patient, status } = asked(body, caller, services);
    const { subscriptions } = services;
    const [owner = ''] = ownersOf(caller);
    const own = await subscriptions.journal.of([owner]);
    if (own.filter((row) => row.status !== 'off').length >= MOST)
      throw new LedgerError('CONFLICT', `there are ${MOST} subscriptions already: turn one off`);
    const row: Subscription = {
      ...{ id: randomUUID(), owner, patient: patient ?? null, resource: JSON.stringify(body), status, error: null },
      ...{ version: 1, failures: 0, due_at: null, told: subscriptions.head, updated_at: new Date().toISOString() },
      ...{ caller: madeBy(caller, origin), events: 0, sent: 0, sent_at: null },
    };
    await subscriptions.journal.add(row);
    services.wakeSubscribers();
    return { status: 201, headers: { ...headersOf(row), Location: `${PATH}/${row.id}/_history/1` }, body: shown(row) };
  },
});

export const readSubscription = route({
  method: 'get',
  scope: { type: 'Subscription', acts: ['r'] },
  path: `${PATH}/:id`,
  summary: 'A Subscription of the caller’s.',
  roles: ROLES,
  parameters,
  answers: { 200: answers },
  async handle({ caller, parameters: { id } }, services) {
    const row = await ofOwn(id, caller, services);
    return { headers: headersOf(row), body: shown(row) };
  },
});

export const updateSubscription = route({
  method: 'put',
  scope: { type: 'Subscription', acts: ['u'] },
  path: `${PATH}/:id`,
  summary: 'Changes a Subscription of the caller’s: `off` ends it, `requested` tries it again.',
  roles: ROLES,
  parameters,
  body: bodySchema,
  answers: { 200: answers, 422: { description: 'What is not understood, or not supported, with the element.' } },
  async handle({ caller, parameters: { id }, body, origin }, services) {
    const before = await ofOwn(id, caller, services);
    if (body['id'] !== id) throw new LedgerError('INVALID', 'is not the id of the address', 'Subscription.id');
    const { patient, status } = asked(body, caller, services);
    const { subscriptions } = services;
    const change = {
      ...{ patient: patient ?? null, resource: JSON.stringify(body), status, error: null, failures: 0, due_at: null },
      ...{ version: Number(before.version) + 1, updated_at: new Date().toISOString(), caller: madeBy(caller, origin) },
    };
    await subscriptions.journal.change(id, Number(before.version), change);
    services.wakeSubscribers();
    const row = await ofOwn(id, caller, services);
    return { headers: headersOf(row), body: shown(row) };
  },
});

export const listSubscriptions = route({
  method: 'get',
  scope: { type: 'Subscription', acts: ['s'] },
  path: PATH,
  summary: 'The Subscriptions of the caller’s, the last changed first.',
  roles: ROLES,
  // An ignored parameter could have asked for less.
  query: z.strictObject({
    status: z.enum(['requested', 'active', 'error', 'off']).optional(),
    _format: z.string().optional(),
  }),
  answers: { 200: { description: 'A Bundle of type searchset.', schema: z.record(z.string(), z.unknown()) } },
  async handle({ caller, query: { status } }, { subscriptions }) {
    const all = await subscriptions.journal.of(ownersOf(caller));
    const rows = all.filter((row) => status === undefined || row.status === status);
    const entry = rows.map((row) => ({ resource: shown(row), search: { mode: 'match' } }));
    const bundle = { resourceType: 'Bundle', type: 'searchset', total: rows.length };
    return { headers: FHIR, body: entry.length === 0 ? bundle : { ...bundle, entry } };
  },
});
