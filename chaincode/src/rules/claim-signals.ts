/**
 * The signals: what is unusual about a claim without speaking against it. A signal never denies. It weighs, and from a score on the
 * claim waits for somebody who looks at it. Limits and weights are the payer's, dated by the days of service, or else those here.
 */
import { entriesOfBill } from '../model/activities.ts';
import type { Finding } from '../model/claims.ts';
import { judgedOver, OVER_TIME, settingOf } from '../model/over-time.ts';
import type { ClaimFacts, ClaimSignal } from './claim-facts.ts';
import {
  claimedLate,
  deathUndated,
  dispenseOutstanding,
  facilityAtDistance,
  patientAlike,
  renderedByAnother,
  visitDisputed,
  visitUnconfirmed,
} from './claim-signals/of-claim.ts';

/** What this and other claims say together. */
const overTime: readonly ClaimSignal[] = OVER_TIME.map((signal) => ({
  ...signal,
  judge: (facts, limit) => {
    const own = { claimId: facts.bill.claimId, provider: facts.provider.name, entries: entriesOfBill(facts) };
    const raised = judgedOver(own, facts.activities ?? [], facts.tables)(signal, limit);
    return raised.map(({ facts: found, claims }) => ({ ...found, claims: claims.length }));
  },
}));

export const CLAIM_SIGNALS: readonly ClaimSignal[] = [
  deathUndated,
  dispenseOutstanding,
  claimedLate,
  facilityAtDistance,
  renderedByAnother,
  patientAlike,
  visitDisputed,
  visitUnconfirmed,
  ...overTime,
];

/** The first day that a claim bills: which of the payer's limits count. */
const dayOf = ({ bill }: ClaimFacts): string => bill.items.map(({ first }) => first).sort()[0] ?? '';

/** The signals that a claim raises, each with what it was raised by, its limit and its weight; none for one that weighs nothing. */
export function signalsOf(facts: ClaimFacts): Finding[] {
  const day = dayOf(facts);
  return CLAIM_SIGNALS.flatMap((signal) => {
    const { limit, weight } = settingOf(signal, facts.tables, day);
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
