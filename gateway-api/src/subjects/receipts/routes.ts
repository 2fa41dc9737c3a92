/** What the ledger knows of a transaction: when it was committed, with which outcome, endorsed by whom. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { outcomeOf } from '../../index/read/outcome.ts';

const receiptSchema = z
  .object({
    transactionId: z.string(),
    block: z.int(),
    endorsers: z.array(z.string()).meta({ description: 'MSP ids.' }),
    time: z.iso.datetime().meta({ description: 'Time of the transaction.' }),
    validationCode: z.int().meta({ description: "Fabric's TxValidationCode; 0 is valid." }),
    creator: z.string().meta({ description: 'MSP id.' }),
    channel: z.string(),
    event: z.string().optional(),
  })
  .meta({ id: 'Receipt' });

export const receipt = route({
  method: 'get',
  path: '/receipts/:transactionId',
  summary: 'Block, validation code, creator and endorsers of a transaction.',
  parameters: z.object({ transactionId: z.string() }),
  answers: { 200: { description: 'The receipt.', schema: receiptSchema } },
  async handle({ parameters }, { index, channel }) {
    const row = await index.transaction(parameters.transactionId);
    if (row === undefined) throw new LedgerError('NOT_FOUND', 'this peer has committed no such transaction');
    const { code: validationCode, ...outcome } = outcomeOf(row);
    const event = row.event === null ? {} : { event: row.event };
    return { body: { ...outcome, validationCode, creator: row.creator, channel, ...event } };
  },
});
