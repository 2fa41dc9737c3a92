/**
 * How a channel is ordered: byzantine fault tolerant among all ordering nodes, or by one Raft node. Whatever the nodes
 * agree on among themselves stands in the channel's first block. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/bft_configuration.html
 */
import { common, msp, orderer } from '@hyperledger/fabric-protos';
import type { Batch } from '@telemed-ledger/consortium/definition.ts';
import type { ConsensusDescription } from '@telemed-ledger/formats/channel/config-group.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import { nOutOf, signedBy } from '@telemed-ledger/formats/policies/policy-text.ts';
import type { OrdererLayout } from './layout.ts';

/** PEM certificates of an ordering node. */
export interface OrdererCertificates {
  identity: string;
  tls: string;
}

/** An ordering node as the others know it. */
export type Consenter = Pick<OrdererLayout, 'id' | 'host' | 'port' | 'mspId'> & OrdererCertificates;

/** With f faulty nodes of n >= 3f + 1 a block is valid once a quorum of the nodes' own identities has signed it. */
export function byzantine(consenters: readonly Consenter[], batch: Batch): ConsensusDescription {
  const mapping = new common.Orderers();
  mapping.setConsenterMappingList(consenters.map(consenterMessage));
  return {
    type: 'BFT',
    metadata: byzantineOptions(batch),
    values: { Orderers: mapping },
    blockValidation: quorumPolicy(consenters),
  };
}

function consenterMessage({ id, host, port, mspId, identity, tls }: Consenter): common.Consenter {
  const message = new common.Consenter();
  message.setId(id);
  message.setHost(host);
  message.setPort(port);
  message.setMspId(mspId);
  message.setIdentity(Buffer.from(identity));
  message.setClientTlsCert(Buffer.from(tls));
  message.setServerTlsCert(Buffer.from(tls));
  return message;
}

/** Signatures that any two sets of nodes share an honest one by. */
export function quorumOf(nodes: number): number {
  const faulty = Math.floor((nodes - 1) / 3);
  return Math.ceil((nodes + faulty + 1) / 2);
}

/** So many of the nodes' own identities must have signed a block. */
export function quorumPolicy(
  consenters: readonly Pick<Consenter, 'mspId' | 'identity'>[],
): common.SignaturePolicyEnvelope {
  const policy = new common.SignaturePolicyEnvelope();
  const each = consenters.map((_, index) => signedBy(index));
  policy.setRule(nOutOf(quorumOf(consenters.length), each));
  policy.setIdentitiesList(consenters.map(identityPrincipal));
  return policy;
}

function identityPrincipal({ mspId, identity }: Pick<Consenter, 'mspId' | 'identity'>): msp.MSPPrincipal {
  const principal = new msp.MSPPrincipal();
  principal.setPrincipalClassification(msp.MSPPrincipal.Classification.IDENTITY);
  principal.setPrincipal(serializeIdentity(mspId, identity));
  return principal;
}

/**
 * A leader that died is noticed after 3 s and replaced at once. BFT ordering takes the time after which a block is cut
 * from here and not from BatchTimeout, its size from BatchSize, and knows no preferred size.
 */
function byzantineOptions(batch: Batch): orderer.smartbft.Options {
  const options = new orderer.smartbft.Options();
  options.setRequestBatchMaxCount(batch.maxMessageCount);
  options.setRequestBatchMaxBytes(batch.absoluteMaxBytes);
  options.setRequestBatchMaxInterval(`${batch.timeoutMs}ms`);
  options.setIncomingMessageBufferSize(200);
  options.setRequestPoolSize(2000);
  options.setRequestForwardTimeout('1s');
  options.setRequestComplainTimeout('3s');
  options.setRequestAutoRemoveTimeout('180s');
  options.setViewChangeResendInterval('1s');
  options.setViewChangeTimeout('5s');
  options.setLeaderHeartbeatTimeout('3s');
  options.setLeaderHeartbeatCount(10);
  options.setCollectTimeout('1s');
  return options;
}

export function raft(consenters: readonly Consenter[]): ConsensusDescription {
  const metadata = new orderer.etcdraft.ConfigMetadata();
  metadata.setConsentersList(consenters.map(raftConsenter));
  metadata.setOptions(raftOptions());
  return { type: 'etcdraft', metadata };
}

function raftConsenter({ host, port, tls }: Consenter): orderer.etcdraft.Consenter {
  const message = new orderer.etcdraft.Consenter();
  message.setHost(host);
  message.setPort(port);
  message.setClientTlsCert(Buffer.from(tls));
  message.setServerTlsCert(Buffer.from(tls));
  return message;
}

function raftOptions(): orderer.etcdraft.Options {
  const options = new orderer.etcdraft.Options();
  options.setTickInterval('100ms');
  options.setElectionTick(10);
  options.setHeartbeatTick(1);
  options.setMaxInflightBlocks(5);
  options.setSnapshotIntervalSize(16 * 1024 * 1024);
  return options;
}
