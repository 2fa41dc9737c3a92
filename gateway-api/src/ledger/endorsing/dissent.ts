/** Two ways in which a round of endorsement ends without one result, while every peer that was asked is well. */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Difference, differenceOf } from './differences.ts';
import { type Endorsement, isSameResult } from './endorsement.ts';

/** The chaincode refused, at some or at all. */
export class Refused extends Error {
  readonly refusal: LedgerError;
  /** MSP ids. */
  readonly by: readonly string[];
  /** Whether this gateway's own peer refuses it too, and nobody is known to have accepted it: no lag explains that. */
  readonly isFinal: boolean;
  /** Where others, who accepted it, computed different results. */
  readonly dissent: Differing | undefined;

  constructor(refusal: LedgerError, by: readonly string[], isFinal: boolean, dissent?: Differing) {
    super(refusal.message);
    this.refusal = refusal;
    this.by = by;
    this.isFinal = isFinal;
    this.dissent = dissent;
  }
}

/** Endorsers computed different results. */
export class Differing extends Error {
  /** MSP ids by the result that they computed: the smallest group first. */
  readonly groups: readonly (readonly string[])[];
  readonly difference: Difference;

  constructor(endorsements: readonly [Endorsement, ...Endorsement[]]) {
    super('endorsers computed different results');
    const [first] = endorsements;
    const other = endorsements.find((one) => !isSameResult(first, one)) ?? first;
    this.groups = groupsOf(endorsements);
    this.difference = differenceOf(first.payload, other.payload);
  }
}

function groupsOf(endorsements: readonly Endorsement[]): string[][] {
  const byResult = new Map<string, string[]>();
  for (const { organisation, payload } of endorsements) {
    const result = payload.toString('latin1');
    byResult.set(result, [...(byResult.get(result) ?? []), organisation]);
  }
  return [...byResult.values()].sort((a, b) => a.length - b.length);
}
