/**
 * Where everything of a natively run Fabric network is: directories under DATA_DIR/fabric and ports derived from those
 * of consortium.yaml. Nothing is read or written here.
 */
import { join } from 'node:path';
import type { Consortium, Organisation } from '../consortium.ts';

/** Byzantine fault tolerant with all orderers, or a single Raft node (the first of the file) for measurements. */
export type Ordering = 'bft' | 'raft';
export const ORDERINGS: readonly Ordering[] = ['bft', 'raft'];

/** Added to `peerPort` and to an orderer's `port`. */
export const PORT_OFFSETS = { chaincode: 1000, admin: 1000, operations: 2000 } as const;

export interface PeerLayout {
  /** Of its organisation, and of its process. */
  organisation: Organisation;
  process: string;
  directory: string;
  mspId: string;
  port: number;
  /** Where the organisation's chaincode process listens. */
  chaincodePort: number;
  operationsPort: number;
  /** The administrator's MSP directory, for `peer` commands. */
  adminMsp: string;
}

export interface OrdererLayout {
  process: string;
  organisation: string;
  mspId: string;
  directory: string;
  port: number;
  adminPort: number;
  operationsPort: number;
  /** ConsenterMapping's. */
  id: number;
}

export interface Layout {
  dataDir: string;
  /** DATA_DIR/fabric: everything but keys, which are under DATA_DIR/organisations. */
  root: string;
  channelDirectory: string;
  genesisBlock: string;
  chaincodeDirectory: string;
  runDirectory: string;
  logDirectory: string;
  ordering: Ordering;
  peers: PeerLayout[];
  orderers: OrdererLayout[];
}

/** Every address is of this machine alone. */
export const HOST = '127.0.0.1';

export function layoutOf(dataDir: string, consortium: Consortium, ordering: Ordering): Layout {
  const root = join(dataDir, 'fabric');
  const orderers = ordering === 'raft' ? consortium.ordering.orderers.slice(0, 1) : consortium.ordering.orderers;
  return {
    dataDir,
    root,
    channelDirectory: join(root, 'channel'),
    genesisBlock: join(root, 'channel', 'genesis.block'),
    chaincodeDirectory: join(root, 'chaincode'),
    runDirectory: join(root, 'run'),
    logDirectory: join(root, 'logs'),
    ordering,
    peers: consortium.organisations.map((organisation) => ({
      organisation,
      process: `peer-${organisation.name}`,
      directory: join(root, 'peers', organisation.name),
      mspId: organisation.mspId,
      port: organisation.peerPort,
      chaincodePort: organisation.peerPort + PORT_OFFSETS.chaincode,
      operationsPort: organisation.peerPort + PORT_OFFSETS.operations,
      adminMsp: join(root, 'peers', organisation.name, 'admin'),
    })),
    orderers: orderers.map(({ name, organisation, port }, index) => ({
      process: name,
      organisation,
      mspId: mspIdOf(consortium, organisation),
      directory: join(root, 'orderers', name),
      port,
      adminPort: port + PORT_OFFSETS.admin,
      operationsPort: port + PORT_OFFSETS.operations,
      id: index + 1,
    })),
  };
}

/** The process of an organisation's chaincode. */
export const chaincodeProcess = (organisation: string): string => `chaincode-${organisation}`;

/** Every port the network listens on, and what for. */
export function portsOf(layout: Layout): { port: number; process: string; use: string }[] {
  return [
    ...layout.orderers.flatMap(({ process, port, adminPort, operationsPort }) => [
      { port, process, use: 'ordering' },
      { port: adminPort, process, use: 'administration' },
      { port: operationsPort, process, use: 'operations' },
    ]),
    ...layout.peers.flatMap(({ process, organisation, port, chaincodePort, operationsPort }) => [
      { port, process, use: 'peer' },
      { port: chaincodePort, process: chaincodeProcess(organisation.name), use: 'chaincode' },
      { port: operationsPort, process, use: 'operations' },
    ]),
  ];
}

function mspIdOf(consortium: Consortium, name: string): string {
  const organisation = consortium.organisations.find((candidate) => candidate.name === name);
  if (organisation === undefined) throw new Error(`there is no organisation ${name}`);
  return organisation.mspId;
}
