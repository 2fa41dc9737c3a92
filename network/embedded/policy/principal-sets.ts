/**
 * Minimal principal sets: the smallest combinations of signers that satisfy a policy, for planning who endorses.
 * Sets of several policies merge: a signer that satisfies both is asked once, and numbers are kept.
 */
import type { common, msp } from '@hyperledger/fabric-protos';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import { roleOf } from '@telemed-ledger/formats/policies/roles.ts';
import type { PrincipalSet } from '../seams.ts';

/** More combinations than this are not enumerated; policies of dozens of organisations would take minutes. */
const MOST_SETS = 10_000;

type Member = PrincipalSet['principals'][number];

/** `AMSP.peer` for a role, otherwise the principal's bytes in hexadecimal. */
function principalKey(principal: msp.MSPPrincipal): string {
  const role = roleOf(principal);
  return role === undefined ? bufferOf(principal.serializeBinary()).toString('hex') : `${role.mspId}.${role.role}`;
}

/** @throws Error when the policy has too many combinations. */
export function principalSetsOf(envelope: common.SignaturePolicyEnvelope): PrincipalSet[] {
  const members = envelope.getIdentitiesList().map((principal) => ({ key: principalKey(principal), principal }));
  const rule = envelope.getRule();
  return rule === undefined ? [] : minimal(combinationsOf(rule, members));
}

function combinationsOf(rule: common.SignaturePolicy, members: readonly Member[]): PrincipalSet[] {
  const gate = rule.getNOutOf();
  if (gate === undefined) {
    const member = members[rule.getSignedBy()];
    return member === undefined ? [] : [{ principals: [member] }];
  }
  const children = gate.getRulesList().map((child) => combinationsOf(child, members));
  return thresholdSets(children, gate.getN());
}

/** Sets that satisfy `threshold` of several policies, each given by its own sets. Signers add up, as in one signature policy. */
export function thresholdSets(policies: readonly PrincipalSet[][], threshold: number): PrincipalSet[] {
  /** By how many of the policies looked at so far are satisfied. */
  let partial: PrincipalSet[][] = [[{ principals: [] }]];
  for (const sets of policies) {
    const next: PrincipalSet[][] = partial.map((group) => [...group]);
    partial.forEach((group, count) => {
      if (count >= threshold) return;
      const grown = group.flatMap((base) =>
        sets.map((set) => ({ principals: [...base.principals, ...set.principals] })),
      );
      next[count + 1] = [...(next[count + 1] ?? []), ...grown];
    });
    partial = next.map(minimal);
  }
  return partial[Math.max(threshold, 0)] ?? [];
}

/**
 * Sets that satisfy every one of several policies at once: each pair is merged by letting a principal of one cover
 * an equal or weaker one of the other, and adding what is not covered. No policy at all is satisfied by the empty set.
 */
export function mergePrincipalSets(policies: readonly PrincipalSet[][]): PrincipalSet[] {
  let merged: PrincipalSet[] = [{ principals: [] }];
  for (const sets of policies) {
    merged = minimal(merged.flatMap((left) => sets.map((right) => mergePair(left, right))));
  }
  return merged;
}

function mergePair(left: PrincipalSet, right: PrincipalSet): PrincipalSet {
  const result = [...left.principals];
  const used = new Set<number>();
  const claim = (test: (candidate: Member) => boolean): number => {
    const index = result.findIndex((candidate, at) => at < left.principals.length && !used.has(at) && test(candidate));
    if (index >= 0) used.add(index);
    return index;
  };
  const rest = right.principals.filter((member) => claim((candidate) => candidate.key === member.key) < 0);
  for (const member of rest) {
    if (claim((candidate) => isA(candidate, member)) >= 0) continue;
    const weaker = claim((candidate) => isA(member, candidate));
    if (weaker >= 0) result[weaker] = member;
    else result.push(member);
  }
  return { principals: result };
}

/** Whether everyone who satisfies `a` satisfies `b`: equal, or a particular role against membership. */
function isA(a: Member, b: Member): boolean {
  if (a.key === b.key) return true;
  const [first, second] = [roleOf(a.principal), roleOf(b.principal)];
  return second?.role === 'member' && first?.mspId === second.mspId;
}

/**
 * Without repetitions and without sets that contain another one; smaller sets first.
 * @throws Error when there are too many to plan with.
 */
function minimal(sets: readonly PrincipalSet[]): PrincipalSet[] {
  const distinct = new Map<string, PrincipalSet>();
  for (const set of sets) {
    const name = set.principals
      .map(({ key }) => key)
      .sort()
      .join('\n');
    if (!distinct.has(name)) distinct.set(name, set);
  }
  if (distinct.size > MOST_SETS) throw new Error('the policy has too many combinations');
  const kept: { set: PrincipalSet; counts: Map<string, number> }[] = [];
  let smaller: typeof kept = [];
  for (const set of [...distinct.values()].sort((a, b) => a.principals.length - b.principals.length)) {
    // Distinct sets of one size cannot contain each other.
    if (set.principals.length > (kept.at(-1)?.set.principals.length ?? 0)) smaller = [...kept];
    const counts = countsOf(set);
    if (!smaller.some((other) => contains(counts, other.counts))) kept.push({ set, counts });
  }
  return kept.map(({ set }) => set);
}

function countsOf(set: PrincipalSet): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of set.principals) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function contains(larger: Map<string, number>, smaller: Map<string, number>): boolean {
  for (const [key, count] of smaller) if ((larger.get(key) ?? 0) < count) return false;
  return true;
}
