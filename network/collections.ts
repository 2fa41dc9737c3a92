/**
 * The consortium's collections and endorsement floor in Fabric's words: collections_config.json and the policy language.
 * See https://hyperledger-fabric.readthedocs.io/en/release-3.1/private-data-arch.html
 */
import { type Collection, collectionsOf } from '@telemed-ledger/consortium/collections.ts';
import { type ConsortiumDefinition, endorsementFloor } from '@telemed-ledger/consortium/definition.ts';
import { type Consortium, custodianOf, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { all, type PolicyRule } from '@telemed-ledger/consortium/policies.ts';
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';

type Definition = Pick<Consortium, 'organisations'> & Pick<ConsortiumDefinition, 'emptyCollections'>;

/** All collections, in a fixed order. @throws Error when there is no custodian, which the loader refuses. */
export const collectionConfigsOf = (consortium: Definition): CollectionConfig[] =>
  [...collectionsOf(consortium), ...emptyCollections(consortium)].map(collectionConfig);

/** Each of one provider and the custodian, as most collections are. */
function emptyCollections({ organisations, emptyCollections = 0 }: Definition): Collection[] {
  const [provider] = organisationsOfKind({ organisations }, 'provider');
  const members = [provider!, custodianOf({ organisations })];
  const endorsement = all(...members.map(({ mspId }) => mspId));
  return Array.from({ length: emptyCollections }, (_, index) => ({ name: `empty_${index + 1}`, members, endorsement }));
}

export const chaincodeEndorsementPolicy = (consortium: ConsortiumDefinition): string =>
  policyText(endorsementFloor(consortium));

/** Peers endorse, so that no client's certificate can stand in for one; members, so that clients may read. */
const collectionConfig = ({ name, members, endorsement, openToWriters }: Collection): CollectionConfig => ({
  name,
  policy: `OR(${members.map(({ mspId }) => `'${mspId}.member'`).join(', ')})`,
  requiredPeerCount: 0,
  maxPeerCount: members.length - 1,
  blockToLive: 0,
  memberOnlyRead: true,
  memberOnlyWrite: openToWriters !== true,
  endorsementPolicy: { signaturePolicy: policyText(endorsement) },
});

function policyText(rule: PolicyRule): string {
  if (typeof rule === 'string') return `'${rule}.peer'`;
  const parts = rule.of.map(policyText).join(', ');
  if (rule.need === 1) return `OR(${parts})`;
  return rule.need === rule.of.length ? `AND(${parts})` : `OutOf(${rule.need}, ${parts})`;
}
