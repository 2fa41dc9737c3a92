/** Implicit meta policies: so many of the sub-policies of one name in the groups below must be satisfied. */
import { common } from '@hyperledger/fabric-protos';
import type { Policy } from '../seams.ts';
import { thresholdSets } from './principal-sets.ts';

/** `subPolicies` has one entry per group below; undefined where a group has no policy of that name, which nobody satisfies. */
export function implicitMetaPolicy(
  config: common.ImplicitMetaPolicy,
  subPolicies: readonly (Policy | undefined)[],
): Policy {
  const threshold = thresholdOf(config, subPolicies.length);
  return {
    async evaluate(signed) {
      let satisfied = 0;
      for (const policy of subPolicies) {
        if (satisfied >= threshold) break;
        if (policy !== undefined && (await policy.evaluate(signed)) === undefined) satisfied += 1;
      }
      if (satisfied >= threshold) return undefined;
      return (
        `implicit policy evaluation failed - ${satisfied} sub-policies were satisfied, but this policy requires ` +
        `${threshold} of the '${config.getSubPolicy()}' sub-policies to be satisfied`
      );
    },
    principalSets: () =>
      thresholdSets(
        subPolicies.map((policy) => policy?.principalSets() ?? []),
        threshold,
      ),
  };
}

function thresholdOf(config: common.ImplicitMetaPolicy, groups: number): number {
  const { ANY, ALL, MAJORITY } = common.ImplicitMetaPolicy.Rule;
  if (groups === 0) return 0;
  switch (config.getRule()) {
    case ANY:
      return 1;
    case ALL:
      return groups;
    case MAJORITY:
      return Math.floor(groups / 2) + 1;
    default:
      throw new Error(`unknown implicit meta rule ${config.getRule()}`);
  }
}
