/** What the ledger knows of a transaction: when it was committed, with which outcome, endorsed by whom. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { Router } from 'express';
import { handler } from '../../http/locals.ts';
import { type ReadModel, receiptOf } from '../../index/read/queries.ts';

export function receipts(index: ReadModel, channel: string): Router {
  const router = Router();
  router.get(
    '/receipts/:transactionId',
    handler(async (request, response) => {
      const row = await index.transaction(String(request.params['transactionId']));
      if (row === undefined) throw new LedgerError('NOT_FOUND', 'this peer has committed no such transaction');
      const event = row.event === null ? {} : { event: row.event };
      response.json({ ...receiptOf(row), validationCode: row.code, creator: row.creator, channel, ...event });
    }),
  );
  return router;
}
