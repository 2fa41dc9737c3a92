/** What a transaction shows to its endorsers, from the read model, may be older by a moment than what the ledger holds. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

/** Where the chaincode says that it was shown what is not the newest. */
const SHOWN =
  /^(private\.)?(answers|authorizations|beside|bookings|checks|coverage|dispenses|feeSchedule|fingerprintKey|buckets?|keys|known|lots|order|paymentTerms|plan|prior|screening|services|states|tables|usage|visits)\b/;

/** Whether the chaincode refused because the ledger holds something newer than it was shown. */
export const isOutdated = (error: unknown): error is LedgerError =>
  error instanceof LedgerError && error.code === 'CONFLICT' && SHOWN.test(error.expression ?? '');
