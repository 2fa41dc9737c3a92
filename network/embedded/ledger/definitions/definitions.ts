/**
 * Chaincode definitions as they lie in state under `_lifecycle`: genuine keys, StateMetadata and StateData
 * (fabric-protos peer/lifecycle), read into what simulation and validation need.
 */
import type { Version } from '@telemed-ledger/formats/blocks/rwset.ts';
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';
import { policyMspIds, policyText } from '@telemed-ledger/formats/policies/policy-bytes.ts';
import type { Field } from '@telemed-ledger/formats/protobuf/encode.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel, Definition, Identity, Policies, Policy } from '../../seams.ts';
import { stateKey } from '../state/keys.ts';
import type { View } from '../state/store.ts';

export const LIFECYCLE = '_lifecycle';
export const FIELDS = ['Sequence', 'EndorsementInfo', 'ValidationInfo', 'Collections'] as const;
export type FieldName = (typeof FIELDS)[number];

export function metadataName(chaincode: string): string {
  return `namespaces/metadata/${chaincode}`;
}
export function fieldName(chaincode: string, field: FieldName): string {
  return `namespaces/fields/${chaincode}/${field}`;
}

/** A collection, ready to decide with. */
export interface Collection {
  config: CollectionConfig;
  memberMspIds: Set<string>;
  isMember(identity: Identity): boolean;
  /** Bytes of an ApplicationPolicy, undefined where the chaincode's policy applies. */
  endorsementPolicy: Uint8Array | undefined;
}

export interface CommittedDefinition extends Definition {
  /** Last write of each of the definition's keys, by key. */
  versions: Map<string, Version>;
  /** The values of its fields, as stored. */
  fields: Map<FieldName, Buffer>;
  collectionByName: Map<string, Collection>;
}

/** The bytes of the fields' StateData, and of the StateMetadata. */
export interface EncodedDefinition {
  metadata: Buffer;
  fields: Map<FieldName, Buffer>;
}

export function encodeDefinition(definition: Definition, policies: Policies): EncodedDefinition {
  const collections = definition.collections.map((each) => encode([1, encodeCollection(each, policies)]));
  const fields = new Map<FieldName, Buffer>([
    ['Sequence', encode([1, definition.sequence, true])],
    ['EndorsementInfo', bytesData(encode([1, definition.version], [3, 'escc']))],
    ['ValidationInfo', bytesData(encode([1, 'vscc'], [2, definition.endorsementPolicy]))],
    ['Collections', bytesData(encode(...repeated(1, collections)))],
  ]);
  return { metadata: encode([1, 'ChaincodeDefinition'], ...repeated(2, FIELDS)), fields };
}

/** StateData.bytes */
function bytesData(bytes: Uint8Array): Buffer {
  return encode([2, bytes, true]);
}

/** A StaticCollectionConfig. */
function encodeCollection(config: CollectionConfig, policies: Policies): Buffer {
  const policy = config.endorsementPolicy;
  const text = policy && ('signaturePolicy' in policy ? policy.signaturePolicy : policy.channelConfigPolicy);
  const fields: Field[] = [
    [1, config.name],
    [2, encode([1, policies.parseText(config.policy)])],
    [3, config.requiredPeerCount],
    [4, config.maxPeerCount],
    [5, config.blockToLive],
    [6, config.memberOnlyRead],
    [7, config.memberOnlyWrite],
    [8, text === undefined ? undefined : policies.applicationPolicy(text)],
  ];
  return encode(...fields);
}

