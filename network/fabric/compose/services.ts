/**
 * The compose services of a consortium, one function for each kind: what runs, whom it waits for, what it is given. See
 * https://github.com/compose-spec/compose-spec/blob/main/spec.md
 */
import type { ConsortiumDefinition, OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { portVariable, urlVariable } from '@telemed-ledger/consortium/variables.ts';
import { chaincodeAddressOf, layoutOf, type OrdererLayout, type PeerLayout } from '../layout.ts';
import { LOGGING } from '../logging.ts';
import { CONTAINERS } from '../place.ts';
import { IMAGES } from './images.ts';
import {
  authorityVolume,
  CHAINCODE_VOLUME,
  CHANNEL_VOLUME,
  DATA_DIR,
  databaseVolume,
  gatewayVolume,
  LOAD_VOLUME,
  mount,
  ordererVolume,
  organisationVolume,
  peerVolume,
  volumesOf,
} from './volumes.ts';

export type Service = Record<string, unknown>;
export type Services = Record<string, Service>;

/** What compose reads from its caller's environment. */
function fromEnvironment(variable: string, otherwise: string): string {
  return `\${${variable}:-${otherwise}}`;
}

/**
 * Of every service: nobody is root, nothing may become it, nothing is written but to volumes and memory, and nobody takes
 * all of the machine's processes or processors. Memory is limited service by service.
 */
export const HARDENED: Service = {
  user: '1000:1000',
  init: true,
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  pids_limit: 1_000,
  // An engine refuses more than the machine has.
  cpus: fromEnvironment('CONTAINER_CPUS', '1'),
  logging: { driver: 'local', options: { 'max-size': '10m', 'max-file': '3' } },
};
/** Ledgers are flushed before a service is ended by force. */
export const LONG_RUNNING = { restart: 'unless-stopped', stop_grace_period: '20s' };
const ONCE = { restart: 'no' };

/** Everybody's peers and ordering nodes. */
export const CONSORTIUM_NETWORK = 'consortium';
/** What is reached from outside: an organisation's gateway, so that gateways do not meet. */
export const outsideNetwork = (organisation: string): string => `outside-${organisation}`;
/** Where Prometheus asks an organisation's nodes and gateway, whose operations listeners ask nobody who they are. */
export const monitoringNetwork = (organisation: string): string => `monitoring-${organisation}`;
/** An organisation's own: authority, peer, chaincode, gateway, database. */
export const ownNetwork = (organisation: string): string => `own-${organisation}`;

/** The gateway's role owns its database and nothing else; the server's own is never given to a gateway. */
export const DATABASE = {
  name: 'gateway',
  user: 'gateway',
  port: 5432,
  passwordFile: 'password',
  owner: 'postgres',
  ownerPasswordFile: 'owner-password',
} as const;
/** Where a gateway tells operators and monitors how it is; never published. */
export const GATEWAY_OPERATIONS_PORT = 9090;
export const AUTHORITY_PORT = 7054;
export const AUTHORITY_OPERATIONS_PORT = 9443;

export const serviceOf = {
  authority: (organisation: string): string => `ca-${organisation}`,
  database: (organisation: string): string => `database-${organisation}`,
  gateway: (organisation: string): string => `gateway-${organisation}`,
  chaincode: (organisation: string): string => `chaincode-${organisation}`,
};

const completed = 'service_completed_successfully';
const healthy = 'service_healthy';
const after = (condition: string, names: readonly string[]): Record<string, object> =>
  Object.fromEntries(names.map((name) => [name, { condition }]));

export function servicesOf(consortium: ConsortiumDefinition): Services {
  const layout = layoutOf(DATA_DIR, consortium, 'bft', CONTAINERS);
  const organisations = consortium.organisations.map(({ name }) => name);
  const nodes = [...layout.orderers, ...layout.peers].map(({ process }) => process);
  return {
    prepare: prepare(consortium),
    ...byName(organisations, (name) => [serviceOf.authority(name), authority(name)]),
    setup: setup(organisations, consortium),
    ...byName(layout.orderers, (node) => [node.process, orderer(node)]),
    ...byName(layout.peers, (node) => [node.process, peer(node)]),
    ...byName(layout.peers, (node, at) => [serviceOf.chaincode(node.organisation.name), chaincode(node, at === 0)]),
    deploy: deploy(organisations, nodes),
    ...byName(organisations, (name) => [serviceOf.database(name), database(name)]),
    ...byName(layout.peers, (node, at) => [serviceOf.gateway(node.organisation.name), gateway(node, at === 0)]),
    tools: tools(consortium.organisations),
  };
}

const byName = <T>(items: readonly T[], make: (item: T, at: number) => [string, Service]): Services =>
  Object.fromEntries(items.map(make));

const oneShot = (command: string, memory = '384m'): Service => ({
  image: IMAGES.operator,
  ...ONCE,
  command: ['scripts/containers.ts', command],
  tmpfs: ['/tmp:uid=1000,gid=1000'],
  mem_limit: memory,
});

/** The first that has every volume: they take their owner from the directories of its image. */
function prepare(consortium: ConsortiumDefinition): Service {
  const volumes = volumesOf(consortium);
  return {
    ...oneShot('prepare'),
    build: {
      context: '.',
      dockerfile: 'network/Dockerfile',
      args: {
        PEER_IMAGE: IMAGES.peer,
        CA_IMAGE: IMAGES.authority,
        VOLUMES: volumes.map(({ directory }) => directory).join(' '),
      },
    },
    network_mode: 'none',
    volumes: volumes.map((volume) => mount(volume, 'rw')),
  };
}

function authority(organisation: string): Service {
  const volume = authorityVolume(organisation);
  return {
    image: IMAGES.authority,
    ...LONG_RUNNING,
    command: ['fabric-ca-server', 'start', '--home', volume.directory],
    depends_on: after(completed, ['prepare']),
    networks: [ownNetwork(organisation)],
    volumes: [mount(volume, 'rw')],
    tmpfs: ['/tmp:uid=1000,gid=1000', '/etc/hyperledger'],
    mem_limit: '192m',
    healthcheck: answersOk(AUTHORITY_OPERATIONS_PORT, '/healthz'),
  };
}

function setup(organisations: readonly string[], consortium: ConsortiumDefinition): Service {
  return {
    ...oneShot('setup'),
    depends_on: after(healthy, organisations.map(serviceOf.authority)),
    networks: organisations.map(ownNetwork),
    volumes: [
      ...organisations.flatMap((name) => [organisationVolume(name), peerVolume(name), gatewayVolume(name)]),
      ...consortium.ordering.orderers.map(({ name }) => ordererVolume(name)),
      CHANNEL_VOLUME,
      CHAINCODE_VOLUME,
    ].map((volume) => mount(volume, 'rw')),
  };
}

/** The images declare volumes at two places that nothing of ours is in; memory there spares an empty one each. */
const FABRIC_TMPFS = ['/tmp:uid=1000,gid=1000', '/var/hyperledger', '/etc/hyperledger/fabric'];

function orderer({ process, directory, operationsPort, organisation }: OrdererLayout): Service {
  return {
    image: IMAGES.orderer,
    ...LONG_RUNNING,
    command: ['orderer', 'start'],
    environment: { FABRIC_CFG_PATH: directory, ...LOGGING },
    depends_on: after(completed, ['setup']),
    networks: [CONSORTIUM_NETWORK, monitoringNetwork(organisation)],
    volumes: [mount(ordererVolume(process), 'rw')],
    tmpfs: [...FABRIC_TMPFS],
    mem_limit: '768m',
    healthcheck: answersOk(operationsPort, '/healthz'),
  };
}

function peer(node: PeerLayout): Service {
  const { organisation, directory, operationsPort } = node;
  return {
    image: IMAGES.peer,
    ...LONG_RUNNING,
    command: ['peer', 'node', 'start'],
    environment: {
      FABRIC_CFG_PATH: directory,
      ...CONTAINERS.builder.environmentOf(chaincodeAddressOf(node)),
      ...LOGGING,
    },
    depends_on: after(completed, ['setup']),
    networks: [CONSORTIUM_NETWORK, ownNetwork(organisation.name), monitoringNetwork(organisation.name)],
    volumes: [mount(peerVolume(organisation.name), 'rw')],
    tmpfs: [...FABRIC_TMPFS],
    mem_limit: '1g',
    healthcheck: answersOk(operationsPort, '/healthz'),
  };
}

/** Reachable for its own organisation's peer and gateway only, so what the peer and it say to each other is not encrypted. */
function chaincode({ organisation, chaincodePort }: PeerLayout, builds: boolean): Service {
  const { directory } = CHAINCODE_VOLUME;
  return {
    image: IMAGES.chaincode,
    ...(builds ? { build: { context: '.', dockerfile: 'chaincode/Dockerfile' } } : {}),
    ...LONG_RUNNING,
    environment: {
      CHAINCODE_SERVER_ADDRESS: `0.0.0.0:${chaincodePort}`,
      CHAINCODE_ID_FILE: `${directory}/package-id`,
      CHAINCODE_CONSORTIUM: `${directory}/consortium.json`,
    },
    depends_on: after(completed, ['setup']),
    networks: [ownNetwork(organisation.name)],
    volumes: [mount(CHAINCODE_VOLUME, 'ro')],
    tmpfs: ['/tmp:uid=1000,gid=1000'],
    mem_limit: '512m',
    healthcheck: listens(chaincodePort),
  };
}

function deploy(organisations: readonly string[], nodes: readonly string[]): Service {
  return {
    ...oneShot('deploy'),
    depends_on: after(healthy, [...nodes, ...organisations.map(serviceOf.chaincode)]),
    networks: [CONSORTIUM_NETWORK],
    volumes: [...organisations.map(organisationVolume), CHANNEL_VOLUME, CHAINCODE_VOLUME].map((volume) =>
      mount(volume, 'rw'),
    ),
  };
}

const PGDATA = '/var/lib/postgresql/data';
const ROLE_SCRIPT = 'gateway-role.sh';

function database(organisation: string): Service {
  return {
    image: IMAGES.database,
    ...LONG_RUNNING,
    command: ['postgres', '-c', 'shared_buffers=96MB', '-c', 'max_connections=40'],
    environment: {
      PGDATA: `${PGDATA}/pgdata`,
      POSTGRES_DB: DATABASE.name,
      POSTGRES_USER: DATABASE.owner,
      POSTGRES_PASSWORD_FILE: `${PGDATA}/${DATABASE.ownerPasswordFile}`,
      GATEWAY_PASSWORD_FILE: `${PGDATA}/${DATABASE.passwordFile}`,
      POSTGRES_INITDB_ARGS: '--auth=scram-sha-256 --data-checksums --encoding=UTF8 --locale=C',
    },
    depends_on: after(completed, ['prepare']),
    networks: [ownNetwork(organisation)],
    volumes: [
      mount(databaseVolume(organisation), 'rw', PGDATA),
      // Run once, by the image, when it makes the server.
      `./network/fabric/compose/database/${ROLE_SCRIPT}:/docker-entrypoint-initdb.d/${ROLE_SCRIPT}:ro`,
    ],
    tmpfs: ['/tmp:uid=1000,gid=1000', '/var/run/postgresql:uid=1000,gid=1000'],
    shm_size: '64m',
    mem_limit: '384m',
    stop_signal: 'SIGINT',
    healthcheck: probe('pg_isready', '-q', '-h', '127.0.0.1', '-U', DATABASE.user, '-d', DATABASE.name),
  };
}

function gateway(node: PeerLayout, builds: boolean): Service {
  const { name, gatewayPort } = node.organisation;
  const own = `${DATA_DIR}/organisations/${name}`;
  return {
    image: IMAGES.gateway,
    ...(builds
      ? { build: { context: '.', dockerfile: 'gateway-api/Dockerfile', args: { CA_IMAGE: IMAGES.authority } } }
      : {}),
    ...LONG_RUNNING,
    // Longer than it takes to answer what is under way (DRAIN_MS, 20 s), and to close the rest.
    stop_grace_period: '40s',
    environment: {
      ORGANISATION: name,
      DATA_DIR,
      CONNECTION: `${own}/connection.json`,
      CONSORTIUM: `${own}/consortium.json`,
      JWKS: `${own}/jwks.json`,
      X12_PARTIES: `${own}/x12-parties.json`,
      GATEWAY_DATA_DIR: `${own}/gateway`,
      HOST: '0.0.0.0',
      PORT: String(gatewayPort),
      OPERATIONS_HOST: '0.0.0.0',
      OPERATIONS_PORT: String(GATEWAY_OPERATIONS_PORT),
      DATABASE_HOST: serviceOf.database(name),
      DATABASE_PORT: String(DATABASE.port),
      DATABASE_NAME: DATABASE.name,
      DATABASE_USER: DATABASE.user,
      DATABASE_PASSWORD_FILE: `${own}/database-password`,
    },
    depends_on: {
      ...after(completed, ['deploy']),
      ...after(healthy, [serviceOf.database(name), serviceOf.authority(name), node.process, serviceOf.chaincode(name)]),
    },
    networks: [ownNetwork(name), outsideNetwork(name), monitoringNetwork(name)],
    ports: [`127.0.0.1:${fromEnvironment(portVariable(name), String(gatewayPort))}:${gatewayPort}`],
    volumes: [mount(gatewayVolume(name), 'rw', DATA_DIR)],
    tmpfs: ['/tmp:uid=1000,gid=1000'],
    mem_limit: '768m',
    healthcheck: answersOk(GATEWAY_OPERATIONS_PORT, '/readyz'),
  };
}

/** `docker compose run --rm tools scripts/demo.ts`: whatever a developer runs against the gateways, with their issuers' keys. */
function tools(organisations: readonly OrganisationDefinition[]): Service {
  return {
    image: IMAGES.operator,
    ...ONCE,
    profiles: ['tools'],
    command: ['scripts/token.ts', '--help'],
    environment: Object.fromEntries(
      organisations.map(({ name, gatewayPort }) => [
        urlVariable(name),
        `http://${serviceOf.gateway(name)}:${gatewayPort}`,
      ]),
    ),
    // Peers too: verify reads what each of them holds, by its own organisation's identity.
    networks: [...organisations.map(({ name }) => outsideNetwork(name)), CONSORTIUM_NETWORK],
    volumes: [...organisations.map(({ name }) => mount(organisationVolume(name), 'ro')), mount(LOAD_VOLUME, 'rw')],
    tmpfs: ['/tmp:uid=1000,gid=1000'],
    mem_limit: '384m',
  };
}

/**
 * A probe is a shell that opens a connection, but the engine makes a process in the container for each: with all containers asked
 * every two seconds that was half a core. What waits for another service starts up to ten seconds later for it.
 */
const TIMES = { interval: '10s', timeout: '5s', retries: 6, start_period: '30s' };

export const probe = (...command: string[]): object => ({ test: ['CMD', ...command], ...TIMES });

/** Fabric's images, and Node's, have no HTTP client, but a shell that can open a connection. */
const answersOk = (port: number, path: string): object =>
  probe(
    'bash',
    '-c',
    `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $$line == *' 200 '* ]]`,
  );

const listens = (port: number): object => probe('bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`);
