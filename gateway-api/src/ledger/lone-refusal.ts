/** A refusal that others, on the same blocks, do not share: what is lacking is an endorser. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

export class LoneRefusal extends LedgerError {
  /** MSP ids of those that refuse. */
  readonly by: readonly string[];

  constructor({ code, reason, expression }: LedgerError, by: readonly string[]) {
    super(code, reason, expression);
    this.by = by;
  }
}
