/**
 * orderer.yaml of one ordering node. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/deployorderer/ordererchecklist.html
 */
import { join } from 'node:path';
import type { OrdererLayout } from './layout.ts';

const MESSAGE_BYTES = 100 * 1024 * 1024;

export interface OrdererSettings {
  /** Paths. The certificate both serves and calls: ordering nodes present it to each other. */
  tls: { certificate: string; privateKey: string; rootCertificate: string };
  /** TLS authorities of every organisation with an ordering node. */
  ordererRootCertificates: string[];
}

export function ordererConfig(orderer: OrdererLayout, { tls, ordererRootCertificates }: OrdererSettings): object {
  return {
    General: {
      ListenAddress: orderer.listenHost,
      ListenPort: orderer.port,
      TLS: {
        Enabled: true,
        PrivateKey: tls.privateKey,
        Certificate: tls.certificate,
        RootCAs: [tls.rootCertificate],
        ClientAuthRequired: false,
      },
      Keepalive: { ServerMinInterval: '10s', ServerInterval: '7200s', ServerTimeout: '20s' },
      Backoff: { BaseDelay: '200ms', Multiplier: 1.6, MaxDelay: '2s' },
      MaxRecvMsgSize: MESSAGE_BYTES,
      MaxSendMsgSize: MESSAGE_BYTES,
      Throttling: { Rate: 0, InactivityTimeout: '5s' },
      Cluster: {
        SendBufferSize: 100,
        ClientCertificate: tls.certificate,
        ClientPrivateKey: tls.privateKey,
        RootCAs: ordererRootCertificates,
        ReplicationPolicy: 'consensus',
      },
      LocalMSPDir: join(orderer.directory, 'msp'),
      LocalMSPID: orderer.mspId,
      Profile: { Enabled: false },
      BCCSP: { Default: 'SW', SW: { Hash: 'SHA2', Security: 256 } },
      Authentication: { TimeWindow: '15m' },
    },
    FileLedger: { Location: join(orderer.directory, 'data') },
    Operations: { ListenAddress: `${orderer.ownListenHost}:${orderer.operationsPort}`, TLS: { Enabled: false } },
    Metrics: { Provider: 'prometheus' },
    // Whoever runs the node administers it: only certificates of its own organisation's TLS authority are let in.
    Admin: {
      ListenAddress: `${orderer.ownListenHost}:${orderer.adminPort}`,
      TLS: {
        Enabled: true,
        Certificate: tls.certificate,
        PrivateKey: tls.privateKey,
        RootCAs: [tls.rootCertificate],
        ClientAuthRequired: true,
        ClientRootCAs: [tls.rootCertificate],
      },
    },
    ChannelParticipation: { Enabled: true, MaxRequestBodySize: '1 MB' },
    Consensus: {
      WALDir: join(orderer.directory, 'consensus', 'wal'),
      SnapDir: join(orderer.directory, 'consensus', 'snapshot'),
    },
  };
}
