/**
 * The private data collections and the chaincode's endorsement policy, generated from the consortium in the form of
 * Fabric's collections_config.json. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/private-data-arch.html
 */
import { type Consortium, type Organisation, organisationsOfKind } from './consortium.ts';
import type { CollectionConfig } from './embedded/config.ts';

/** All collections, in a fixed order. @throws Error when there is no custodian, which `loadConsortium` refuses. */
export function collectionsOf(consortium: Consortium): CollectionConfig[] {
  const [custodian] = organisationsOfKind(consortium, 'custodian');
  if (custodian === undefined) throw new Error('the consortium has no custodian');
  const providers = organisationsOfKind(consortium, 'provider');
  const payers = organisationsOfKind(consortium, 'payer');
  const banks = organisationsOfKind(consortium, 'bank');
  return [
    ...providers.map((provider) => sharedByBoth(`care_${provider.name}`, provider, custodian)),
    ...providers.map((provider) => sharedByBoth(`consent_${provider.name}`, provider, custodian)),
    ...consortium.organisations
      .filter((organisation) => organisation !== custodian)
      .map((organisation) => inbox(consortium, organisation, custodian)),
    ...providers.flatMap((provider) => payers.map((payer) => claims(provider, payer, custodian))),
    ...payers.flatMap((payer) => banks.map((bank) => sharedByBoth(`settle_${payer.name}_${bank.name}`, payer, bank))),
    acrossPayers(payers, organisationsOfKind(consortium, 'regulator')),
    registers(consortium, organisationsOfKind(consortium, 'regulator')),
  ];
}

/** Any so many organisations (DESIGN: the floor for everything is any two). */
export function chaincodeEndorsementPolicy(consortium: Consortium): string {
  const { any, of } = consortium.policies.endorsement;
  const counted = consortium.organisations.filter(({ name }) => of === undefined || of.includes(name));
  return outOf(any, counted.map(peerOf));
}

/** Both must endorse what both hold. */
function sharedByBoth(name: string, one: Organisation, other: Organisation): CollectionConfig {
  return collection(name, [one, other], and(peerOf(one), peerOf(other)));
}

/** The custodian delivers, and any other organisation (the holder of the data, mostly) stands by it. */
function inbox(consortium: Consortium, owner: Organisation, custodian: Organisation): CollectionConfig {
  const others = consortium.organisations.filter((organisation) => organisation !== custodian);
  return collection(`inbox_${owner.name}`, [owner, custodian], and(peerOf(custodian), or(...others.map(peerOf))));
}

/** The payer adjudicates; provider or custodian recompute, so that neither alone can block it. */
function claims(provider: Organisation, payer: Organisation, custodian: Organisation): CollectionConfig {
  const endorsement = and(peerOf(payer), or(peerOf(provider), peerOf(custodian)));
  return collection(`claim_${provider.name}_${payer.name}`, [provider, payer, custodian], endorsement);
}

/** A payer, and one more that is a payer or a regulator. */
function acrossPayers(payers: Organisation[], regulators: Organisation[]): CollectionConfig {
  const pairs = payers.map((payer) =>
    and(peerOf(payer), or(...[...payers, ...regulators].filter((other) => other !== payer).map(peerOf))),
  );
  return collection('payers', [...payers, ...regulators], or(...pairs));
}

/** Everybody reads them; a regulator and one more write them, from the first write on. */
function registers({ organisations }: Consortium, regulators: Organisation[]): CollectionConfig {
  const pairs = regulators.map((regulator) =>
    and(peerOf(regulator), or(...organisations.filter((other) => other !== regulator).map(peerOf))),
  );
  return collection('registers', organisations, or(...pairs));
}

function collection(name: string, members: Organisation[], endorsement: string): CollectionConfig {
  return {
    name,
    policy: or(...members.map(({ mspId }) => `'${mspId}.member'`)),
    requiredPeerCount: 0,
    maxPeerCount: members.length - 1,
    blockToLive: 0,
    memberOnlyRead: true,
    memberOnlyWrite: true,
    endorsementPolicy: { signaturePolicy: endorsement },
  };
}

const peerOf = ({ mspId }: Organisation): string => `'${mspId}.peer'`;
const and = (...parts: string[]): string => `AND(${parts.join(', ')})`;
const or = (...parts: string[]): string => `OR(${parts.join(', ')})`;
const outOf = (n: number, parts: string[]): string => `OutOf(${n}, ${parts.join(', ')})`;
