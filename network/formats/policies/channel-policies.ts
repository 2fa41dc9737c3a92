/**
 * Which organisations' administrators satisfy a policy of a channel's configuration, and who is missing: what a
 * configuration update waits for. Endorsement policies are evaluated by peers; here one signature of an administrator
 * counts wherever his organisation's administrator or any member of it is asked for.
 */
import { common } from '@hyperledger/fabric-protos';
import { entriesOf } from '../channel/config-group.ts';
import { roleOf } from './roles.ts';

/**
 * @param path absolute, for instance `/Channel/Orderer/Admins`
 * @param signed MSP ids
 */
export function isSatisfied(channel: common.ConfigGroup, path: string, signed: ReadonlySet<string>): boolean {
  const found = policyAt(channel, path);
  return found !== undefined && holds(found.group, found.policy, signed);
}

/** MSP ids whose administrators' signatures would bring a policy nearer, of those that have not signed. */
export function couldSign(channel: common.ConfigGroup, path: string, signed: ReadonlySet<string>): string[] {
  const found = policyAt(channel, path);
  if (found === undefined || holds(found.group, found.policy, signed)) return [];
  return [...administratorsIn(found.group, found.policy)].filter((mspId) => !signed.has(mspId)).sort();
}

interface Found {
  group: common.ConfigGroup;
  policy: common.Policy;
}

function policyAt(channel: common.ConfigGroup, path: string): Found | undefined {
  const [, root, ...rest] = path.split('/');
  const name = rest.pop();
  if (root !== 'Channel' || name === undefined) return undefined;
  const group = rest.reduce<common.ConfigGroup | undefined>((at, key) => at?.getGroupsMap().get(key), channel);
  const policy = group?.getPoliciesMap().get(name)?.getPolicy();
  return group === undefined || policy === undefined ? undefined : { group, policy };
}

function holds(group: common.ConfigGroup, policy: common.Policy, signed: ReadonlySet<string>): boolean {
  if (policy.getType() === common.Policy.PolicyType.IMPLICIT_META) {
    const meta = common.ImplicitMetaPolicy.deserializeBinary(policy.getValue_asU8());
    const below = subPolicies(group, meta);
    const satisfied = below.filter((one) => one !== undefined && holds(one.group, one.policy, signed)).length;
    return satisfied >= thresholdOf(meta, below.length);
  }
  const envelope = common.SignaturePolicyEnvelope.deserializeBinary(policy.getValue_asU8());
  const principals = envelope.getIdentitiesList().map((principal) => {
    const mspId = signerOf(principal);
    return mspId !== undefined && signed.has(mspId);
  });
  return ruleHolds(envelope.getRule(), principals);
}

function ruleHolds(rule: common.SignaturePolicy | undefined, principals: readonly boolean[]): boolean {
  const gate = rule?.getNOutOf();
  if (gate === undefined) return rule !== undefined && (principals[rule.getSignedBy()] ?? false);
  return gate.getRulesList().filter((one) => ruleHolds(one, principals)).length >= gate.getN();
}

function administratorsIn(group: common.ConfigGroup, policy: common.Policy): Set<string> {
  if (policy.getType() === common.Policy.PolicyType.IMPLICIT_META) {
    const meta = common.ImplicitMetaPolicy.deserializeBinary(policy.getValue_asU8());
    const below = subPolicies(group, meta).flatMap((one) =>
      one === undefined ? [] : [...administratorsIn(one.group, one.policy)],
    );
    return new Set(below);
  }
  const envelope = common.SignaturePolicyEnvelope.deserializeBinary(policy.getValue_asU8());
  return new Set(envelope.getIdentitiesList().flatMap((principal) => signerOf(principal) ?? []));
}

/** Whose administrator stands for a principal. */
function signerOf(principal: Parameters<typeof roleOf>[0]): string | undefined {
  const role = roleOf(principal);
  return role?.role === 'admin' || role?.role === 'member' ? role.mspId : undefined;
}

const subPolicies = (group: common.ConfigGroup, meta: common.ImplicitMetaPolicy): (Found | undefined)[] =>
  entriesOf(group.getGroupsMap()).map(([, below]) => {
    const policy = below.getPoliciesMap().get(meta.getSubPolicy())?.getPolicy();
    return policy === undefined ? undefined : { group: below, policy };
  });

/** See https://hyperledger-fabric.readthedocs.io/en/release-3.1/policies/policies.html#implicitmeta-policies */
function thresholdOf(meta: common.ImplicitMetaPolicy, groups: number): number {
  const { ANY, ALL } = common.ImplicitMetaPolicy.Rule;
  if (groups === 0) return 0;
  if (meta.getRule() === ANY) return 1;
  return meta.getRule() === ALL ? groups : Math.floor(groups / 2) + 1;
}
