import { expect } from 'chai';
import { collectionsOf, collectionsOfMember } from './collections.ts';
import { loadConsortium } from './loader.ts';

describe('The collections of a member', () => {
  const consortium = loadConsortium();
  const MEMBERSHIPS: Record<string, string[]> = {
    hospital: ['care_hospital', 'consent_hospital', 'inbox_hospital', 'claim_hospital_payer', 'registers'],
    clinic: ['care_clinic', 'consent_clinic', 'inbox_clinic', 'claim_clinic_payer', 'registers'],
    patients: [
      ...['care_hospital', 'care_clinic', 'consent_hospital', 'consent_clinic'],
      ...['inbox_hospital', 'inbox_clinic', 'inbox_payer', 'inbox_bank', 'inbox_regulator'],
      ...['claim_hospital_payer', 'claim_clinic_payer', 'registers'],
    ],
    payer: [
      ...['inbox_payer', 'claim_hospital_payer', 'claim_clinic_payer', 'settle_payer_bank'],
      ...['payers', 'registers'],
    ],
    bank: ['inbox_bank', 'settle_payer_bank', 'registers'],
    regulator: ['inbox_regulator', 'payers', 'registers'],
  };
  for (const member of consortium.organisations) {
    it(`are, for the ${member.kind} ${member.name}, those that it shares`, () => {
      expect([...collectionsOfMember(consortium, member)]).to.have.members(MEMBERSHIPS[member.name]!);
    });
  }

  it('grow with several organisations of a kind', () => {
    const [hospital] = consortium.organisations;
    const second = { name: 'insurer', mspId: 'InsurerMSP', kind: 'payer' as const };
    const larger = { organisations: [...consortium.organisations, second] };
    const mine = collectionsOfMember(larger, hospital!);
    expect([...mine]).to.include.members(['claim_hospital_payer', 'claim_hospital_insurer']);
    expect([...collectionsOfMember(larger, second)]).to.include.members([
      'claim_clinic_insurer',
      'settle_insurer_bank',
    ]);
    expect([...collectionsOfMember(larger, second)]).to.not.include('claim_hospital_payer');
  });
});

describe('The endorsement of a collection', () => {
  it('always needs more than one organisation', () => {
    for (const { name, endorsement } of collectionsOf(loadConsortium())) {
      const alternatives = typeof endorsement !== 'string' && endorsement.need === 1 ? endorsement.of : [endorsement];
      for (const rule of alternatives) expect(typeof rule === 'string' ? 1 : rule.need, name).to.be.at.least(2);
    }
  });
});
