/** The fee schedules that a payer gives a provider. */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { newSalt } from '../../ledger/sender.ts';

const feeScheduleBody = transactions.LoadFeeSchedule.private!.omit({ salt: true, known: true });

export const loadFeeSchedule = route({
  method: 'put',
  path: '/fee-schedules/:provider',
  summary: 'Gives a provider its fee schedule (payer).',
  parameters: z.object({ provider: z.string() }),
  body: feeScheduleBody,
  large: true,
  transaction: 'LoadFeeSchedule',
  answers: {
    200: {
      description: 'What was loaded.',
      schema: z.object({ provider: z.string(), version: feeScheduleBody.shape.version, transactionId: z.string() }),
    },
  },
  async handle({ caller, parameters: { provider }, body, idempotency }, { index, ledger, idempotent, organisation }) {
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        const series = privateKeys.feeSchedule({ payer: organisation.name, provider }, 0).slice(0, -1);
        const own = collections.billing(organisation.name);
        const known = await index.evidence.newest(own, series);
        return ledger.submit('LoadFeeSchedule', { provider }, { ...body, salt: newSalt(), known }, sending);
      },
    }));
    const { transactionId } = outcome;
    return { body: { provider, version: body.version, transactionId }, transactionId };
  },
});
