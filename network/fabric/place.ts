/**
 * Where the nodes run, which is all that a native network and one in containers differ by: what a node is called by
 * those who dial it, what it listens on, and how its peer learns where the chaincode is.
 */
import { join } from 'node:path';

export interface Place {
  name: 'native' | 'containers';
  /** Whether nodes are processes that this project's commands start, watch and end. */
  ownsProcesses: boolean;
  /** What a node binds. */
  listenHost: string;
  /** The host that others dial it by: `node` is `peer-<org>`, an orderer's name or `chaincode-<org>`. */
  hostOf(node: string): string;
  /** The name in its TLS certificate that a client holds it to; never an IP address (RFC 6066). */
  serverNameOf(node: string): string;
  /** Every name and address that its TLS certificate must be valid for. */
  hostsOf(node: string): string[];
  builder: Builder;
  /** What an operator does to have the running channel follow the definition. */
  changeIt: string;
  /** The command that removes the ledgers. */
  beginAnew: string;
}

/** How a peer turns the package's template into its own organisation's chaincode address. */
export interface Builder {
  /** The directory that holds `bin/detect`, `bin/build` and `bin/release`. */
  path: string;
  /** What the peer's process must be given besides its configuration; the builder sees these variables and no others. */
  environmentOf(chaincodeAddress: string): Record<string, string>;
}

/** Processes of this machine, for this machine alone. */
export const NATIVE: Place = {
  name: 'native',
  ownsProcesses: true,
  listenHost: '127.0.0.1',
  hostOf: () => '127.0.0.1',
  serverNameOf: () => 'localhost',
  hostsOf: () => ['localhost', '127.0.0.1'],
  builder: {
    path: join(import.meta.dirname, 'builder'),
    environmentOf: (address) => ({ CHAINCODE_ADDRESS: address }),
  },
  changeIt: 'see what would change with npm run network -- plan',
  beginAnew: 'npm run network -- reset',
};

/**
 * Containers of one network, each reached by its service's name, from the official images with their builder. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/cc_service.html
 */
export const CONTAINERS: Place = {
  name: 'containers',
  ownsProcesses: false,
  listenHost: '0.0.0.0',
  hostOf: (node) => node,
  serverNameOf: (node) => node,
  hostsOf: (node) => [node, 'localhost', '127.0.0.1'],
  builder: {
    path: '/opt/hyperledger/ccaas_builder',
    environmentOf: (address) => ({ CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG: JSON.stringify({ address }) }),
  },
  changeIt: 'a network in containers takes no such change yet',
  beginAnew: 'docker compose down --volumes',
};
