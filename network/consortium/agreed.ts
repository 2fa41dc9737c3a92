/** Who must endorse what, as the members have agreed it, for whoever holds a transaction's endorsements to it without a peer. */
import { collectionsOf } from './collections.ts';
import { type ConsortiumDefinition, endorsementFloor } from './definition.ts';
import type { PolicyRule } from './policies.ts';

interface AgreedEndorsement {
  chaincode: string;
  /** Of whatever is written. */
  floor: PolicyRule;
  /** By name of a collection, beyond the floor. */
  collections: Record<string, PolicyRule>;
}

export const agreedEndorsement = (definition: ConsortiumDefinition): AgreedEndorsement => ({
  chaincode: definition.chaincode,
  floor: endorsementFloor(definition),
  collections: Object.fromEntries(collectionsOf(definition).map(({ name, endorsement }) => [name, endorsement])),
});
