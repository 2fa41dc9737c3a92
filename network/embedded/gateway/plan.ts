/**
 * Who must endorse when the client names nobody (spec 1.3, plan B): the policies of what the first simulation
 * touched, as sets of principals, merged and matched with the peers there are.
 */
import { status } from '@grpc/grpc-js';
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';
import { isMember } from '../deliver/private-data.ts';
import { mergePrincipalSets } from '../policy/principal-sets.ts';
import type { Definition, Identity, Policy, PrincipalSet, SimulationResult } from '../seams.ts';
import { GatewayError } from '../server/error.ts';
import type { Peer } from '../server/peer.ts';
import type { Layout, Plan } from './layout.ts';
import type { GatewayParts } from './peers.ts';

type Interest = SimulationResult['interest'];
type Principals = PrincipalSet['principals'];

/** Collections that every organisation has without a definition, by its MSP id. */
const IMPLICIT = '_implicit_org_';

/** What a transaction that touched nothing needs: the chaincode's policy. */
export function defaultInterest(chaincode: string): Interest {
  return [
    {
      namespace: chaincode,
      keyPolicies: [],
      namespacePolicyRequired: true,
      collectionsWritten: [],
      collectionsRead: [],
    },
  ];
}

export function noCombination(reason: string): GatewayError {
  const message = `no combination of peers can be derived which satisfy the endorsement policy: ${reason}`;
  return new GatewayError(status.FAILED_PRECONDITION, message);
}

/**
 * Layouts with the first endorser's group first, in random order otherwise.
 * @throws GatewayError FAILED_PRECONDITION where no combination of peers satisfies the policies.
 */
export function planEndorsement(parts: GatewayParts, interest: Interest, first: Peer, isTransient: boolean): Plan {
  const plan = combine(parts, interest, isTransient);
  if (plan.layouts.length === 0) {
    if (isTransient && combine(parts, interest, false).layouts.length > 0) throw outsideDistribution(interest);
    throw noCombination('no peer combination can satisfy the endorsement policy');
  }
  const holdsFirst = (layout: Layout) => [...layout.keys()].some((key) => plan.groups.get(key)?.includes(first));
  const shuffled = plan.layouts
    .map((layout) => ({ layout, rank: Math.random() + (holdsFirst(layout) ? 0 : 1) }))
    .sort((a, b) => a.rank - b.rank);
  return { ...plan, layouts: shuffled.map(({ layout }) => layout) };
}

function outsideDistribution(interest: Interest): GatewayError {
  const touched = interest.flatMap((entry) => [...entry.collectionsWritten, ...entry.collectionsRead]);
  const names = [...new Set(touched)].sort().join(' ');
  const message =
    'requires endorsement from organisation(s) that are not in the distribution policy of the private data ' +
    `collection(s): [${names}]; retry specifying trusted endorsing organizations to protect transient data`;
  return new GatewayError(status.FAILED_PRECONDITION, message);
}

/** Groups and layouts; with transient data only members of every touched collection may be asked. */
function combine(parts: GatewayParts, interest: Interest, isTransient: boolean): Plan {
  const candidates = parts.peers.filter((peer) =>
    interest.every(
      (entry) =>
        parts.ledger.definition(entry.namespace) !== undefined &&
        peer.runtime.has(entry.namespace) &&
        collectionsOf(parts, entry, isTransient).every(({ policy }) =>
          isMember(parts.channel, identityOf(parts, peer), policy),
        ),
    ),
  );
  const policies = interest.flatMap((entry) => policiesOf(parts, entry));
  const principals = new Map<string, Principals[number]>();
  const layouts = mergePrincipalSets(policies.map((policy) => policy.principalSets()));
  const groups = new Map<string, Peer[]>();
  for (const entry of layouts.flatMap((set) => set.principals)) principals.set(entry.key, entry);
  for (const { key, principal } of principals.values()) {
    groups.set(
      key,
      candidates.filter((peer) => parts.channel.identities.satisfies(identityOf(parts, peer), principal)),
    );
  }
  const possible = layouts
    .map(countPrincipals)
    .filter((layout) => [...layout].every(([key, count]) => (groups.get(key)?.length ?? 0) >= count));
  return { groups, layouts: possible };
}

function policiesOf(parts: GatewayParts, entry: Interest[number]): Policy[] {
  const { policies } = parts.channel;
  const definition = parts.ledger.definition(entry.namespace) as Definition;
  const chaincodePolicy = policies.application(definition.endorsementPolicy);
  const found = entry.keyPolicies.map((bytes) => policies.signature(bytes));
  if (entry.namespacePolicyRequired) found.push(chaincodePolicy);
  for (const name of entry.collectionsWritten) found.push(collectionPolicy(parts, entry, name) ?? chaincodePolicy);
  return found.length > 0 ? found : [chaincodePolicy];
}

function collectionPolicy(parts: GatewayParts, { namespace }: Interest[number], name: string): Policy | undefined {
  const { policies } = parts.channel;
  if (name.startsWith(IMPLICIT)) {
    return policies.named(`/Channel/Application/${name.slice(IMPLICIT.length)}/Endorsement`);
  }
  const policy = configOf(parts, namespace, name)?.endorsementPolicy;
  if (!policy) return undefined;
  const text = 'signaturePolicy' in policy ? policy.signaturePolicy : policy.channelConfigPolicy;
  return policies.application(policies.applicationPolicy(text));
}

function collectionsOf(parts: GatewayParts, entry: Interest[number], isTransient: boolean): CollectionConfig[] {
  const names = isTransient ? [...entry.collectionsRead, ...entry.collectionsWritten] : entry.collectionsRead;
  return names.flatMap((name) => configOf(parts, entry.namespace, name) ?? []);
}

function configOf({ ledger }: GatewayParts, chaincode: string, name: string): CollectionConfig | undefined {
  return ledger.collectionConfig(chaincode, name, ledger.height());
}

function identityOf({ channel }: GatewayParts, peer: Peer): Identity {
  return channel.identities.parse(peer.signer.creator) as Identity;
}

function countPrincipals({ principals }: PrincipalSet): Layout {
  const counts: Layout = new Map();
  for (const { key } of principals) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
