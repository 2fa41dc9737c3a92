/** What a member has used of a plan year: for the payer. */
import { planYearOf, sumsSchema } from '@telemed-ledger/chaincode/model/accumulators.ts';
import { daySchema, idSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { usedByFamily, usedOf } from './plans.ts';

const familySchema = sumsSchema
  .pick({ deductible: true, outOfPocket: true })
  .optional()
  .meta({ description: 'Of all members of the family, where the plan has terms of families.' });

export const planUsage = route({
  method: 'get',
  path: '/plan-usage/:coverage',
  summary: 'What a member has used of the plan year that a day is in (payer).',
  kind: 'payer',
  roles: ['system', 'adjudicator'],
  parameters: z.object({ coverage: idSchema }),
  query: z.strictObject({ date: daySchema.optional().meta({ description: 'Today where it is left out.' }) }),
  answers: {
    200: {
      description: 'Minor units, and units of services by the categories of the plan.',
      schema: sumsSchema
        .extend({ coverage: idSchema, year: daySchema, family: familySchema })
        .meta({ id: 'PlanUsage' }),
    },
  },
  async handle(
    { parameters: { coverage }, query: { date = new Date().toISOString().slice(0, 10) } },
    { index, organisation },
  ) {
    const year = planYearOf(date);
    const row = await index.newestRow('Coverage', coverage);
    const family = row && (await usedByFamily(index, organisation.name, index.stored(row).resource, date));
    const used = await usedOf(index, organisation.name, coverage, year);
    const { deductible, outOfPocket } = family ?? {};
    return { body: { coverage, year, ...used, ...(family && { family: { deductible, outOfPocket } }) } };
  },
});
