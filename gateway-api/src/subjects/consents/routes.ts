/** What became of wishes that were answered with 202. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { nextPage, pageCount } from '../../http/paging.ts';
import { route } from '../../http/routes.ts';
import type { Wish } from '../../idempotency/wishes.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { inForce } from './transactions.ts';

const wishSchema = z
  .object({
    id: z.string(),
    consent: z.string().meta({ description: '`Consent/<id>`' }),
    change: z.enum(['grant', 'amend', 'revoke']),
    status: z.enum(['pending', 'done', 'refused', 'superseded']),
    since: z.string().meta({ description: 'ISO 8601 UTC.' }),
    endedAt: z.string().optional(),
    waitsFor: z.array(z.string()).optional().meta({
      description: 'Organisations whose endorsement was lacking at the last try.',
    }),
    versionInForce: z.int().optional().meta({ description: 'Of the consent, now; absent where none is in force.' }),
    reason: z.string().optional().meta({ description: 'Why the ledger refused it.' }),
    version: z.int().optional().meta({ description: 'That was written.' }),
    transactionId: z.string().optional(),
  })
  .meta({ id: 'Wish' });

/** Everybody else sees no health data of the custodian's. */
const ROLES = ['patient', 'system'] as const;

async function shown(wish: Wish, services: Services): Promise<object> {
  const { id, consent, kind, status, created_at: since, ended_at: endedAt, waits_for: waitsFor } = wish;
  const { reason, version, transaction_id: transactionId } = wish;
  const said = { endedAt, reason, version, transactionId, versionInForce: await inForce(services, wish) };
  return {
    ...{ id, consent: `Consent/${consent}`, change: kind, status, since },
    ...(waitsFor === null || waitsFor === '' ? {} : { waitsFor: waitsFor.split(',') }),
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null && value !== undefined)),
  };
}

const noteWishes = (
  caller: Caller,
  outcome: 'shown' | 'refused',
  found: readonly Wish[],
  { readLog }: Pick<Services, 'readLog'>,
): Promise<void> => {
  const about = aboutOf(
    outcome,
    found.map(({ patient, consent: id }) => ({ patient, id })),
  );
  return readLog.note(caller, { interaction: 'read', type: 'Consent', about });
};

export const wish = route({
  method: 'get',
  path: '/wishes/:id',
  summary: 'What became of a change of a consent that lacked an endorser.',
  roles: ROLES,
  parameters: z.object({ id: z.string().meta({ description: 'As the Location of the answer 202 has it.' }) }),
  answers: { 200: { description: 'The wish as it stands.', schema: wishSchema } },
  async handle({ caller, parameters }, services) {
    const own = compartmentOf(caller, 'read', 'answer', 'revoke');
    const found = await services.wishes.find(parameters.id);
    const isOthers = own !== undefined && found?.patient !== own;
    if (found !== undefined) await noteWishes(caller, isOthers ? 'refused' : 'shown', [found], services);
    if (found === undefined || isOthers) throw new LedgerError('NOT_FOUND', 'there is no such wish');
    return { body: await shown(found, services) };
  },
});

export const wishes = route({
  method: 'get',
  path: '/wishes',
  summary: 'The changes of consents that lacked an endorser, oldest first, in pages.',
  roles: ROLES,
  query: z.object({
    count: pageCount,
    after: z.coerce.number().int().min(0).optional().meta({ description: 'As `next` has it.' }),
  }),
  answers: {
    200: {
      description: 'A page of wishes.',
      schema: z.object({
        wishes: z.array(wishSchema),
        next: nextPage,
      }),
    },
  },
  async handle({ caller, query: { count, after } }, services) {
    const page = await services.wishes.page(compartmentOf(caller, 'read', 'answer', 'revoke'), { count, after });
    await noteWishes(caller, 'shown', page, services);
    const body = await Promise.all(page.map((one) => shown(one, services)));
    const last = page.length < count ? undefined : page.at(-1);
    const next = last === undefined ? {} : { next: `/wishes?count=${count}&after=${last.sequence}` };
    return { body: { wishes: body, ...next } };
  },
});
