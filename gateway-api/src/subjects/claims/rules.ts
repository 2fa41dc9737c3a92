/** What a payer has settled about deciding claims: read and set at its own gateway. */
import { claimRulesInputSchema, claimRulesSchema } from '@telemed-ledger/chaincode/model/claim-rules.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import { textOf } from './claims.ts';

const newestOf = (index: ReadModel, payer: string): Promise<number> =>
  index.evidence.newest(collections.billing(payer), privateKeys.claimRules(payer, 0).slice(0, -1));

const shownSchema = claimRulesInputSchema.extend({ loadedAt: z.string().optional() }).meta({ id: 'ClaimRules' });

export const getClaimRules = route({
  method: 'get',
  path: '/claim-rules',
  summary:
    'From which amounts on people sign, how long a decision may be appealed, from which score on a claim is pended (payer).',
  roles: ['system', 'adjudicator'],
  answers: {
    200: {
      description: 'By the days from which they count; none where none are set.',
      schema: z.object({ terms: z.array(z.any()), loadedAt: z.string().optional() }),
    },
  },
  async handle(_, { index, organisation: { name } }) {
    const generation = await newestOf(index, name);
    if (generation === 0) return { body: { terms: [] } };
    const text = await textOf(index, collections.billing(name), privateKeys.claimRules(name, generation));
    const { terms, loadedAt } = claimRulesSchema.parse(JSON.parse(text));
    return { body: { terms, loadedAt } };
  },
});

export const setClaimRules = route({
  method: 'put',
  path: '/claim-rules',
  summary: 'Sets them, all at once (payer). Amounts are minor units; what is left out does not count.',
  body: claimRulesInputSchema,
  transaction: 'SetClaimRules',
  answers: { 200: { description: 'What was set.', schema: shownSchema.extend({ transactionId: z.string() }) } },
  async handle({ caller, body, idempotency }, { index, ledger, idempotent, organisation: { name } }) {
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        const known = await newestOf(index, name);
        return ledger.submit('SetClaimRules', {}, { ...body, salt: newSalt(), known }, sending);
      },
    }));
    const { transactionId } = outcome;
    return { body: { terms: body.terms, transactionId }, transactionId };
  },
});
