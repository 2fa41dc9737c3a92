/** What the chaincode calls a collection or a role and what the network makes of the consortium must be the same. */

import {
  collections,
  custodianOf,
  organisationsOfKind,
  ROLES_OF_KIND,
} from '@telemed-ledger/chaincode/model/consortium.ts';
import { collectionsOf } from '@telemed-ledger/network/collections.ts';
import { loadConsortium, ROLES_OF_KIND as NETWORK_ROLES } from '@telemed-ledger/network/consortium.ts';
import { membersOf } from '@telemed-ledger/scripts/consortium.ts';
import { expect } from 'chai';

describe('the consortium as the rooms see it', () => {
  const consortium = loadConsortium();
  const members = membersOf(consortium);

  it('has every collection that the chaincode names, and no other', () => {
    const names = (kind: Parameters<typeof organisationsOfKind>[1]): string[] =>
      organisationsOfKind(members, kind).map(({ name }) => name);
    const custodian = custodianOf(members).name;
    const named = [
      ...names('provider').flatMap((provider) => [
        collections.care(provider),
        collections.consent(provider),
        ...names('payer').map((payer) => collections.claim(provider, payer)),
      ]),
      ...members.organisations.filter(({ name }) => name !== custodian).map(({ name }) => collections.inbox(name)),
      ...names('payer').flatMap((payer) => names('bank').map((bank) => collections.settle(payer, bank))),
      collections.payers,
      collections.registers,
    ];
    expect(collectionsOf(consortium).map(({ name }) => name)).to.have.members(named);
  });

  it('lets only members read and write every collection', () => {
    for (const collection of collectionsOf(consortium)) {
      expect(collection, collection.name).to.include({ memberOnlyRead: true, memberOnlyWrite: true });
    }
  });

  it('enrols the roles that the chaincode knows of each kind', () => {
    expect(NETWORK_ROLES).to.deep.equal(ROLES_OF_KIND);
  });
});
