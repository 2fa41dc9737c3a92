/** What the conformance suite needs of a network, and the chaincodes and limits that every network is given. */
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';
import type { BatchConfig } from '@telemed-ledger/formats/channel/config-group.ts';
import type { ChaincodeHost } from './chaincode.ts';
import type { Material, OrganisationName } from './material.ts';

export const CHANNEL = 'conformance';

export const BATCH: BatchConfig = {
  timeoutMs: 80,
  maxMessageCount: 10,
  preferredMaxBytes: 512 * 1024,
  absoluteMaxBytes: 6 * 1024 * 1024,
};

/** Short, because one case waits for it. */
export const EXECUTE_TIMEOUT_MS = 3000;

export interface ChaincodeDefinition {
  name: string;
  version: string;
  /** Two packages of the same program, because a peer runs one transaction once per package. */
  package: 'main' | 'callee';
  policy: string;
  collections: CollectionConfig[];
  /** Organisations whose peers run it. */
  runs: OrganisationName[];
}

const ALL: OrganisationName[] = ['org1', 'org2', 'org3'];
const ANY_PEER = "OR('Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')";

function collection(name: string, changes: Partial<CollectionConfig> = {}): CollectionConfig {
  return {
    name,
    policy: "OR('Org1MSP.member','Org2MSP.member')",
    requiredPeerCount: 0,
    maxPeerCount: 3,
    blockToLive: 0,
    memberOnlyRead: false,
    memberOnlyWrite: false,
    ...changes,
  };
}

/** One policy and membership each case needs. */
export const DEFINITIONS: Record<'either' | 'both' | 'solo' | 'callee', ChaincodeDefinition> = {
  either: {
    name: 'either',
    version: '1.0',
    package: 'main',
    policy: ANY_PEER,
    collections: [
      collection('shared', { memberOnlyRead: true, memberOnlyWrite: true }),
      collection('open'),
      collection('brief', { blockToLive: 2 }),
      collection('guarded', { endorsementPolicy: { signaturePolicy: "OR('Org2MSP.peer')" } }),
      collection('outside', { endorsementPolicy: { signaturePolicy: "AND('Org1MSP.peer','Org3MSP.peer')" } }),
    ],
    runs: ALL,
  },
  both: {
    name: 'both',
    version: '1.0',
    package: 'main',
    policy: "AND('Org1MSP.peer','Org2MSP.peer')",
    collections: [],
    runs: ALL,
  },
  solo: {
    name: 'solo',
    version: '1.0',
    package: 'main',
    policy: "OR('Org2MSP.peer')",
    collections: [],
    runs: ['org2'],
  },
  callee: { name: 'callee', version: '1.0', package: 'callee', policy: ANY_PEER, collections: [], runs: ALL },
};

export interface ConformanceNetwork {
  /** For the test report, for instance `Fabric 3.1.5`. */
  name: string;
  material: Material;
  /** `host:port` of each organisation's peer. */
  endpoints: Record<OrganisationName, string>;
  /** The processes that serve the chaincodes; cases kill and restart them. */
  chaincodes: ChaincodeHost;
  /** Commits a changed definition. */
  define(definition: ChaincodeDefinition): Promise<void>;
  close(): Promise<void>;
}

/** A network whose processes can be killed without warning and started again on what they had stored. */
export interface CrashableNetwork extends ConformanceNetwork {
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** In what the stored ledger differs from a replay of its blocks; the network is down afterwards. */
  replay(): Promise<string[]>;
}
