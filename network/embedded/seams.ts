/**
 * The seams inside the embedded network: identity and policy below, ledger above them, services on top. Types
 * only; each is implemented in the folder named with it.
 */
import type { common, ledger as ledgerProtos, msp } from '@hyperledger/fabric-protos';
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';

// ---- identity/ ---------------------------------------------------------------------------------------------

export interface Identity {
  mspId: string;
  /** The SerializedIdentity as it came. */
  creator: Uint8Array;
  /** Node OU of the certificate. */
  nodeOu: 'client' | 'peer' | 'admin' | 'orderer' | undefined;
  notBefore: Date;
  notAfter: Date;
}

export interface Identities {
  /** Parses (and caches) a SerializedIdentity; undefined where the MSP is unknown or the certificate unparsable. */
  parse(creator: Uint8Array): Identity | undefined;
  /** Why the identity is not valid in its MSP (chain, CRL, NodeOU), or undefined. Expiry is not looked at (spec 4.3). */
  invalidity(identity: Identity): string | undefined;
  /** ECDSA P-256/SHA-256 over `message`; high S is false. Memoised by (certificate, digest, signature). */
  verify(identity: Identity, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** Notes a signature as good because this process has just made it: the committer need not verify it again. */
  remember(identity: Identity, message: Uint8Array, signature: Uint8Array): void;
  satisfies(identity: Identity, principal: msp.MSPPrincipal): boolean;
  mspIds(): string[];
}

/** Signs as a node of an organisation: DER, low S. */
export interface Signer {
  mspId: string;
  creator: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export interface SignedData {
  creator: Uint8Array;
  data: Uint8Array;
  signature: Uint8Array;
}

// ---- policy/ -----------------------------------------------------------------------------------------------

/** A minimal set of principals that satisfies a policy; a principal may occur more than once. `key` identifies a principal. */
export interface PrincipalSet {
  principals: { key: string; principal: msp.MSPPrincipal }[];
}

export interface Policy {
  /** undefined when satisfied, otherwise Fabric's text. Duplicate identities and bad signatures are dropped first. */
  evaluate(signed: SignedData[]): Promise<string | undefined>;
  principalSets(): PrincipalSet[];
}

export interface Policies {
  /** From the bytes of a `SignaturePolicyEnvelope`. */
  signature(envelope: Uint8Array): Policy;
  /** From the bytes of an `ApplicationPolicy` (signature policy or channel reference). */
  application(bytes: Uint8Array): Policy;
  /** From a channel policy path, for instance `/Channel/Application/Writers`; undefined where there is none. */
  named(path: string): Policy | undefined;
  /** Text such as `OR('AMSP.member','BMSP.peer')`, `AND(…)`, `OutOf(n,…)` to the bytes of a SignaturePolicyEnvelope. */
  parseText(text: string): Uint8Array;
  /** The same text, or a path, to the bytes of an ApplicationPolicy. */
  applicationPolicy(textOrPath: string): Uint8Array;
}

// ---- channel/ ----------------------------------------------------------------------------------------------

export interface Channel {
  name: string;
  genesisBlock: common.Block;
  config: common.Config;
  identities: Identities;
  policies: Policies;
  /** undefined when the signer satisfies the ACL's policy (spec 6), otherwise Fabric's text. */
  checkAcl(
    resource: 'propose' | 'events' | 'query' | 'broadcast' | 'lifecycle' | 'order',
    signed: SignedData,
  ): Promise<string | undefined>;
}

// ---- ledger/ -----------------------------------------------------------------------------------------------

/** A chaincode definition as committed under _lifecycle. */
export interface Definition {
  name: string;
  version: string;
  sequence: number;
  /** Bytes of an ApplicationPolicy. */
  endorsementPolicy: Uint8Array;
  collections: CollectionConfig[];
}

/** What an endorsement needs of a simulation after it is done. */
export interface SimulationResult {
  /** Serialised TxReadWriteSet: public part with hashed collections. */
  publicRwset: Uint8Array;
  /** Plain private sets, absent when none was written. */
  privateRwset?: ledgerProtos.rwset.TxPvtReadWriteSet;
  /** What endorsement planning needs (spec 1.3 B2), by namespace. */
  interest: {
    namespace: string;
    keyPolicies: Uint8Array[];
    /** Public keys without a policy of their own were written, or nothing was written at all. */
    namespacePolicyRequired: boolean;
    collectionsWritten: string[];
    collectionsRead: string[];
  }[];
}

/**
 * One transaction's view of one organisation's peer. Every refusal is an Error with Fabric's text. Single keys are
 * synchronous (LevelDB getSync); whatever walks over keys is asynchronous, since LevelDB's iterators are. `page` and
 * `range` refuse at once (by throwing, not by a rejected promise).
 */
export interface Simulator {
  getState(namespace: string, collection: string, key: string): Uint8Array | undefined;
  getPrivateDataHash(namespace: string, collection: string, key: string): Uint8Array | undefined;
  putState(namespace: string, collection: string, key: string, value: Uint8Array): void;
  deleteState(namespace: string, collection: string, key: string): void;
  purgePrivateData(namespace: string, collection: string, key: string): void;
  getMetadata(namespace: string, collection: string, key: string): Map<string, Uint8Array>;
  putMetadata(namespace: string, collection: string, key: string, metakey: string, value: Uint8Array): void;
  /** Public (collection '') or private range; end '' = end of namespace. `next` gives one at a time as the peer fetches. */
  range(namespace: string, collection: string, start: string, end: string): StateIterator;
  /** One page of a public range; the bookmark replaces start. */
  page(
    namespace: string,
    start: string,
    end: string,
    size: number,
    bookmark: string,
  ): Promise<{ results: KeyValue[]; bookmark: string }>;
  /** Newest first. */
  history(namespace: string, key: string): AsyncIterableIterator<KeyModification>;
  /** Reads the definition's keys into the rwset (spec 4.1). */
  readDefinition(chaincode: string, withCollections: boolean): Definition | undefined;
  result(): SimulationResult;
  close(): void;
}
export interface KeyValue {
  namespace: string;
  key: string;
  value: Uint8Array;
}
export interface KeyModification {
  txId: string;
  value: Uint8Array;
  timestamp: { seconds: number; nanos: number };
  isDelete: boolean;
}
export interface StateIterator {
  next(): Promise<KeyValue | undefined>;
  close(): void;
}

export interface CommittedTransaction {
  txId: string;
  /** peer.TxValidationCode */
  code: number;
  block: number;
  index: number;
}

/** What is published once a block is durable: state, history and index are all committed by then. */
export interface CommittedBlock {
  number: number;
  /** Serialised common.Block with its metadata filled. */
  bytes: Uint8Array;
  block: common.Block;
  transactions: CommittedTransaction[];
}

/** One channel's ledger: public part shared by all peers, private part per organisation. */
export interface Ledger {
  /** Height as one organisation's peer sees it (a lagging peer is behind). */
  height(organisation?: string): number;
  /** fabric.BlockchainInfo, likewise. */
  info(organisation?: string): { height: number; currentBlockHash: Uint8Array; previousBlockHash: Uint8Array };
  /** `creator` decides collection read and write permission (spec 4.5). */
  simulate(organisation: string, transaction: { txId: string; creator: Identity }): Simulator;
  definition(chaincode: string): Definition | undefined;
  definitions(): Definition[];
  /**
   * Transient store of an endorsed private set: given to `organisation` and the eligible peers of each collection.
   * Await it before the endorsement is handed out: from then on the set survives the death of the process.
   *
   * @throws Error with Fabric's text where fewer other peers are eligible than requiredPeerCount (spec 4.5).
   */
  storeTransient(
    organisation: string,
    txId: string,
    height: number,
    set: ledgerProtos.rwset.TxPvtReadWriteSet,
  ): Promise<void>;
  transaction(txId: string): CommittedTransaction | undefined;
  block(number: number): Uint8Array | undefined;
  blockNumberByHash(hash: Uint8Array): number | undefined;
  /**
   * What this organisation's peer stored of a block's private data (purged data gone), by transaction index in
   * ascending order: serialised TxPvtReadWriteSets, because event streams pass them on as bytes.
   */
  privateData(organisation: string, block: number): Map<number, Uint8Array>;
  /** Collection config in force below a block, for DeliverWithPrivateData's filter. */
  collectionConfig(chaincode: string, collection: string, belowBlock: number): CollectionConfig | undefined;
  /** Called with each block as the organisation's peer commits it, in order; answers a function that ends it. */
  subscribe(organisation: string, listener: (block: CommittedBlock) => void): () => void;
  /** Validates (spec 4.2), applies and publishes a block of envelopes in one synced batch. */
  commit(envelopes: Uint8Array[]): Promise<CommittedBlock>;
  lag(organisation: string, ms: number): void;
  /** Fault injection: `privateData` of this organisation lacks what is committed while it is withheld. */
  withhold(organisation: string, withheld: boolean): void;
  close(): Promise<void>;
}

/** The orderer: cuts blocks (spec 2.4) and hands them to the ledger. */
export interface Orderer {
  /** Checks in the order of spec 1.5; status SUCCESS means queued, not durable. */
  broadcast(envelope: Uint8Array): Promise<{ status: number; info: string }>;
  stop(stopped: boolean): void;
  /** Cuts and commits what is pending. */
  close(): Promise<void>;
}
