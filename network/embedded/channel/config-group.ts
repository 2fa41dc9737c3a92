/**
 * The channel configuration as Fabric's configtxgen writes it: groups of organisations with their MSPs, policies,
 * capabilities and batch settings. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/configtx.html
 */
import { common, orderer } from '@hyperledger/fabric-protos';
import type { Message } from 'google-protobuf';
import type { NetworkConfig } from '../config.ts';
import { entriesOf } from '../policy/policies.ts';
import { parsePolicyText } from '../policy/policy-text.ts';
import { type MspMaterial, mspConfig } from './msp-config.ts';

type Rule = keyof typeof common.ImplicitMetaPolicy.Rule;

export const CAPABILITIES = { channel: 'V3_0', orderer: 'V2_0', application: 'V2_5' } as const;
const NO_LIMIT = 0xffffffff;

/** The root group, `/Channel`. */
export function channelGroup(config: NetworkConfig): common.ConfigGroup {
  const group = groupOf({
    HashingAlgorithm: hashingAlgorithm(),
    BlockDataHashingStructure: hashingStructure(),
    Capabilities: capabilities(CAPABILITIES.channel),
  });
  setPolicies(group, { Readers: ['ANY', 'Readers'], Writers: ['ANY', 'Writers'], Admins: ['MAJORITY', 'Admins'] });
  group.getGroupsMap().set('Orderer', ordererGroup(config));
  group.getGroupsMap().set('Application', applicationGroup(config));
  return group;
}

function applicationGroup(config: NetworkConfig): common.ConfigGroup {
  const group = groupOf({ Capabilities: capabilities(CAPABILITIES.application) });
  setPolicies(group, {
    Readers: ['ANY', 'Readers'],
    Writers: ['ANY', 'Writers'],
    Admins: ['MAJORITY', 'Admins'],
    Endorsement: ['MAJORITY', 'Endorsement'],
    LifecycleEndorsement: ['MAJORITY', 'Endorsement'],
  });
  for (const organisation of config.organisations) {
    group.getGroupsMap().set(organisation.mspId, peerOrganisationGroup(organisation));
  }
  return group;
}

function peerOrganisationGroup(material: MspMaterial): common.ConfigGroup {
  const { mspId } = material;
  const group = groupOf({ MSP: mspConfig(material) });
  setPolicies(group, {
    Readers: `OR('${mspId}.admin', '${mspId}.peer', '${mspId}.client')`,
    Writers: `OR('${mspId}.admin', '${mspId}.client')`,
    Admins: `OR('${mspId}.admin')`,
    Endorsement: `OR('${mspId}.peer')`,
  });
  return group;
}

function ordererGroup(config: NetworkConfig): common.ConfigGroup {
  const group = groupOf({
    ConsensusType: consensusType(),
    BatchSize: batchSize(config),
    BatchTimeout: batchTimeout(config),
    ChannelRestrictions: new orderer.ChannelRestrictions(),
    Capabilities: capabilities(CAPABILITIES.orderer),
  });
  setPolicies(group, {
    Readers: ['ANY', 'Readers'],
    Writers: ['ANY', 'Writers'],
    Admins: ['MAJORITY', 'Admins'],
    BlockValidation: ['ANY', 'Writers'],
  });
  group.getGroupsMap().set(config.orderer.mspId, ordererOrganisationGroup(config.orderer));
  return group;
}

function ordererOrganisationGroup(material: MspMaterial): common.ConfigGroup {
  const { mspId } = material;
  const group = groupOf({ MSP: mspConfig(material) });
  setPolicies(group, {
    Readers: `OR('${mspId}.member')`,
    Writers: `OR('${mspId}.member')`,
    Admins: `OR('${mspId}.admin')`,
  });
  return group;
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

/** A text is a signature policy, a pair an implicit meta policy. */
function setPolicies(group: common.ConfigGroup, policies: Record<string, string | [Rule, string]>): void {
  for (const [name, definition] of Object.entries(policies)) {
    const entry = new common.ConfigPolicy();
    entry.setModPolicy('Admins');
    entry.setPolicy(typeof definition === 'string' ? signaturePolicyValue(definition) : implicitMetaValue(definition));
    group.getPoliciesMap().set(name, entry);
  }
}

function signaturePolicyValue(text: string): common.Policy {
  const policy = new common.Policy();
  policy.setType(common.Policy.PolicyType.SIGNATURE);
  policy.setValue(parsePolicyText(text).serializeBinary());
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

/** One process orders, and says so. */
function consensusType(): orderer.ConsensusType {
  const value = new orderer.ConsensusType();
  value.setType('solo');
  return value;
}

function batchSize({ batch }: NetworkConfig): orderer.BatchSize {
  const value = new orderer.BatchSize();
  value.setMaxMessageCount(batch.maxMessageCount);
  value.setAbsoluteMaxBytes(batch.absoluteMaxBytes);
  value.setPreferredMaxBytes(batch.preferredMaxBytes);
  return value;
}

function batchTimeout({ batch }: NetworkConfig): orderer.BatchTimeout {
  const value = new orderer.BatchTimeout();
  value.setTimeout(`${batch.timeoutMs}ms`);
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

/** The paths that ACL texts name. */
export const POLICY_PATHS = {
  channelWriters: '/Channel/Writers',
  readers: '/Channel/Application/Readers',
  writers: '/Channel/Application/Writers',
} as const;
