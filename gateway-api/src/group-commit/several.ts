/** Groups of what has a transaction for one and a transaction for several: who is alone goes at once, as alone. */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Sender } from '../ledger/client.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import { GroupCommit, type GroupCommitOptions, type GroupLimits, type Sending } from './group-commit.ts';

const KIB = 1024;

/**
 * A group is what has come while the one before it was under way. Where several came before, a moment is waited: what a block brings
 * to do comes in a wave, and its first would take a transaction of its own while the others wait for all of it.
 */
const GATHERED = { gatherShare: 1 / 4, gatherMs: 100, companyMs: 10_000 };
const LIMITS = { inFlight: 1, spread: 32, items: 32, bytes: 1024 * KIB, ...GATHERED } as const;
/** Of the time that a write has: a group that took so much more than a transaction of few was too large, and one that took half of it. */
const SLOW_SHARE = 1 / 3;
const MOST_SHARE = 1 / 2;
/** More than this travels alone, as it does without groups: a group is as slow as the largest in it. */
export const LARGE_BYTES = 128 * KIB;

/** What of the gateway's own limits holds for these too. */
export type OwnLimits = Pick<GroupLimits, 'writes' | 'budgetMs'>;

export interface Several<Item, Sent> {
  limits: OwnLimits;
  /** How the chaincode names an item by its place, in a group. */
  place: RegExp;
  one: (item: Item, sending: Sending & { as: Sender }) => Promise<Sent>;
  several: (items: Item[], sending: Sending & { as: Sender }) => Promise<Sent>;
  onGroup?: (items: number) => void;
  onApart: NonNullable<GroupCommitOptions<unknown>['onApart']>;
}

/** Groups of such items. */
export function severalAtOnce<Item, Sent extends Outcome>({
  limits,
  place,
  one,
  several,
  onGroup,
  onApart,
}: Several<Item, Sent>): GroupCommit<Item, Sent> {
  return new GroupCommit<Item, Sent>({
    itemAtFault: (refusal) => placeIn(refusal, place),
    limits: {
      ...{ ...LIMITS, ...limits },
      slow: { slowMs: limits.budgetMs * SLOW_SHARE, mostMs: limits.budgetMs * MOST_SHARE },
    },
    ...(onGroup === undefined ? {} : { onGroup }),
    onApart,
    send: (as, items, sending) => {
      const [first, ...more] = items as [Item, ...Item[]];
      return more.length === 0 ? one(first, { as, ...sending }) : several(items, { as, ...sending });
    },
  });
}

/** Which item a refusal is of. */
export function placeIn({ expression }: Pick<LedgerError, 'expression'>, pattern: RegExp): number | undefined {
  const [, place] = pattern.exec(expression ?? '') ?? [];
  return place === undefined ? undefined : Number(place);
}
