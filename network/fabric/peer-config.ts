/**
 * core.yaml of one peer. Only what differs from Fabric's defaults or must be set is explained here; see
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/deploypeer/peerchecklist.html
 */
import { join } from 'node:path';
import { addressOf, type PeerLayout } from './layout.ts';

const MESSAGE_BYTES = 100 * 1024 * 1024;
const software = { Default: 'SW', SW: { Hash: 'SHA2', Security: 256 } };

export interface PeerSettings {
  /** The directory that holds `bin/detect`, `bin/build` and `bin/release`, and the variables that these are given. */
  builder: { path: string; propagateEnvironment: string[] };
  /** The peer's server certificate and key, and its organisation's TLS authority. */
  tls: { certificate: string; privateKey: string; rootCertificate: string };
}

export function peerConfig(peer: PeerLayout, { builder, tls }: PeerSettings): object {
  const address = addressOf(peer);
  return {
    peer: {
      id: peer.process,
      networkId: 'telemed-ledger',
      listenAddress: `${peer.listenHost}:${peer.port}`,
      address,
      addressAutoDetect: false,
      // Chaincode is a service that the peer dials; nothing connects here, so the system may choose the port.
      chaincodeListenAddress: '127.0.0.1:0',
      gateway: { enabled: true, endorsementTimeout: '30s', broadcastTimeout: '30s', dialTimeout: '10s' },
      // The gateways' SDK keeps its connections alive more often than Fabric's default of a minute allows.
      keepalive: {
        interval: '7200s',
        timeout: '20s',
        minInterval: '10s',
        client: { interval: '60s', timeout: '20s' },
        deliveryClient: { interval: '60s', timeout: '20s' },
      },
      gossip: gossip(address),
      tls: {
        enabled: true,
        clientAuthRequired: false,
        cert: { file: tls.certificate },
        key: { file: tls.privateKey },
        rootcert: { file: tls.rootCertificate },
        clientRootCAs: { files: [tls.rootCertificate] },
      },
      authentication: { timewindow: '15m' },
      fileSystemPath: join(peer.directory, 'data'),
      BCCSP: software,
      mspConfigPath: join(peer.directory, 'msp'),
      localMspId: peer.mspId,
      localMspType: 'bccsp',
      client: { connTimeout: '10s' },
      deliveryclient: deliveryClient,
      profile: { enabled: false },
      handlers,
      discovery: {
        enabled: true,
        authCacheEnabled: true,
        authCacheMaxSize: 1000,
        authCachePurgeRetentionRatio: 0.75,
        orgMembersAllowedAccess: false,
      },
      limits: { concurrency: { endorserService: 2500, deliverService: 2500, gatewayService: 500 } },
      maxRecvMsgSize: MESSAGE_BYTES,
      maxSendMsgSize: MESSAGE_BYTES,
    },
    // No container engine: chaincode runs as a service.
    vm: { endpoint: '' },
    chaincode: chaincode(builder),
    ledger: ledger(peer),
    operations: { listenAddress: `${peer.ownListenHost}:${peer.operationsPort}`, tls: { enabled: false } },
    metrics: { provider: 'prometheus' },
  };
}

/** What `peer` commands read besides the environment that says who gives them to whom. */
export const administratorConfig = (): object => ({ peer: { BCCSP: software, client: { connTimeout: '10s' } } });

/**
 * One peer per organisation: it bootstraps at itself, leads its organisation, and meets the others by the channel's
 * anchor peers. The intervals decide how soon a peer knows that another can endorse: 3 s, against half a minute with
 * those of Fabric's example.
 */
