/**
 * What the signals of a claim come to. A signal says that something is unusual and why; it never denies: from a score on, the claim
 * waits for somebody who looks at it.
 */
import type { Finding } from '../model/claims.ts';

/** The weights of the signals in sum; of one that was raised several times the heaviest. */
export function scoreOf(findings: readonly Finding[]): number {
  const weights = new Map<string, number>();
  for (const { edit, outcome, weight = 0 } of findings)
    if (outcome === 'signal') weights.set(edit, Math.max(weight, weights.get(edit) ?? 0));
  return [...weights.values()].reduce((sum, weight) => sum + weight, 0);
}
