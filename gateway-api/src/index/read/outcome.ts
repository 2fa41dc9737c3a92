/** The outcome of a transaction, from its row. */
import type { Outcome } from '../../ledger/outcomes.ts';
import type { TransactionsTable } from '../schema.ts';

/** How a transaction ended, as its block says. */
export const outcomeOf = (row: TransactionsTable): Outcome => ({
  transactionId: row.transaction_id,
  code: row.code,
  block: row.block,
  endorsers: row.endorsers.split(',').filter((mspId) => mspId !== ''),
  time: row.time,
});
