import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { parsePolicyText } from '@telemed-ledger/formats/policies/policy-text.ts';
import { expect } from 'chai';
import { chaincodeEndorsementPolicy, collectionConfigsOf } from './collections.ts';
import { principalSetsOf } from './embedded/policy/principal-sets.ts';

/** Who can endorse together, one text for each smallest group. */
const endorsers = (policy: string): string[] =>
  principalSetsOf(parsePolicyText(policy))
    .map((set) =>
      set.principals
        .map(({ key }) => key.replace('MSP.peer', ''))
        .sort()
        .join('+'),
    )
    .sort();

const members = (policy: string): string[] =>
  principalSetsOf(parsePolicyText(policy)).map((set) =>
    set.principals.map(({ key }) => key.replace('MSP.member', '')).join('+'),
  );

function described(consortium: ConsortiumDefinition): Record<string, { members: string; endorsers: string[] }> {
  return Object.fromEntries(
    collectionConfigsOf(consortium).map((collection) => {
      const policy = collection.endorsementPolicy;
      if (policy === undefined || !('signaturePolicy' in policy)) throw new Error('no signature policy');
      return [
        collection.name,
        { members: members(collection.policy).join(' '), endorsers: endorsers(policy.signaturePolicy) },
      ];
    }),
  );
}

function withAnother(kind: Kind, name: string): ConsortiumDefinition {
  const consortium = structuredClone(loadConsortium());
  const mspId = `${name.charAt(0).toUpperCase()}${name.slice(1)}MSP`;
  consortium.organisations.push({ name, mspId, kind, gatewayPort: 9001, peerPort: 9002 });
  return consortium;
}

describe('Collections', () => {
  it('of the default consortium have the members and endorsers of the design', () => {
    const inbox = (owner: string) => ({
      members: `${owner} Patients`,
      endorsers: ['Bank+Patients', 'Clinic+Patients', 'Hospital+Patients', 'Patients+Payer', 'Patients+Regulator'],
    });
    const everybody = 'Hospital Clinic Patients Payer Bank Regulator';
    const withPayer = ['Bank+Payer', 'Clinic+Payer', 'Hospital+Payer', 'Patients+Payer', 'Payer+Regulator'];
    expect(described(loadConsortium())).to.deep.equal({
      care_hospital: { members: 'Hospital Patients', endorsers: ['Hospital+Patients'] },
      care_clinic: { members: 'Clinic Patients', endorsers: ['Clinic+Patients'] },
      inbox_hospital: inbox('Hospital'),
      inbox_clinic: inbox('Clinic'),
      inbox_payer: inbox('Payer'),
      inbox_bank: inbox('Bank'),
      inbox_regulator: inbox('Regulator'),
      billing_payer: { members: 'Payer Patients', endorsers: withPayer },
      billing_hospital: { members: 'Hospital Patients', endorsers: withPayer },
      billing_clinic: { members: 'Clinic Patients', endorsers: withPayer },
      billing_bank: { members: 'Bank', endorsers: withPayer },
      payers: { members: 'Payer Regulator', endorsers: ['Patients+Payer', 'Payer+Regulator'] },
      marks: { members: everybody, endorsers: inbox('').endorsers },
      registers: {
        members: everybody,
        endorsers: [
          'Bank+Regulator',
          'Clinic+Regulator',
          'Hospital+Regulator',
          'Patients+Regulator',
          'Payer+Regulator',
        ],
      },
      reviews: {
        members: 'Patients Regulator',
        endorsers: [
          'Bank+Patients',
          'Bank+Regulator',
          'Clinic+Patients',
          'Clinic+Regulator',
          'Hospital+Patients',
          'Hospital+Regulator',
          'Patients+Payer',
          'Patients+Regulator',
          'Payer+Regulator',
        ],
      },
    });
  });

  it('are closed to outsiders and kept for ever, and never wait for another peer', () => {
    for (const collection of collectionConfigsOf(loadConsortium())) {
      const { memberOnlyRead, memberOnlyWrite, blockToLive, requiredPeerCount, maxPeerCount } = collection;
      expect({ memberOnlyRead, memberOnlyWrite, blockToLive, requiredPeerCount }, collection.name).to.deep.equal({
        memberOnlyRead: true,
        // The clients of a provider, a payer and a bank each write to the others' billing collections.
        memberOnlyWrite: !/^(billing_|reviews$)/.test(collection.name),
        blockToLive: 0,
        requiredPeerCount: 0,
      });
      expect(maxPeerCount, collection.name).to.equal(members(collection.policy).length - 1);
    }
  });

  it('grow with a second payer: its own, and pairs of payers for what crosses them', () => {
    const collections = described(withAnother('payer', 'mutual'));
    expect(Object.keys(collections)).to.include.members(['billing_mutual', 'inbox_mutual']);
    expect(Object.keys(collections)).to.have.length(Object.keys(described(loadConsortium())).length + 2);
    expect(collections['payers']).to.deep.equal({
      members: 'Payer Mutual Regulator',
      endorsers: ['Mutual+Patients', 'Mutual+Payer', 'Mutual+Regulator', 'Patients+Payer', 'Payer+Regulator'],
    });
    expect(collections['billing_payer']?.endorsers).to.not.include('Hospital+Mutual');
    expect(collections['billing_hospital']?.endorsers).to.include.members(['Hospital+Mutual', 'Hospital+Payer']);
  });

  it('grow with a second provider, bank and regulator', () => {
    expect(Object.keys(described(withAnother('provider', 'lab')))).to.include.members([
      'care_lab',
      'inbox_lab',
      'billing_lab',
    ]);
    expect(described(withAnother('bank', 'savings'))['billing_savings']?.members).to.equal('Savings');
    expect(described(withAnother('regulator', 'auditor'))['payers']?.endorsers).to.deep.equal([
      'Auditor+Payer',
      'Patients+Payer',
      'Payer+Regulator',
    ]);
  });
});

describe("The chaincode's endorsement policy", () => {
  it('is any two organisations', () => {
    const pairs = endorsers(chaincodeEndorsementPolicy(loadConsortium()));
    expect(pairs).to.have.length(15);
    expect(pairs).to.include('Bank+Regulator');
  });

  it('can be narrowed to some', () => {
    const consortium = structuredClone(loadConsortium());
    consortium.policies.endorsement = { any: 2, of: ['hospital', 'clinic', 'patients'] };
    expect(endorsers(chaincodeEndorsementPolicy(consortium))).to.deep.equal([
      'Clinic+Hospital',
      'Clinic+Patients',
      'Hospital+Patients',
    ]);
  });
});
