/**
 * Where everything of a Fabric network is: directories under DATA_DIR/fabric, addresses from the place it runs in and
 * ports derived from those of consortium.yaml. Nothing is read or written here.
 */
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import type { ConsortiumDefinition, OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { NATIVE, type Place } from './place.ts';

/** Byzantine fault tolerant with all orderers, or a single Raft node (the first of the file) for measurements. */
export type Ordering = 'bft' | 'raft';
export const ORDERINGS: readonly Ordering[] = ['bft', 'raft'];

/** Added to `peerPort` and to an orderer's `port`. */
const PORT_OFFSETS = { chaincode: 1000, admin: 1000, operations: 2000 } as const;

export interface NodeLayout {
  /** The process's, or the service's. */
  process: string;
  mspId: string;
  /** Holds everything that its process reads and writes, and nothing of anybody else's. */
  directory: string;
  /** What others dial. */
  host: string;
  /** What it binds for others. */
  listenHost: string;
  /** Where its operations and its administration are reached, from its own host alone. */
  ownHost: string;
  /** What it binds for those. */
  ownListenHost: string;
  /** The name that its TLS certificate is checked for. */
  serverName: string;
  port: number;
  operationsPort: number;
}

export interface PeerLayout extends NodeLayout {
  organisation: OrganisationDefinition;
  /** Where the organisation's chaincode process listens. */
  chaincodeHost: string;
  chaincodePort: number;
  /**
   * What `peer` commands of the organisation's administrator read: `core.yaml`, and its MSP directory in `msp`. Apart
   * from the peer's, which must not be able to act as its administrator.
   */
  adminDirectory: string;
  adminMsp: string;
}

export interface OrdererLayout extends NodeLayout {
  organisation: string;
  adminPort: number;
  /** ConsenterMapping's. */
  id: number;
}

export interface Layout {
  dataDir: string;
  place: Place;
  /** DATA_DIR/fabric: the nodes. Authorities and everybody's first copies of keys are under DATA_DIR/organisations. */
  root: string;
  channelDirectory: string;
  genesisBlock: string;
  chaincodeDirectory: string;
  runDirectory: string;
  logDirectory: string;
  ordering: Ordering;
  /** Those that are run from here, whose keys are in this data directory. */
  peers: PeerLayout[];
  orderers: OrdererLayout[];
  /** All of the channel. */
  everywhere: { peers: PeerLayout[]; orderers: OrdererLayout[] };
}

/** @param isHere whether an organisation's part is run from here (ca/elsewhere.ts); everybody's, unless stated */
export function layoutOf(
  dataDir: string,
  consortium: ConsortiumDefinition,
  ordering: Ordering,
  place: Place = NATIVE,
  isHere: (organisation: string) => boolean = () => true,
): Layout {
  const root = join(dataDir, 'fabric');
  const defined = ordering === 'raft' ? consortium.ordering.orderers.slice(0, 1) : consortium.ordering.orderers;
  const peers = consortium.organisations.map((organisation) => peerLayout(dataDir, root, place, organisation));
  const orderers = defined.map(({ name, organisation, host, port }, index) => ({
    process: name,
    organisation,
    mspId: mspIdOf(consortium, organisation),
    directory: join(root, 'orderers', name),
    ...addressesOf(place, name, host),
    port,
    adminPort: port + PORT_OFFSETS.admin,
    operationsPort: port + PORT_OFFSETS.operations,
    id: index + 1,
  }));
  return {
    dataDir,
    place,
    root,
    channelDirectory: join(root, 'channel'),
    genesisBlock: join(root, 'channel', 'genesis.block'),
    chaincodeDirectory: join(root, 'chaincode'),
    runDirectory: join(root, 'run'),
    logDirectory: join(root, 'logs'),
    ordering,
    peers: peers.filter(({ organisation }) => isHere(organisation.name)),
    orderers: orderers.filter(({ organisation }) => isHere(organisation)),
    everywhere: { peers, orderers },
  };
}

function peerLayout(dataDir: string, root: string, place: Place, organisation: OrganisationDefinition): PeerLayout {
  const { name, mspId, host, peerPort } = organisation;
  const adminDirectory = join(dataDir, 'organisations', name, 'admin');
  return {
    organisation,
    process: peerProcess(name),
    directory: join(root, 'peers', name),
    mspId,
    ...addressesOf(place, peerProcess(name), host),
    port: peerPort,
    chaincodeHost: place.hostOf(chaincodeProcess(name)),
    chaincodePort: peerPort + PORT_OFFSETS.chaincode,
    operationsPort: peerPort + PORT_OFFSETS.operations,
    adminDirectory,
    adminMsp: join(adminDirectory, 'msp'),
  };
}

/** @param host where it runs, for whoever runs elsewhere */
const addressesOf = (
  place: Place,
  node: string,
  host: string | undefined,
): Pick<NodeLayout, 'host' | 'listenHost' | 'ownHost' | 'ownListenHost' | 'serverName'> => ({
  host: host ?? place.hostOf(node),
  listenHost: host === undefined ? place.listenHost : bound(host),
  ownHost: place.hostOf(node),
  ownListenHost: place.listenHost,
  serverName: place.serverNameOf(node),
});

/** An address is bound as it is; what a name stands for may be another machine's that passes on. */
const bound = (host: string): string => (isIPv4(host) ? host : '0.0.0.0');

/** Every name and address that each node's certificate must be valid for. */
export const hostsOf =
  (place: Place, { organisations, ordering }: ConsortiumDefinition): ((node: string) => string[]) =>
  (node) => {
    const defined = [
      ...organisations.map(({ name, host }) => ({ name: peerProcess(name), host })),
      ...ordering.orderers,
    ].find(({ name }) => name === node)?.host;
    return [...place.hostsOf(node), ...(defined === undefined ? [] : [defined])];
  };

/** The process of an organisation's peer. */
export const peerProcess = (organisation: string): string => `peer-${organisation}`;

/** The process of an organisation's chaincode. */
export const chaincodeProcess = (organisation: string): string => `chaincode-${organisation}`;

/** The process of the next chaincode while the one before serves; and of what serves, where a deployment was killed just then. */
export const nextProcess = (organisation: string): string => `${chaincodeProcess(organisation)}${NEXT}`;
const NEXT = '.next';

/** Those that may hold a process's ports for this network. */
export const holdersOf = (process: string): string[] => [process, `${process}${NEXT}`];

/** `host:port` that clients of a peer or an orderer dial. */
export const addressOf = ({ host, port }: Pick<NodeLayout, 'host' | 'port'>): string => `${host}:${port}`;

/** `host:port` that a peer dials its organisation's chaincode by. */
export const chaincodeAddressOf = ({ chaincodeHost, chaincodePort }: PeerLayout): string =>
  `${chaincodeHost}:${chaincodePort}`;

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

function mspIdOf(consortium: ConsortiumDefinition, name: string): string {
  const organisation = consortium.organisations.find((candidate) => candidate.name === name);
  if (organisation === undefined) throw new Error(`there is no organisation ${name}`);
  return organisation.mspId;
}
