import { expect } from 'chai';
import { collectionsOf, collectionsOfMember } from './collections.ts';
import { loadConsortium } from './loader.ts';
import { KINDS } from './members.ts';

describe('The collections of a member', () => {
  const consortium = loadConsortium();
  const MEMBERSHIPS: Record<string, string[]> = {
    hospital: ['care_hospital', 'inbox_hospital', 'billing_hospital', 'marks', 'registers'],
    clinic: ['care_clinic', 'inbox_clinic', 'billing_clinic', 'marks', 'registers'],
    patients: [
      ...['care_hospital', 'care_clinic', 'inbox_hospital', 'inbox_clinic', 'inbox_payer', 'inbox_bank'],
      ...['inbox_regulator', 'billing_hospital', 'billing_clinic', 'billing_payer', 'marks', 'registers', 'reviews'],
    ],
    payer: ['inbox_payer', 'billing_payer', 'payers', 'marks', 'registers'],
    bank: ['inbox_bank', 'billing_bank', 'marks', 'registers'],
    regulator: ['inbox_regulator', 'payers', 'marks', 'registers', 'reviews'],
  };
  for (const member of consortium.organisations) {
    it(`are, for the ${member.kind} ${member.name}, those that it shares`, () => {
      expect([...collectionsOfMember(consortium, member)]).to.have.members(MEMBERSHIPS[member.name]!);
    });
  }

  it('are at most three for each organisation and a handful for all, however many there are', () => {
    const many = KINDS.filter((kind) => kind !== 'custodian').flatMap((kind) =>
      Array.from({ length: 20 }, (_, index) => ({ name: `${kind}-${index}`, mspId: `${kind}${index}MSP`, kind })),
    );
    const organisations = [...consortium.organisations, ...many];
    const names = collectionsOf({ organisations }).map(({ name }) => name);
    expect(names.length).to.be.at.most(3 * organisations.length + 5);
    expect(new Set(names).size).to.equal(names.length);
    for (const { name } of organisations)
      expect(names.filter((one) => one.endsWith(`_${name}`)).length, name).to.be.at.most(3);
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
