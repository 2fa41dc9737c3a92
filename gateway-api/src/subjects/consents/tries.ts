/** How a try to send a wish ended: committed, refused by the ledger, or lacking an endorser, so that it is to be sent again. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { Failure } from '../../http/failures.ts';
import type { Ending } from '../../idempotency/wishes.ts';
import { LedgerFailure } from '../../ledger/ledger-failure.ts';
import { LoneRefusal } from '../../ledger/lone-refusal.ts';
import type { Outcome } from '../../ledger/outcomes.ts';

export type Try = { outcome: Outcome } | { error: unknown };

/** Never rejects. */
export const ended = (sent: Promise<Outcome>): Promise<Try> =>
  sent.then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error }),
  );

/** Submitted, and not known to be committed. */
const STATUS_UNKNOWN = 504;

/**
 * The MSP ids of those whose endorsement was lacking, as far as they are known; undefined where that was not the reason.
 * An outcome that is not known is looked for when it is sent again.
 */
export function lackingIn(end: Try): readonly string[] | undefined {
  if ('outcome' in end) return undefined;
  const { error } = end;
  if (error instanceof LoneRefusal) return error.by;
  if (error instanceof LedgerFailure) return error.organisations;
  return error instanceof Failure && error.status === STATUS_UNKNOWN ? [] : undefined;
}

/** What the try has ended the wish with; undefined where it is to be sent again. */
export function endingOf(end: Try, version: number): Ending | undefined {
  if ('outcome' in end) return { status: 'done', version, transactionId: end.outcome.transactionId };
  if (lackingIn(end) !== undefined || !(end.error instanceof LedgerError)) return undefined;
  return { status: 'refused', reason: end.error.reason };
}

/** The promise's value; undefined when it takes longer. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