function gossip(address: string): object {
  return {
    bootstrap: address,
    endpoint: address,
    externalEndpoint: address,
    useLeaderElection: false,
    orgLeader: true,
    membershipTrackerInterval: '1s',
    maxBlockCountToStore: 10,
    maxPropagationBurstLatency: '10ms',
    maxPropagationBurstSize: 10,
    propagateIterations: 1,
    propagatePeerNum: 3,
    pullInterval: '1s',
    pullPeerNum: 3,
    // Each answer is every peer's word with its signature. A peer says its own besides, after any block since: three others
    // pass it on to three, and whoever gets it verifies it each time. Twice a second that was a third of a peer's work under load.
    requestStateInfoInterval: '4s',
    publishStateInfoInterval: '2s',
    publishCertPeriod: '10s',
    skipBlockVerification: false,
    // Whoever sends private data to a peer that is gone, and not yet known to be, dials it for so long, one after the other.
    // Three round trips must fit in.
    dialTimeout: '500ms',
    connTimeout: '2s',
    recvBuffSize: 200,
    sendBuffSize: 200,
    digestWaitTime: '200ms',
    requestWaitTime: '300ms',
    responseWaitTime: '500ms',
    aliveTimeInterval: '1s',
    // Sends to a peer that is gone wait for each other's dialling until it is known to be.
    aliveExpirationTimeout: '5s',
    reconnectInterval: '1s',
    maxConnectionAttempts: 120,
    msgExpirationFactor: 20,
    election: {
      startupGracePeriod: '15s',
      membershipSampleInterval: '1s',
      leaderAliveThreshold: '10s',
      leaderElectionDuration: '5s',
    },
    // With Fabric's defaults one invalid transaction that names another organisation's collection stops that
    // organisation's peer for a minute, and any member can send one.
    pvtData: {
      pullRetryThreshold: '2s',
      skipPullingInvalidTransactionsDuringCommit: true,
      transientstoreMaxBlockRetention: 20000,
      // Nobody has to acknowledge (requiredPeerCount 0), and still an endorser waits for every member that it has sent
      // private data to: one that hangs would cost each endorsement so long.
      pushAckTimeout: '500ms',
      btlPullMargin: 10,
      reconcileBatchSize: 10,
      reconcileSleepInterval: '10s',
      reconciliationEnabled: true,
      implicitCollectionDisseminationPolicy: { requiredPeerCount: 0, maxPeerCount: 1 },
    },
    state: { enabled: false },
  };
}

/** An orderer that is back is found within two seconds, not after a back-off that grows to an hour. */
const deliveryClient = {
  blockGossipEnabled: false,
  reconnectTotalTimeThreshold: '3600s',
  connTimeout: '3s',
  reConnectBackoffThreshold: '2s',
  blockCensorshipTimeoutKey: '10s',
  minimalReconnectInterval: '100ms',
  policy: 'cluster',
};

const handlers = {
  authFilters: [{ name: 'DefaultAuth' }, { name: 'ExpirationCheck' }, { name: 'TimeWindowCheck' }],
  decorators: [{ name: 'DefaultDecorator' }],
  endorsers: { escc: { name: 'DefaultEndorsement' } },
  validators: { vscc: { name: 'DefaultValidation' } },
};

function chaincode(builder: PeerSettings['builder']): object {
  return {
    externalBuilders: [{ name: 'ccaas', ...builder }],
    installTimeout: '60s',
    startuptimeout: '60s',
    executetimeout: '30s',
    mode: 'net',
    keepalive: 0,
    system: { _lifecycle: 'enable', cscc: 'enable', lscc: 'enable', qscc: 'enable' },
    logging: { level: 'info', shim: 'warning' },
    runtimeParams: {
      useWriteBatch: true,
      maxSizeWriteBatch: 1000,
      useGetMultipleKeys: true,
      maxSizeGetMultipleKeys: 1000,
    },
  };
}

function ledger(peer: PeerLayout): object {
  return {
    state: { stateDatabase: 'goleveldb', totalQueryLimit: 100000 },
    history: { enableHistoryDatabase: true },
    pvtdataStore: {
      collElgProcMaxDbBatchSize: 5000,
      collElgProcDbBatchesInterval: 1000,
      deprioritizedDataReconcilerInterval: '60m',
      // What is purged leaves this store with its block, not with the next hundredth one.
      purgeInterval: 1,
      purgedKeyAuditLogging: false,
    },
    snapshots: { rootDir: join(peer.directory, 'snapshots') },
  };
}
