/**
 * The desk's queue: claims of this payer or provider by how they stand on the ledger, with as much of each Claim as tells which to take
 * next. Who it is about is read by FHIR, where the read is written down.
 */
import { CLAIM_STATUSES } from '@telemed-ledger/chaincode/model/claim-steps.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { isNumber, numberOf, parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { practitionerSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { nextPage, pageCount } from '../../http/paging.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import type { OwnPage, PageOptions } from '../../index/read/own-states.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Services } from '../services.ts';
import { billedText } from './billed.ts';

/** Claims that are looked through for one page: whoever asks for few of many gets `next` and goes on. */
const MOST_LOOKED_AT = 1_000;

const amountSchema = z.object({ value: z.number(), currency: z.string() });
const rowSchema = z
  .object({
    ...{ id: z.string(), status: z.enum(CLAIM_STATUSES), provider: z.string(), payer: z.string() },
    ...{ reason: z.string().optional(), submittedAt: z.string(), updatedAt: z.string() },
    ...{ use: z.string().optional(), type: z.string().optional(), priority: z.string().optional() },
    ...{ created: z.string().optional(), lines: z.int(), billed: amountSchema.optional() },
    assignee: z.string().optional(),
  })
  .meta({ id: 'DeskClaim' });
type Row = z.infer<typeof rowSchema>;

/** http://hl7.org/fhir/claim-use */
const USES = ['claim', 'preauthorization', 'predetermination'] as const;
const day = z.iso.date();
const amount = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,4})?$/, 'must be an amount')
  .transform(Number);
const querySchema = z.strictObject({
  status: z.enum(CLAIM_STATUSES).optional().meta({ description: 'As the ledger has it (docs/claims.md).' }),
  provider: z.string().optional().meta({ description: 'Name of the member that billed.' }),
  edit: z.string().optional().meta({ description: 'The edit or reason that denied it.' }),
  patient: patientNamed,
  priority: z.string().optional().meta({ description: 'stat, normal, deferred.' }),
  use: z.enum(USES).optional().meta({
    description: 'claim; of the others, which are requests for authorization, GET /authorizations is the list.',
  }),
  created: day.optional().meta({ description: 'Claim.created is this day.' }),
  type: z.string().optional().meta({ description: 'professional, institutional, pharmacy, oral, vision.' }),
  since: day.optional().meta({ description: 'Submitted on this day (UTC) or later.' }),
  until: day.optional().meta({ description: 'Submitted on this day (UTC) or earlier.' }),
  least: amount.optional().meta({ description: 'Billed: at least so much.' }),
  most: amount.optional().meta({ description: 'Billed: at most so much.' }),
  assignee: z
    .union([z.literal('none'), practitionerSchema])
    .optional()
    .meta({ description: 'At a payer: Practitioner/<id> who works on it, or `none`.' }),
  count: pageCount,
  after: z.string().max(20).regex(/^\d+$/).optional().meta({ description: 'Given by `next`.' }),
});
type Query = z.infer<typeof querySchema>;

const codeIn = (concept: unknown): string | undefined =>
  (concept as { coding?: { code?: string }[] } | undefined)?.coding?.[0]?.code;

/** What is billed in all: the total, or the sum of the lines. Sums of a queue; amounts that are owed are the decision's. */
function billedIn(claim: Resource): Row['billed'] {
  const items = (claim['item'] ?? []) as { net?: unknown }[];
  const amounts = (claim['total'] === undefined ? items.map(({ net }) => net) : [claim['total']]) as {
    value?: unknown;
    currency?: string;
  }[];
  const known = amounts.filter((one) => isNumber(one?.value));
  const [first] = known;
  if (first?.currency === undefined) return undefined;
  const cents = known.reduce((sum, { value }) => sum + Math.round(numberOf(value as number) * 100), 0);
  return { value: cents / 100, currency: first.currency };
}

function rowOf({ id, status, provider, payer, reason, submittedAt, updatedAt }: ClaimState, claim: Resource): Row {
  const billed = billedIn(claim);
  const said = {
    ...{ reason, use: claim['use'], created: claim['created'] },
    ...{ type: codeIn(claim['type']), priority: codeIn(claim['priority']), billed },
  };
  const known = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return {
    ...{ id, status, provider, payer, submittedAt, updatedAt },
    lines: (claim['item'] as unknown[]).length,
    ...known,
  };
}

