/**
 * Endorsement policies for single keys, as Fabric's SignaturePolicyEnvelope. The shim's KeyEndorsementPolicy
 * can only say AND over whole organisations; the ledger also needs "the custodian and any one other".
 */
import { common, msp } from '@hyperledger/fabric-protos';
import type { PolicyRule } from '@telemed-ledger/consortium/policies.ts';

function principalOf(mspId: string): msp.MSPPrincipal {
  const role = new msp.MSPRole();
  role.setMspIdentifier(mspId);
  role.setRole(msp.MSPRole.MSPRoleType.PEER);
  const principal = new msp.MSPPrincipal();
  principal.setPrincipalClassification(msp.MSPPrincipal.Classification.ROLE);
  principal.setPrincipal(role.serializeBinary());
  return principal;
}

/** The MSP ids of a rule, each once, in the order in which they occur: the index is what SignedBy refers to. */
const mspIdsOf = (rule: PolicyRule): string[] =>
  typeof rule === 'string' ? [rule] : [...new Set(rule.of.flatMap(mspIdsOf))];

function signaturePolicyOf(rule: PolicyRule, mspIds: readonly string[]): common.SignaturePolicy {
  const policy = new common.SignaturePolicy();
  if (typeof rule === 'string') {
    policy.setSignedBy(mspIds.indexOf(rule));
    return policy;
  }
  const nOutOf = new common.SignaturePolicy.NOutOf();
  nOutOf.setN(rule.need);
  nOutOf.setRulesList(rule.of.map((part) => signaturePolicyOf(part, mspIds)));
  policy.setNOutOf(nOutOf);
  return policy;
}

/** The bytes of the SignaturePolicyEnvelope of a rule; the same rule gives the same bytes. */
export function policyBytes(rule: PolicyRule): Uint8Array {
  const mspIds = mspIdsOf(rule);
  const envelope = new common.SignaturePolicyEnvelope();
  envelope.setVersion(0);
  envelope.setIdentitiesList(mspIds.map(principalOf));
  envelope.setRule(signaturePolicyOf(rule, mspIds));
  return envelope.serializeBinary();
}
