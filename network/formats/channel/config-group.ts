/**
 * The channel configuration as Fabric's configtxgen writes it: groups of organisations with their MSPs, policies,
 * capabilities and batch settings, from a description of who is in the channel and how it is ordered. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/configtx.html
 */
import { common, orderer } from '@hyperledger/fabric-protos';
import type { Message, Map as ProtoMap } from 'google-protobuf';
import { parsePolicyText } from '../policies/policy-text.ts';
import { type MspMaterial, mspConfig } from './msp-config.ts';

type Rule = keyof typeof common.ImplicitMetaPolicy.Rule;

const CAPABILITIES = { channel: 'V3_0', orderer: 'V2_0', application: 'V2_5' } as const;
const NO_LIMIT = 0xffffffff;

export interface BatchConfig {
  timeoutMs: number;
  maxMessageCount: number;
  preferredMaxBytes: number;
  absoluteMaxBytes: number;
}

export interface ChannelDescription {
  consensus: ConsensusDescription;
  batch: BatchConfig;
  /** Those that order, and those that endorse and commit. An organisation may be both. */
  ordering: OrganisationDescription[];
  members: OrganisationDescription[];
}

export interface OrganisationDescription {
  msp: MspMaterial;
  /** Signature policies by name. */
  policies: Record<string, string>;
  /** What else its group holds, for instance where its nodes are. */
  values?: Record<string, Message>;
}

export interface ConsensusDescription {
  /** As the ordering nodes know it: `solo`, `etcdraft`, `BFT`. */
  type: string;
  metadata?: Message;
  /** What else the ordering group holds. */
  values?: Record<string, Message>;
  /** Who must have signed a block; any writer of the ordering group unless stated. */
  blockValidation?: common.SignaturePolicyEnvelope;
}

/** The root group, `/Channel`. */
export function channelGroup(description: ChannelDescription): common.ConfigGroup {
  const group = groupOf({
    HashingAlgorithm: hashingAlgorithm(),
    BlockDataHashingStructure: hashingStructure(),
    Capabilities: capabilities(CAPABILITIES.channel),
  });
  setPolicies(group, { Readers: ['ANY', 'Readers'], Writers: ['ANY', 'Writers'], Admins: ['MAJORITY', 'Admins'] });
  group.getGroupsMap().set('Orderer', orderingGroup(description));
  group.getGroupsMap().set('Application', applicationGroup(description));
  return group;
}

/** What a member's clients, peers and administrators may do. */
export const memberPolicies = (mspId: string): Record<string, string> => ({
  Readers: `OR('${mspId}.admin', '${mspId}.peer', '${mspId}.client')`,
  Writers: `OR('${mspId}.admin', '${mspId}.client')`,
  Admins: `OR('${mspId}.admin')`,
  Endorsement: `OR('${mspId}.peer')`,
});

function applicationGroup({ members }: ChannelDescription): common.ConfigGroup {
  const group = groupOf({ Capabilities: capabilities(CAPABILITIES.application) });
  setPolicies(group, {
    Readers: ['ANY', 'Readers'],
    Writers: ['ANY', 'Writers'],
    Admins: ['MAJORITY', 'Admins'],
    Endorsement: ['MAJORITY', 'Endorsement'],
    LifecycleEndorsement: ['MAJORITY', 'Endorsement'],
  });
  addOrganisations(group, members);
  return group;
}

function orderingGroup({ consensus, batch, ordering }: ChannelDescription): common.ConfigGroup {
  const group = groupOf({
    ConsensusType: consensusType(consensus),
    BatchSize: batchSize(batch),
    BatchTimeout: batchTimeout(batch),
    ChannelRestrictions: new orderer.ChannelRestrictions(),
    Capabilities: capabilities(CAPABILITIES.orderer),
    ...consensus.values,
  });
  setPolicies(group, {
    Readers: ['ANY', 'Readers'],
    Writers: ['ANY', 'Writers'],
    Admins: ['MAJORITY', 'Admins'],
    BlockValidation: consensus.blockValidation ?? ['ANY', 'Writers'],
  });
  addOrganisations(group, ordering);
  return group;
}

function addOrganisations(group: common.ConfigGroup, organisations: OrganisationDescription[]): void {
  for (const { msp, policies, values } of organisations) {
    const own = groupOf({ MSP: mspConfig(msp), ...values });
    setPolicies(own, policies);
    group.getGroupsMap().set(msp.mspId, own);
  }
}

