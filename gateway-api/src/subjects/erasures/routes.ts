/** How erasures stand. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { ErasureStanding } from './requests.ts';

const erasureSchema = z
  .object({
    id: z.string(),
    record: z.string().meta({ description: '`Type/id`' }),
    provider: z.string(),
    status: z.enum(['waiting', 'marked', 'erased']).meta({
      description: 'waiting for its mark; shown nowhere any more; nothing of its text is left.',
    }),
    since: z.string().optional().meta({ description: 'ISO 8601 UTC; when it was asked for here.' }),
    waitsFor: z.array(z.string()).optional().meta({
      description: 'Organisations whose endorsement of the mark was lacking at the last try.',
    }),
    held: z
      .array(z.enum(['content', 'copies']))
      .optional()
      .meta({ description: 'What is still to be purged, as far as this organisation holds it.' }),
    markedAt: z.string().optional(),
    purgedAt: z.string().optional(),
    transactionId: z.string().optional().meta({ description: 'Of the mark.' }),
  })
  .meta({ id: 'Erasure' });

function shown({ id, type, record, provider, status, since, waitsFor, held, mark }: ErasureStanding): object {
  return {
    ...{ id, record: `${type}/${record}`, provider, status },
    ...(since === undefined ? {} : { since }),
    ...(waitsFor.length === 0 ? {} : { waitsFor }),
    ...(held.length === 0 ? {} : { held }),
    ...(mark === undefined ? {} : { markedAt: mark.marked_at, transactionId: mark.transaction_id }),
    ...(mark === undefined || mark.purged_at === null ? {} : { purgedAt: mark.purged_at }),
  };
}

export const erasure = route({
  method: 'get',
  path: '/erasures/:id',
  summary: 'How the erasure of a record stands.',
  roles: ['patient', 'system'],
  parameters: z.object({ id: z.string().meta({ description: 'As the Location of the answer of $erase has it.' }) }),
  answers: { 200: { description: 'The erasure as it stands.', schema: erasureSchema } },
  async handle({ caller, parameters }, { erasures, readLog }) {
    const own = compartmentOf(caller);
    const found = await erasures.standing(parameters.id);
    const isOthers = own !== undefined && found?.patient !== own;
    if (found !== undefined) {
      const about = aboutOf(isOthers ? 'refused' : 'shown', [{ patient: found.patient ?? null, id: found.record }]);
      await readLog.note(caller, { interaction: 'erasure', type: found.type, about });
    }
    if (found === undefined || isOthers) throw new LedgerError('NOT_FOUND', 'there is no such erasure');
    return { body: shown(found) };
  },
});
