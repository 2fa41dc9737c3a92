import { common, msp } from '@hyperledger/fabric-protos';
import { all, custodianAndAnyOther, type PolicyRule } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { exampleConsortium } from './example-consortium.fixture.ts';
import { policyBytes } from './policies.ts';

/** Who satisfies the envelope, judged from its bytes alone. */
function satisfied(rule: PolicyRule, signers: string[]): boolean {
  const envelope = common.SignaturePolicyEnvelope.deserializeBinary(policyBytes(rule));
  const identities = envelope.getIdentitiesList().map((principal) => {
    const role = msp.MSPRole.deserializeBinary(principal.getPrincipal_asU8());
    expect(role.getRole()).to.equal(msp.MSPRole.MSPRoleType.PEER);
    return role.getMspIdentifier();
  });
  const holds = (policy: common.SignaturePolicy): boolean => {
    const nOutOf = policy.getNOutOf();
    if (nOutOf === undefined) return signers.includes(identities[policy.getSignedBy()]!);
    return nOutOf.getRulesList().filter(holds).length >= nOutOf.getN();
  };
  return holds(envelope.getRule()!);
}

describe('a key-level policy', () => {
  const custodian = custodianAndAnyOther(exampleConsortium);
  const cases: [string, PolicyRule, string[], boolean][] = [
    ['the custodian and a provider', custodian, ['PatientsMSP', 'HospitalMSP'], true],
    ['the custodian and the bank', custodian, ['BankMSP', 'PatientsMSP'], true],
    ['the custodian alone', custodian, ['PatientsMSP'], false],
    ['two others without the custodian', custodian, ['HospitalMSP', 'ClinicMSP'], false],
    ['the custodian and a stranger', custodian, ['PatientsMSP', 'StrangerMSP'], false],
    ['both of two', all('HospitalMSP', 'PatientsMSP'), ['PatientsMSP', 'HospitalMSP'], true],
    ['one of two', all('HospitalMSP', 'PatientsMSP'), ['HospitalMSP', 'ClinicMSP'], false],
  ];
  for (const [who, rule, signers, expected] of cases)
    it(`is ${expected ? '' : 'not '}satisfied by ${who}`, () => {
      expect(satisfied(rule, signers)).to.equal(expected);
    });

  it('names each organisation once and gives the same bytes each time', () => {
    const rule: PolicyRule = { need: 1, of: ['AMSP', { need: 2, of: ['AMSP', 'BMSP'] }] };
    const envelope = common.SignaturePolicyEnvelope.deserializeBinary(policyBytes(rule));
    expect(envelope.getIdentitiesList()).to.have.length(2);
    expect(policyBytes(rule)).to.deep.equal(policyBytes(rule));
  });
});
