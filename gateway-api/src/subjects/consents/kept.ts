/** The answer to a wish that is kept: what is in force meanwhile, what it waits for, and where to ask. */
import { Refusal } from '../../fhir/outcomes.ts';
import type { Wish } from '../../idempotency/wishes.ts';

const ACCEPTED = 202;
const RETRY_SECONDS = '5';

const placeOfWish = ({ id }: Pick<Wish, 'id'>): string => `/wishes/${id}`;

/** 202 with an OperationOutcome. It is thrown, so that nothing takes the wish for written. */
export class Kept extends Refusal {
  /**
   * @param version of the consent that is in force now; undefined where none is
   * @param transactionId of what was written all the same: the earlier version is withdrawn
   */
  constructor(wish: Wish, version: number | undefined, transactionId?: string) {
    const diagnostics = `${meaningOf(wish, version)} Its status is at ${placeOfWish(wish)}.`;
    super(
      ACCEPTED,
      { severity: 'information', code: 'informational', diagnostics },
      {
        ...{ Location: placeOfWish(wish), 'Retry-After': RETRY_SECONDS },
        ...(transactionId === undefined ? {} : { 'X-Transaction-Id': transactionId }),
      },
    );
  }
}

function meaningOf({ kind, provider, status, reason }: Wish, version: number | undefined): string {
  if (status === 'refused') return `The earlier version is withdrawn. The new one was refused: ${reason ?? ''}.`;
  if (status !== 'pending') return `This was kept, and is ${status}.`;
  switch (kind) {
    case 'grant':
      return `Kept. It takes effect when ${provider} has endorsed it; until then it permits nothing.`;
    case 'revoke':
      return `Kept. Version ${version ?? '?'} stays in force until another organisation has endorsed its end.`;
    case 'amend':
      return version === undefined
        ? `Kept. The earlier version is withdrawn; this one takes effect when ${provider} has endorsed it.`
        : `Kept. Version ${version} stays in force until ${provider} has endorsed this one.`;
  }
}
