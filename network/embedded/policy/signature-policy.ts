/**
 * Signature policies as Fabric evaluates them: identities without repetition, then depth first, each identity used
 * for the first principal it satisfies and never again, without going back on a choice.
 */
import { common } from '@hyperledger/fabric-protos';
import type { Identities, Identity, Policy, SignedData } from '../seams.ts';
import { principalSetsOf } from './principal-sets.ts';

export const NOT_SATISFIED = 'signature set did not satisfy policy';

/** Who of the signers counts: known, not repeated, with a good signature; in their order. */
export type SignerReader = (signed: SignedData[]) => Promise<Identity[]>;

/** Marks in `used` whom it used when it answers true. */
type Rule = (signers: readonly Identity[], used: boolean[]) => boolean;

/** @throws Error when the envelope is not a policy of version 0 or points outside its principals. */
export function signaturePolicy(bytes: Uint8Array, identities: Identities, readSigners: SignerReader): Policy {
  const envelope = common.SignaturePolicyEnvelope.deserializeBinary(bytes);
  if (envelope.getVersion() !== 0) {
    throw new Error(`This evaluator only understands messages of version 0, but version was ${envelope.getVersion()}`);
  }
  const rule = compile(envelope.getRule(), envelope, identities);
  let sets: ReturnType<typeof principalSetsOf> | undefined;
  return {
    async evaluate(signed) {
      const signers = await readSigners(signed);
      return rule(signers, new Array(signers.length).fill(false)) ? undefined : NOT_SATISFIED;
    },
    principalSets() {
      sets ??= principalSetsOf(envelope);
      return sets;
    },
  };
}

function compile(
  rule: common.SignaturePolicy | undefined,
  envelope: common.SignaturePolicyEnvelope,
  identities: Identities,
): Rule {
  switch (rule?.getTypeCase()) {
    case common.SignaturePolicy.TypeCase.SIGNED_BY:
      return signedByRule(rule.getSignedBy(), envelope, identities);
    case common.SignaturePolicy.TypeCase.N_OUT_OF: {
      const gate = rule.getNOutOf()!;
      const children = gate.getRulesList().map((child) => compile(child, envelope, identities));
      return outOfRule(gate.getN(), children);
    }
    default:
      throw new Error('Empty policy element');
  }
}

function signedByRule(index: number, envelope: common.SignaturePolicyEnvelope, identities: Identities): Rule {
  const principals = envelope.getIdentitiesList();
  const principal = principals[index];
  if (principal === undefined) {
    throw new Error(`identity index out of range, requested ${index}, but identities length is ${principals.length}`);
  }
  return (signers, used) => {
    const found = signers.findIndex((signer, at) => !used[at] && identities.satisfies(signer, principal));
    if (found >= 0) used[found] = true;
    return found >= 0;
  };
}

/** Every child is tried, also after the threshold is reached; a child that fails gives back whom it used. */
function outOfRule(n: number, children: readonly Rule[]): Rule {
  return (signers, used) => {
    let satisfied = 0;
    for (const child of children) {
      const attempt = [...used];
      if (!child(signers, attempt)) continue;
      satisfied += 1;
      attempt.forEach((taken, at) => {
        used[at] = taken;
      });
    }
    return satisfied >= n;
  };
}
