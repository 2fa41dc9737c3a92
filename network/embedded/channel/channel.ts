/**
 * A channel: its genesis block and configuration, the identities and policies that follow from them, and who may do
 * what. Made anew from the network's configuration or opened from the block the ledger kept.
 */
import { common } from '@hyperledger/fabric-protos';
import {
  type ChannelDescription,
  channelGroup,
  memberPolicies,
  mspConfigsOf,
  POLICY_PATHS,
} from '@telemed-ledger/formats/channel/config-group.ts';
import { committedGenesis, configOf, genesisBlock } from '@telemed-ledger/formats/channel/genesis.ts';
import { readMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import type { NetworkConfig } from '../config.ts';
import { createIdentities } from '../identity/identities.ts';
import { createPolicies } from '../policy/policies.ts';
import type { Channel, Policies, SignedData } from '../seams.ts';

type Resource = Parameters<Channel['checkAcl']>[0];

/**
 * `genesis` is the serialised block 0 of an earlier start; without it a new one is made. Revocation lists of `config`
 * count beside those of the block, because this network has no configuration updates.
 * @throws Error when the block is another channel's or its organisations are not those of `config`.
 */
export function createChannel(config: NetworkConfig, genesis?: Uint8Array): Channel {
  const block =
    genesis === undefined
      ? committedGenesis(genesisBlock(config.channel, channelGroup(descriptionOf(config)), new Date()))
      : common.Block.deserializeBinary(genesis);
  const { channel: name, config: channelConfig } = configOf(block);
  const group = channelConfig.getChannelGroup() ?? new common.ConfigGroup();
  const msps = mspConfigsOf(group).map(readMspConfig);
  if (genesis !== undefined) assertSameNetwork(config, name, msps);
  const identities = createIdentities(msps, genesis === undefined ? new Map() : revocationsOf(config));
  const policies = createPolicies(group, identities);
  return {
    name,
    genesisBlock: block,
    config: channelConfig,
    identities,
    policies,
    checkAcl: (resource, signed) => checkAcl(name, policies, resource, signed),
  };
}

/** One process orders, and says so. */
function descriptionOf({ batch, orderer, organisations }: NetworkConfig): ChannelDescription {
  const { mspId } = orderer;
  const policies = {
    Readers: `OR('${mspId}.member')`,
    Writers: `OR('${mspId}.member')`,
    Admins: `OR('${mspId}.admin')`,
  };
  return {
    consensus: { type: 'solo' },
    batch,
    ordering: [{ msp: orderer, policies }],
    members: organisations.map((msp) => ({ msp, policies: memberPolicies(msp.mspId) })),
  };
}

const POLICY_OF_RESOURCE: Record<Exclude<Resource, 'broadcast'>, string> = {
  propose: POLICY_PATHS.writers,
  lifecycle: POLICY_PATHS.writers,
  events: POLICY_PATHS.readers,
  query: POLICY_PATHS.readers,
  order: POLICY_PATHS.channelReaders,
};

async function checkAcl(
  channel: string,
  policies: Policies,
  resource: Resource,
  signed: SignedData,
): Promise<string | undefined> {
  const path = resource === 'broadcast' ? POLICY_PATHS.channelWriters : POLICY_OF_RESOURCE[resource];
  const policy = policies.named(path);
  const refusal = policy === undefined ? `policy ${path} was not found` : await policy.evaluate([signed]);
  if (refusal === undefined) return undefined;
  if (resource === 'broadcast') return `${refusal}: permission denied`;
  return `Failed evaluating policy on signed data during check policy on channel [${channel}] with policy [${path}]: [${refusal}]`;
}

function revocationsOf(config: NetworkConfig): Map<string, string[]> {
  return new Map(config.organisations.map(({ mspId, revocationLists }) => [mspId, revocationLists ?? []]));
}

/** A ledger is of no use to a network whose authorities are others than those it was made with. */
function assertSameNetwork(config: NetworkConfig, name: string, msps: ReturnType<typeof readMspConfig>[]): void {
  const differences = name === config.channel ? [] : [`its channel is ${name}, not ${config.channel}`];
  const roots = new Map(msps.map((msp) => [msp.getName(), msp.getRootCertsList_asU8()]));
  for (const { mspId, caCertificate } of [...config.organisations, config.orderer]) {
    const known = roots.get(mspId);
    if (known === undefined) differences.push(`it has no organisation ${mspId}`);
    else if (!known.some((pem) => Buffer.from(pem).toString() === caCertificate)) {
      differences.push(`it knows ${mspId} by another CA certificate`);
    }
  }
  const configured = new Set([...config.organisations, config.orderer].map(({ mspId }) => mspId));
  for (const mspId of roots.keys()) {
    if (!configured.has(mspId)) differences.push(`${mspId} is no longer configured`);
  }
  if (differences.length > 0)
    throw new Error(`the existing ledger belongs to another network: ${differences.join('; ')}`);
}