/** The definition of a chaincode in a state; undefined where none was committed. */
function loadDefinition(view: View, chaincode: string, channel: Channel): CommittedDefinition | undefined {
  const versions = new Map<string, Version>();
  const read = (key: string): Buffer | undefined => {
    const found = view.versioned(stateKey(LIFECYCLE, Buffer.from(key)));
    if (found) versions.set(key, found.version);
    return found?.value;
  };
  if (!read(metadataName(chaincode))) return undefined;
  const fields = new Map<FieldName, Buffer>();
  for (const field of FIELDS) fields.set(field, read(fieldName(chaincode, field)) ?? Buffer.alloc(0));
  const data = (field: FieldName): Message => new Message(fields.get(field) ?? Buffer.alloc(0));
  const collections = decodeCollections(data('Collections').bytes(2), channel);
  return {
    name: chaincode,
    version: data('EndorsementInfo').inside(2).text(1),
    sequence: data('Sequence').number(1),
    endorsementPolicy: data('ValidationInfo').inside(2).bytes(2),
    collections: collections.map((each) => each.config),
    versions,
    fields,
    collectionByName: new Map(collections.map((each) => [each.config.name, each])),
  };
}

/** The definitions as of a state: of `names` anew, of others as before. */
export function loadDefinitions(
  view: View,
  names: Iterable<string>,
  before: ReadonlyMap<string, CommittedDefinition>,
  channel: Channel,
): ReadonlyMap<string, CommittedDefinition> {
  const definitions = new Map(before);
  for (const name of names) {
    const definition = loadDefinition(view, name, channel);
    if (definition) definitions.set(name, definition);
    else definitions.delete(name);
  }
  return definitions;
}

/** From the bytes of a CollectionConfigPackage. */
export function decodeCollections(bytes: Uint8Array, channel: Channel): Collection[] {
  return new Message(bytes).list(1).map((each) => decodeCollection(new Message(each).message(1), channel));
}

function decodeCollection(message: Message, channel: Channel): Collection {
  const members = message.message(2).bytes(1);
  const endorsement = message.has(8) ? message.bytes(8) : undefined;
  const policy = channel.policies.signature(members);
  return {
    config: {
      name: message.text(1),
      policy: policyText(members),
      requiredPeerCount: message.number(3),
      maxPeerCount: message.number(4),
      blockToLive: message.number(5),
      memberOnlyRead: message.number(6) !== 0,
      memberOnlyWrite: message.number(7) !== 0,
      ...(endorsement && { endorsementPolicy: endorsementConfig(endorsement) }),
    },
    memberMspIds: policyMspIds(members),
    isMember: membership(policy, channel),
    endorsementPolicy: endorsement,
  };
}

/** ApplicationPolicy{signature_policy=1, channel_config_policy_reference=2} */
function endorsementConfig(bytes: Uint8Array): NonNullable<CollectionConfig['endorsementPolicy']> {
  const policy = new Message(bytes);
  if (policy.has(1)) return { signaturePolicy: policyText(policy.bytes(1)) };
  return { channelConfigPolicy: policy.text(2) };
}

/** Whether one identity alone satisfies the policy: some minimal set is a single principal that it matches. */
function membership(policy: Policy, channel: Channel): (identity: Identity) => boolean {
  const single = policy.principalSets().flatMap(({ principals }) => (principals.length === 1 ? principals : []));
  return (identity) => single.some(({ principal }) => channel.identities.satisfies(identity, principal));
}

const IMPLICIT = '_implicit_org_';

/** The collection that every member of the channel has without declaring it (spec 4.5); undefined for any other name. */
export function implicitCollection(name: string, channel: Channel): Collection | undefined {
  const mspId = name.startsWith(IMPLICIT) ? name.slice(IMPLICIT.length) : '';
  if (!channel.identities.mspIds().includes(mspId)) return undefined;
  const policy = `OR('${mspId}.member')`;
  const path = `/Channel/Application/${mspId}/Endorsement`;
  return {
    config: {
      name,
      policy,
      requiredPeerCount: 0,
      maxPeerCount: 1,
      blockToLive: 0,
      memberOnlyRead: false,
      memberOnlyWrite: false,
    },
    memberMspIds: new Set([mspId]),
    isMember: (identity) => identity.mspId === mspId,
    endorsementPolicy: channel.policies.applicationPolicy(channel.policies.named(path) ? path : policy),
  };
}

/** A declared or an implicit collection. */
export function findCollection(
  definition: CommittedDefinition | undefined,
  name: string,
  channel: Channel,
): Collection | undefined {
  return definition && (definition.collectionByName.get(name) ?? implicitCollection(name, channel));
}
