/**
 * The channel's first block: who is in it, who may do what, where everybody is reached, and how it is ordered. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/create_channel/create_channel_config.html
 */
import { common, peer as peerMessages } from '@hyperledger/fabric-protos';
import type { Batch } from '@telemed-ledger/consortium/definition.ts';
import {
  type ChannelDescription,
  channelGroup,
  memberPolicies,
  type OrganisationDescription,
} from '@telemed-ledger/formats/channel/config-group.ts';
import { genesisBlock } from '@telemed-ledger/formats/channel/genesis.ts';
import type { MspMaterial } from '@telemed-ledger/formats/channel/msp-config.ts';
import { byzantine, type OrdererCertificates, raft } from './consensus.ts';
import { addressOf, type Layout, type OrdererLayout, type PeerLayout } from './layout.ts';

/** Certificates only. */
export interface ChannelMaterial {
  /** Of an organisation, by its name. */
  mspOf: (organisation: string) => MspMaterial;
  certificatesOf: (orderer: OrdererLayout) => OrdererCertificates;
}

/** Serialised; made anew at every call, because it holds the time and a random number. */
export const firstBlock = (channel: string, layout: Layout, batch: Batch, material: ChannelMaterial): Uint8Array =>
  genesisBlock(channel, channelConfiguration(layout, batch, material), new Date()).serializeBinary();

/** What the channel's configuration is to be, its elements without versions. */
export const channelConfiguration = (layout: Layout, batch: Batch, material: ChannelMaterial): common.ConfigGroup =>
  channelGroup(channelDescription(layout, batch, material));

function channelDescription(layout: Layout, batch: Batch, material: ChannelMaterial): ChannelDescription {
  const { peers, orderers } = layout.everywhere;
  const consenters = orderers.map((orderer) => ({ ...orderer, ...material.certificatesOf(orderer) }));
  return {
    consensus: layout.ordering === 'raft' ? raft(consenters) : byzantine(consenters, batch),
    batch,
    ordering: orderingOrganisations(layout.everywhere, material),
    members: peers.map((peer) => memberOrganisation(peer, material)),
  };
}

function memberOrganisation(peer: PeerLayout, { mspOf }: ChannelMaterial): OrganisationDescription {
  const anchor = new peerMessages.AnchorPeer();
  anchor.setHost(peer.host);
  anchor.setPort(peer.port);
  const anchors = new peerMessages.AnchorPeers();
  anchors.setAnchorPeersList([anchor]);
  return {
    msp: mspOf(peer.organisation.name),
    policies: memberPolicies(peer.mspId),
    values: { AnchorPeers: anchors },
  };
}

/** An organisation is one MSP in both groups; its ordering nodes differ from its peers by their OU. */
function orderingOrganisations(
  { orderers }: Layout['everywhere'],
  { mspOf }: ChannelMaterial,
): OrganisationDescription[] {
  const names = [...new Set(orderers.map(({ organisation }) => organisation))];
  return names.map((name) => {
    const msp = mspOf(name);
    const endpoints = new common.OrdererAddresses();
    endpoints.setAddressesList(orderers.filter(({ organisation }) => organisation === name).map(addressOf));
    return {
      msp,
      policies: {
        Readers: `OR('${msp.mspId}.admin', '${msp.mspId}.orderer')`,
        Writers: `OR('${msp.mspId}.orderer')`,
        Admins: `OR('${msp.mspId}.admin')`,
      },
      values: { Endpoints: endpoints },
    };
  });
}
