/** The one failure that only transactions with writes of several callers know: nothing was written, send them apart. */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

/**
 * Nothing was written, and one of the writes that were sent together may be the reason: a refusal, a conflict, a record
 * that a peer does not hold yet. Whoever put the writes together sends them again apart.
 */
export class NotTogether extends Error {
  /** What the chaincode refused, where it did; its expression names the place in the private input. */
  readonly refusal: LedgerError | undefined;
  /** Whether every peer that was asked gave the refusal: then the same writes are refused again. */
  readonly isFinal: boolean;

  constructor(refusal?: LedgerError, isFinal = false) {
    super('nothing was written: one of the writes that were sent together may be the reason');
    this.name = 'NotTogether';
    this.refusal = refusal;
    this.isFinal = isFinal;
  }
}
