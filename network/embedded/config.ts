/**
 * What the embedded network is started with. It names organisations and chaincodes and nothing of what they are
 * for. Certificates and keys are PEM text.
 */
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';
import type { BatchConfig } from '@telemed-ledger/formats/channel/config-group.ts';

export interface KeyPair {
  certificate: string;
  privateKey: string;
}

export interface OrganisationConfig {
  name: string;
  mspId: string;
  /** The CA that issues its identities. NodeOUs are on: every identity carries exactly one of the OUs client, peer, admin, orderer. */
  caCertificate: string;
  tlsCaCertificate: string;
  /** PEM CRLs of its CA. */
  revocationLists?: string[];
  peer: {
    /** Signs endorsements; OU peer. */
    identity: KeyPair;
    /** Server certificate for 127.0.0.1 and localhost. */
    tls: KeyPair;
    /** 0 lets the system choose. */
    port: number;
  };
}

export interface ChaincodeConfig {
  name: string;
  version: string;
  /** Major number of the versions whose values this chaincode reads; a ledger of another one is refused. Absent: any. */
  layout?: number;
  /** `label:sha256`, the ccid under which the chaincode processes register. */
  packageId: string;
  /** A signature policy (`OutOf(2,'AMSP.member',…)`) or a reference such as `/Channel/Application/Endorsement`. */
  endorsementPolicy: string;
  collections: CollectionConfig[];
  /** Chaincode as a service: `host:port` that each organisation's peer dials, by organisation name. A peer without one does not run it. */
  addresses: Record<string, string>;
}

export interface NetworkConfig {
  dataDir: string;
  channel: string;
  organisations: OrganisationConfig[];
  orderer: { mspId: string; caCertificate: string; tlsCaCertificate: string; identity: KeyPair };
  batch: BatchConfig;
  chaincodes: ChaincodeConfig[];
  /** Chaincode execution limit; Fabric's default is 30 s. */
  executeTimeoutMs?: number;
  /** fsync each block before it is acknowledged; on by default. */
  durable?: boolean;
}

export interface RunningNetwork {
  /** `127.0.0.1:port` of each organisation's peer, by organisation name. */
  endpoints: Record<string, string>;
  /** Installs or updates a chaincode definition after start: commits genuine _lifecycle keys in a block when it differs. */
  define(chaincode: ChaincodeConfig): Promise<void>;
  /**
   * Fault injection for tests: delays commit visibility on one peer; refuses an organisation's calls; leaves them without
   * an answer; stops ordering.
   */
  lag(organisation: string, ms: number): void;
  drop(organisation: string, dropped: boolean): void;
  pause(organisation: string, paused: boolean): void;
  stopOrderer(stopped: boolean): void;
  /** While withheld, one peer's event streams lack the private data of new blocks, as if it had not obtained it yet. */
  withhold(organisation: string, withheld: boolean): void;
  /** Cuts what is pending, commits it and closes the store. */
  close(): Promise<void>;
}
