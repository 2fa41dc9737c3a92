/**
 * What becomes of a claim once the rules have said what they come to: it is decided, or it waits for somebody, and what is to be paid
 * or owed back by what was paid before. People decide within the rules: they deny, pend or reduce, and raise nothing.
 */

import { type ClaimTerms, PEND_AT_SCORE } from '../model/claim-rules.ts';
import type { ClaimStatus } from '../model/claim-steps.ts';
import type { HumanDecision } from '../model/claims.ts';
import type { ClaimState } from '../model/values.ts';
import { type Adjudication, type Decided, statusOf, sumOf } from './adjudication.ts';

/** A person's decision, and who it is as the certificate says. */
export interface Human {
  decision: HumanDecision;
  by: string;
}

export interface OutcomeFacts {
  before: Pick<ClaimState, 'status' | 'signers' | 'deciders' | 'paid' | 'appealOf'>;
  /** With what a person denied or reduced. */
  adjudication: Adjudication;
  /** Records that it rests on have newer versions. */
  isOutdated: boolean;
  /** Of the claim's signals. */
  score: number;
  terms: ClaimTerms;
  human: Human | undefined;
  /** Minor units; of the decision that is appealed against. */
  earlierBenefit: number | undefined;
}

export interface Outcome {
  status: ClaimStatus;
  /** Why it waits; a name, never a fact. */
  waitsFor?: string;
  /** Minor units that are to be paid now, and that are owed back. */
  due: number;
  owedBack: number;
  signers: readonly string[];
  /** Of an appeal. */
  appeal?: 'upheld' | 'overturned';
}

/** Why a person may not decide this; undefined where he may, and where nobody decides and nobody has to. */
export function whyNot(
  { status, signers = [], deciders = [], appealOf }: OutcomeFacts['before'],
  human?: Human,
): string | undefined {
  if (human === undefined) return status === 'submitted' ? undefined : 'a person is to decide it';
  if (signers.includes(human.by)) return 'the same person has signed it';
  if (appealOf !== undefined && deciders.includes(human.by)) return 'who decided it decides no appeal against that';
  return undefined;
}

/** How many people sign for an amount, minor units of a currency. */
function signaturesFor(units: number, currency: string, terms: ClaimTerms): number {
  const isBeyond = (limit: number | undefined): boolean =>
    limit !== undefined && units > 0 && (units > limit || currency !== terms.currency);
  return isBeyond(terms.secondAbove) ? 2 : isBeyond(terms.signAbove) ? 1 : 0;
}

/** What a claim waits for whose provider is to show its records as they are now: an edit's name. */
export const OUTDATED = 'evidence-outdated';

const waiting = (status: ClaimStatus, waitsFor: string, signers: readonly string[] = []): Outcome => ({
  ...{ status, waitsFor, due: 0, owedBack: 0, signers },
});

/** What becomes of it, by whoever may decide it: see {@link whyNot}. */
export function outcomeOf(facts: OutcomeFacts): Outcome {
  const { before, adjudication, isOutdated, score, terms, human, earlierBenefit } = facts;
  const { benefit } = adjudication.total;
  if (human?.decision.outcome === 'pend') return waiting('pended', 'adjudicator');
  if (isOutdated && human?.decision.outcome !== 'deny') return waiting('pended', OUTDATED);
  if (human === undefined && benefit > 0 && score >= (terms.pendAtScore ?? PEND_AT_SCORE))
    return waiting('pended', 'signals');
  const paid = before.paid?.units ?? 0;
  const isUpheld = earlierBenefit !== undefined && benefit <= earlierBenefit;
  const [due, owedBack] = isUpheld ? [0, 0] : [Math.max(0, benefit - paid), Math.max(0, paid - benefit)];
  const signers = [...(before.signers ?? []), ...(human === undefined ? [] : [human.by])];
  const needed = Math.max(earlierBenefit === undefined ? 0 : 1, signaturesFor(due, adjudication.currency, terms));
  if (signers.length < needed)
    return waiting(signers.length === 0 ? 'queued' : 'countersign', `signature ${signers.length + 1}`, signers);
  const status =
    due > 0 ? adjudication.status : benefit > 0 || (isUpheld && paid > 0) ? 'satisfied' : adjudication.status;
  const appeal =
    earlierBenefit === undefined ? {} : { appeal: isUpheld ? ('upheld' as const) : ('overturned' as const) };
  return { status, due, owedBack, signers, ...appeal };
}

/** The same with so much less of it paid, down into its parts. */
function lessOf(decided: Decided, units: number): Decided {
  let left = Math.min(units, decided.benefit);
  const taken = left;
  const parts = decided.parts.map((part) => {
    const of = Math.min(left, part.benefit);
    left -= of;
    return of === 0 ? part : lessOf(part, of);
  });
  return {
    ...decided,
    ...{ eligible: decided.eligible - taken, benefit: decided.benefit - taken, reduction: decided.reduction + taken },
    ...{ parts, adjustments: [...decided.adjustments, { name: 'adjudicator', units: taken }] },
  };
}

/** Lines by how much less of each is paid; of several reductions of a line the largest. */
export function reductionsOf(decisions: readonly Pick<HumanDecision, 'reductions'>[]): Map<number, number> {
  const all = new Map<number, number>();
  for (const { sequence, units } of decisions.flatMap(({ reductions = [] }) => reductions))
    all.set(sequence, Math.max(units, all.get(sequence) ?? 0));
  return all;
}

/** An adjudication with less paid of some lines, by their sequences. What is more than a line's benefit takes all of that. */
export function reduced(adjudication: Adjudication, reductions: ReadonlyMap<number, number>): Adjudication {
  const items = adjudication.items.map((item) => {
    const units = reductions.get(item.sequence) ?? 0;
    return units === 0 || item.benefit === 0 ? item : lessOf(item, units);
  });
  const total = sumOf(items);
  return { ...adjudication, items, total, status: statusOf(total) };
}
