/**
 * The signals: what is unusual about a claim without speaking against it. A signal never denies. It weighs, and from a score on the
 * claim waits for somebody who looks at it. Limits and weights are the payer's, dated by the days of service, or else those here.
 */

import { countingOn } from '../model/claim-tables.ts';
import type { Finding } from '../model/claims.ts';
import type { ClaimFacts, ClaimSignal } from './claim-facts.ts';
import {
  claimedLate,
  deathUndated,
  dispenseOutstanding,
  facilityAtDistance,
  renderedByAnother,
} from './claim-signals/of-claim.ts';

export const CLAIM_SIGNALS: readonly ClaimSignal[] = [
  deathUndated,
  dispenseOutstanding,
  claimedLate,
  facilityAtDistance,
  renderedByAnother,
];

/** The first day that a claim bills: which of the payer's limits count. */
const dayOf = ({ bill }: ClaimFacts): string => bill.items.map(({ first }) => first).sort()[0] ?? '';

/** The signals that a claim raises, each with what it was raised by, its limit and its weight; none for one that weighs nothing. */
export function signalsOf(facts: ClaimFacts): Finding[] {
  const day = dayOf(facts);
  return CLAIM_SIGNALS.flatMap((signal) => {
    const own = facts.tables?.signals?.[signal.name];
    const [loaded] = countingOn(own === undefined ? [] : [own], day);
    const { limit = signal.limit, weight } = loaded ?? { weight: signal.weight };
    if (weight === 0) return [];
    const raised = signal.judge(facts, limit ?? 0);
    return raised.map(
      (found): Finding => ({
        ...{ edit: signal.name, version: signal.version, outcome: 'signal', weight },
        facts: { ...found, ...(limit === undefined ? {} : { limit }) },
      }),
    );
  });
}