function groupOf(values: Record<string, Message>): common.ConfigGroup {
  const group = new common.ConfigGroup();
  group.setModPolicy('Admins');
  for (const [name, message] of Object.entries(values)) {
    const value = new common.ConfigValue();
    value.setValue(message.serializeBinary());
    value.setModPolicy('Admins');
    group.getValuesMap().set(name, value);
  }
  return group;
}

type PolicyDefinition = string | common.SignaturePolicyEnvelope | [Rule, string];

/** A text or an envelope is a signature policy, a pair an implicit meta policy. */
function setPolicies(group: common.ConfigGroup, policies: Record<string, PolicyDefinition>): void {
  for (const [name, definition] of Object.entries(policies)) {
    const entry = new common.ConfigPolicy();
    entry.setModPolicy('Admins');
    entry.setPolicy(policyValue(definition));
    group.getPoliciesMap().set(name, entry);
  }
}

function policyValue(definition: PolicyDefinition): common.Policy {
  if (Array.isArray(definition)) return implicitMetaValue(definition);
  const envelope = typeof definition === 'string' ? parsePolicyText(definition) : definition;
  const policy = new common.Policy();
  policy.setType(common.Policy.PolicyType.SIGNATURE);
  policy.setValue(envelope.serializeBinary());
  return policy;
}

function implicitMetaValue([rule, subPolicy]: [Rule, string]): common.Policy {
  const meta = new common.ImplicitMetaPolicy();
  meta.setRule(common.ImplicitMetaPolicy.Rule[rule]);
  meta.setSubPolicy(subPolicy);
  const policy = new common.Policy();
  policy.setType(common.Policy.PolicyType.IMPLICIT_META);
  policy.setValue(meta.serializeBinary());
  return policy;
}

function capabilities(name: string): common.Capabilities {
  const value = new common.Capabilities();
  value.getCapabilitiesMap().set(name, new common.Capability());
  return value;
}

function hashingAlgorithm(): common.HashingAlgorithm {
  const value = new common.HashingAlgorithm();
  value.setName('SHA256');
  return value;
}

function hashingStructure(): common.BlockDataHashingStructure {
  const value = new common.BlockDataHashingStructure();
  value.setWidth(NO_LIMIT);
  return value;
}

function consensusType({ type, metadata }: ConsensusDescription): orderer.ConsensusType {
  const value = new orderer.ConsensusType();
  value.setType(type);
  if (metadata !== undefined) value.setMetadata(metadata.serializeBinary());
  return value;
}

function batchSize(batch: BatchConfig): orderer.BatchSize {
  const value = new orderer.BatchSize();
  value.setMaxMessageCount(batch.maxMessageCount);
  value.setAbsoluteMaxBytes(batch.absoluteMaxBytes);
  value.setPreferredMaxBytes(batch.preferredMaxBytes);
  return value;
}

function batchTimeout({ timeoutMs }: BatchConfig): orderer.BatchTimeout {
  const value = new orderer.BatchTimeout();
  value.setTimeout(`${timeoutMs}ms`);
  return value;
}

/** The MSP configurations of a channel: of its application and its ordering organisations. */
export function mspConfigsOf(channel: common.ConfigGroup): Uint8Array[] {
  return ['Application', 'Orderer'].flatMap((name) => {
    const section = channel.getGroupsMap().get(name);
    const organisations = section === undefined ? [] : entriesOf(section.getGroupsMap());
    return organisations.map(([organisation, group]) => {
      const value = group.getValuesMap().get('MSP');
      if (value === undefined) throw new Error(`the channel configuration has no MSP for ${organisation}`);
      return value.getValue_asU8();
    });
  });
}

/** The entries of a protobuf map, by key. Its own `toArray` gives bare arrays for messages that were just decoded. */
export function entriesOf<V>(map: ProtoMap<string, V>): [string, V][] {
  const entries: [string, V][] = [];
  map.forEach((value, key) => {
    entries.push([key, value]);
  });
  return entries;
}

/** The paths that ACL texts name. */
export const POLICY_PATHS = {
  channelWriters: '/Channel/Writers',
  channelReaders: '/Channel/Readers',
  readers: '/Channel/Application/Readers',
  writers: '/Channel/Application/Writers',
} as const;