/** What the state alone tells. */
const isStanding = (query: Query, { provider, reason, submittedAt }: ClaimState): boolean =>
  (query.provider === undefined || query.provider === provider) &&
  (query.edit === undefined || query.edit === reason) &&
  (query.since === undefined || submittedAt.slice(0, 10) >= query.since) &&
  (query.until === undefined || submittedAt.slice(0, 10) <= query.until);

function isAsked(query: Query, row: Row, claim: Resource): boolean {
  const patient = (claim['patient'] as { reference?: string } | undefined)?.reference;
  const value = row.billed?.value;
  return (
    (query.patient === undefined || patient === `Patient/${query.patient}`) &&
    (query.priority === undefined || query.priority === row.priority) &&
    (query.type === undefined || query.type === row.type) &&
    (query.use === undefined || query.use === row.use) &&
    (query.created === undefined || query.created === row.created?.slice(0, 10)) &&
    (query.least === undefined || (value !== undefined && value >= query.least)) &&
    (query.most === undefined || (value !== undefined && value <= query.most))
  );
}

async function claimOf(index: ReadModel, own: string, state: ClaimState): Promise<Resource | undefined> {
  const text = await billedText(index, own, state);
  return text === undefined ? undefined : (parseExact(text) as { resource: Resource }).resource;
}

type Desk = Pick<Services, 'index' | 'organisation' | 'desk'>;

/** Those that somebody works on are found by that: there are fewer of them. */
async function statesOf({ index, desk }: Desk, { assignee, status }: Query, page: PageOptions): Promise<OwnPage> {
  if (assignee === undefined || assignee === 'none') return index.own.page('claim', { ...page, status });
  return index.own.pageAmong('claim', await desk.claimsOf(assignee), { ...page, status });
}

/** A page of those that are asked for, oldest first, and where the next one begins. */
async function pageOf(services: Desk, query: Query) {
  const { index, organisation, desk } = services;
  const claims: Row[] = [];
  const own = collections.billing(organisation.name);
  let { after } = query;
  for (let looked = 0; looked < MOST_LOOKED_AT; ) {
    const page = await statesOf(services, query, { count: query.count - claims.length, after });
    const assignees = await desk.assignees(page.rows.map(({ id }) => id));
    for (const row of page.rows) {
      const assignee = assignees.get(row.id);
      if (query.assignee === 'none' && assignee !== undefined) continue;
      const state = claimStateSchema.parse(JSON.parse(row.read().value));
      const claim = isStanding(query, state) ? await claimOf(index, own, state) : undefined;
      const shown = claim && rowOf(state, claim);
      if (shown !== undefined && isAsked(query, shown, claim!))
        claims.push({ ...shown, ...(assignee === undefined ? {} : { assignee }) });
    }
    looked += page.rows.length;
    after = page.next;
    if (after === undefined || claims.length >= query.count) break;
  }
  return { claims, after };
}

export const listClaims = route({
  method: 'get',
  path: '/claims',
  summary: 'Claims of this payer or provider by how they stand, oldest first, in pages: what a desk takes next.',
  roles: ['system', 'adjudicator', 'practitioner'],
  query: querySchema,
  answers: {
    200: {
      description:
        'A page, without whom they are about; fewer than `count`, and `next`, where many were looked through.',
      schema: z.object({ claims: z.array(rowSchema), next: nextPage }),
    },
  },
  async handle({ query }, services) {
    if (query.assignee !== undefined && services.organisation.kind !== 'payer')
      throw new LedgerError('INVALID', 'is known at a payer alone', 'assignee');
    if (query.use !== undefined && query.use !== 'claim')
      throw new LedgerError('INVALID', 'is no claim; GET /authorizations lists requests for authorization', 'use');
    for (const [from, to] of [
      ['least', 'most'],
      ['since', 'until'],
    ] as const)
      if (query[from] !== undefined && query[to] !== undefined && query[from] > query[to])
        throw new LedgerError('INVALID', `is more than ${to}`, from);
    const { claims, after } = await pageOf(services, query);
    const asked = Object.entries({ ...query, after }).filter(([, value]) => value !== undefined);
    const next = new URLSearchParams(asked.map(([name, value]): [string, string] => [name, String(value)]));
    return { body: { claims, ...(after === undefined ? {} : { next: `/claims?${next}` }) } };
  },
});
