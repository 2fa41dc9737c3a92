/**
 * configtx.yaml: who is in the channel, who may do what, and how it is ordered; `configtxgen` makes block 0 of it. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/create_channel/create_channel_config.html
 */
import { join } from 'node:path';
import type { Batch, Consortium } from '../consortium.ts';
import { addressOf, type Layout, type OrdererLayout, type PeerLayout } from './layout.ts';

export const PROFILE = 'Telemed';

/** Where an organisation's MSP directory for the channel is: certificates only. */
export const channelMspDirectory = (layout: Layout, organisation: string): string =>
  join(layout.channelDirectory, 'msp', organisation);

/** `identityOf` and `tlsOf`: paths of an ordering node's certificates. */
export interface OrdererCertificates {
  identity: string;
  tls: string;
}

export function channelConfig(
  consortium: Consortium,
  layout: Layout,
  certificatesOf: (orderer: OrdererLayout) => OrdererCertificates,
): object {
  const policies = { Readers: meta('ANY Readers'), Writers: meta('ANY Writers'), Admins: meta('MAJORITY Admins') };
  return {
    Profiles: {
      [PROFILE]: {
        Policies: policies,
        Capabilities: { V3_0: true },
        Orderer: {
          ...ordering(layout, consortium.ordering.batch, certificatesOf),
          Policies: { ...policies, BlockValidation: meta('ANY Writers') },
          Capabilities: { V2_0: true },
          Organizations: ordererOrganisations(layout),
        },
        Application: {
          Organizations: layout.peers.map((peer) => peerOrganisation(layout, peer)),
          Policies: {
            ...policies,
            Endorsement: meta('MAJORITY Endorsement'),
            LifecycleEndorsement: meta('MAJORITY Endorsement'),
          },
          Capabilities: { V2_5: true },
        },
      },
    },
  };
}

const meta = (Rule: string): object => ({ Type: 'ImplicitMeta', Rule });
const signature = (Rule: string): object => ({ Type: 'Signature', Rule });

function peerOrganisation(layout: Layout, { organisation, mspId, host, port }: PeerLayout): object {
  return {
    Name: mspId,
    ID: mspId,
    MSPDir: channelMspDirectory(layout, organisation.name),
    Policies: {
      Readers: signature(`OR('${mspId}.admin', '${mspId}.peer', '${mspId}.client')`),
      Writers: signature(`OR('${mspId}.admin', '${mspId}.client')`),
      Admins: signature(`OR('${mspId}.admin')`),
      Endorsement: signature(`OR('${mspId}.peer')`),
    },
    AnchorPeers: [{ Host: host, Port: port }],
  };
}

/** An organisation is one MSP in both groups; its ordering nodes differ from its peers by their OU. */
function ordererOrganisations(layout: Layout): object[] {
  const organisations = [...new Set(layout.orderers.map(({ organisation }) => organisation))];
  return organisations.map((name) => {
    const own = layout.orderers.filter(({ organisation }) => organisation === name);
    const mspId = own[0]!.mspId;
    return {
      Name: mspId,
      ID: mspId,
      MSPDir: channelMspDirectory(layout, name),
      OrdererEndpoints: own.map(addressOf),
      Policies: {
        Readers: signature(`OR('${mspId}.admin', '${mspId}.orderer')`),
        Writers: signature(`OR('${mspId}.orderer')`),
        Admins: signature(`OR('${mspId}.admin')`),
      },
    };
  });
}

function ordering(
  layout: Layout,
  batch: Batch,
  certificatesOf: (orderer: OrdererLayout) => OrdererCertificates,
): object {
  const common = {
    BatchTimeout: `${batch.timeoutMs}ms`,
    BatchSize: {
      MaxMessageCount: batch.maxMessageCount,
      AbsoluteMaxBytes: batch.absoluteMaxBytes,
      PreferredMaxBytes: batch.preferredMaxBytes,
    },
    MaxChannels: 0,
  };
  if (layout.ordering === 'raft') {
    const Consenters = layout.orderers.map((orderer) => {
      const { tls } = certificatesOf(orderer);
      return { Host: orderer.host, Port: orderer.port, ClientTLSCert: tls, ServerTLSCert: tls };
    });
    return { ...common, OrdererType: 'etcdraft', EtcdRaft: { Consenters, Options: RAFT } };
  }
  return {
    ...common,
    OrdererType: 'BFT',
    SmartBFT: byzantine(batch),
    ConsenterMapping: layout.orderers.map((orderer) => {
      const { identity, tls } = certificatesOf(orderer);
      return {
        ID: orderer.id,
        Host: orderer.host,
        Port: orderer.port,
        MSPID: orderer.mspId,
        Identity: identity,
        ClientTLSCert: tls,
        ServerTLSCert: tls,
      };
    }),
  };
}

const RAFT = {
  TickInterval: '100ms',
  ElectionTick: 10,
  HeartbeatTick: 1,
  MaxInflightBlocks: 5,
  SnapshotIntervalSize: '16 MB',
};

/**
 * A leader that died is noticed after 3 s and replaced at once. BFT ordering takes the time after which a block is cut
 * from here and not from BatchTimeout, its size from BatchSize, and knows no preferred size.
 */
function byzantine(batch: Batch): object {
  return {
    RequestBatchMaxCount: batch.maxMessageCount,
    RequestBatchMaxBytes: batch.absoluteMaxBytes,
    RequestBatchMaxInterval: `${batch.timeoutMs}ms`,
    IncomingMessageBufferSize: 200,
    RequestPoolSize: 2000,
    RequestForwardTimeout: '1s',
    RequestComplainTimeout: '3s',
    RequestAutoRemoveTimeout: '180s',
    ViewChangeResendInterval: '1s',
    ViewChangeTimeout: '5s',
    LeaderHeartbeatTimeout: '3s',
    LeaderHeartbeatCount: 10,
    CollectTimeout: '1s',
    SyncOnStart: false,
    SpeedUpViewChange: false,
  };
}
