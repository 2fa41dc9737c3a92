import { collectionsOf } from '@telemed-ledger/network/collections.ts';
import { loadConsortium } from '@telemed-ledger/network/consortium.ts';
import { expect } from 'chai';
import { collectionsOfMember } from './memberships.ts';

describe('The collections of a member', () => {
  const consortium = loadConsortium();
  for (const member of consortium.organisations) {
    it(`are, for the ${member.kind} ${member.name}, those that the network is configured with`, () => {
      const configured = collectionsOf(consortium)
        .filter(({ policy }) => policy.includes(`'${member.mspId}.member'`))
        .map(({ name }) => name);
      expect([...collectionsOfMember(consortium, member)]).to.have.members(configured);
    });
  }

  it('grow with several organisations of a kind', () => {
    const [hospital] = consortium.organisations;
    const second = { name: 'insurer', mspId: 'InsurerMSP', kind: 'payer' as const };
    const larger = { ...consortium, organisations: [...consortium.organisations, second] };
    const mine = collectionsOfMember(larger, hospital!);
    expect([...mine]).to.include.members(['claim_hospital_payer', 'claim_hospital_insurer']);
    expect([...collectionsOfMember(larger, second)]).to.include.members([
      'claim_clinic_insurer',
      'settle_insurer_bank',
    ]);
    expect([...collectionsOfMember(larger, second)]).to.not.include('claim_hospital_payer');
  });
});
