/**
 * The conformance suite's network on real Fabric: a Raft orderer and a peer per organisation as processes of this
 * machine, from the operator's own binaries, with the pieces of the native runner. Everything is in a temporary
 * directory, on ports of the system's choice, and ends with the suite.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { common } from '@hyperledger/fabric-protos';
import type { OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { tarGz } from '@telemed-ledger/network/fabric/archive.ts';
import { type Binaries, requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { asAdministrator, joinOrderer, joinPeer } from '@telemed-ledger/network/fabric/channel.ts';
import { firstBlock } from '@telemed-ledger/network/fabric/channel-config.ts';
import { run } from '@telemed-ledger/network/fabric/command.ts';
import { writeIfDifferent, writeYaml } from '@telemed-ledger/network/fabric/files.ts';
import { isAdministrable, isHealthy, peerHeight } from '@telemed-ledger/network/fabric/health.ts';
import { addressOf, type Layout, type OrdererLayout, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { writeMemberMsp } from '@telemed-ledger/network/fabric/msp.ts';
import { ordererConfig } from '@telemed-ledger/network/fabric/orderer-config.ts';
import { administratorConfig, peerConfig } from '@telemed-ledger/network/fabric/peer-config.ts';
import { NATIVE } from '@telemed-ledger/network/fabric/place.ts';
import { ChaincodeHost, type PackageId, type PackageName } from './chaincode.ts';
import { Client } from './client.ts';
import { createMaterial, type Material, ORGANISATIONS, type OrganisationName } from './material.ts';
import {
  BATCH,
  CHANNEL,
  type ChaincodeDefinition,
  type CrashableNetwork,
  DEFINITIONS,
  EXECUTE_TIMEOUT_MS,
} from './network.ts';
import { authoritiesOf, replay } from './replay.ts';
import { take } from './suite.ts';

const HOST = NATIVE.listenHost;
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** @throws Error that says which binaries are missing, or what a process said when it ended. */
export async function startFabric(material?: Material): Promise<CrashableNetwork> {
  const binaries = await requireBinaries(process.env);
  const fabric = new NativeFabric(
    material ?? (await createMaterial()),
    await layoutIn(await mkdtemp(join(tmpdir(), 'conformance-fabric-'))),
    binaries,
  );
  try {
    return await fabric.start();
  } catch (error) {
    await fabric.close();
    throw error;
  }
}

class NativeFabric {
  readonly #material: Material;
  readonly #layout: Layout;
  readonly #binaries: Binaries;
  readonly #children: ChildProcess[] = [];
  readonly #sequences = new Map<string, number>();
  #packageId: PackageId = () => 'unknown';
  #chaincodes: ChaincodeHost | undefined;

  constructor(material: Material, layout: Layout, binaries: Binaries) {
    this.#material = material;
    this.#layout = layout;
    this.#binaries = binaries;
  }

  async start(): Promise<CrashableNetwork> {
    this.#writeFiles();
    await this.#startOrderer();
    await this.#joinOrderer();
    await Promise.all(this.#layout.peers.map((peer) => this.#startPeer(peer).then(() => this.#joinPeer(peer))));
    const chaincodes = await ChaincodeHost.start(this.#packageId);
    this.#chaincodes = chaincodes;
    await this.#install(chaincodes);
    for (const definition of Object.values(DEFINITIONS)) await this.#define(definition);
    const endpoints = Object.fromEntries(
      this.#layout.peers.map((peer) => [peer.organisation.name, addressOf(peer)]),
    ) as Record<OrganisationName, string>;
    await this.#untilEndorsing(endpoints);
    return {
      name: 'Fabric',
      material: this.#material,
      endpoints,
      chaincodes,
      define: (definition) => this.#define(definition),
      kill: () => this.#kill(),
      restart: async () => {
        await this.#startOrderer();
        await Promise.all(this.#layout.peers.map((peer) => this.#startPeer(peer)));
        await this.#untilEndorsing(endpoints);
      },
      replay: async () => {
        const blocks = await this.#exportBlocks(endpoints.org1);
        return (await replay(blocks, authoritiesOf(this.#material))).differences;
      },
      close: () => this.close(),
    };
  }

  async #exportBlocks(endpoint: string): Promise<common.Block[]> {
    const { mspId, ca, client: identity } = this.#material.organisations.org1;
    const client = new Client({ endpoint, tlsRoot: ca.certificate, mspId, identity });
    const height = await peerHeight(this.#layout.peers[0]!, CHANNEL);
    const stream = await client.network.getBlockEvents({ startBlock: 0n });
    const blocks = await take(stream, (taken) => taken.length === height, 30_000);
    client.close();
    return blocks;
  }

  async #kill(): Promise<void> {
    const running = this.#children
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const exits = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(exits);
  }

  async close(): Promise<void> {
    this.#chaincodes?.close();
    await this.#kill();
    await rm(this.#layout.root, { recursive: true, force: true });
  }

  #writeFiles(): void {
    const { peers, orderers } = this.#layout;
    mkdirSync(this.#layout.logDirectory, { recursive: true });
    for (const peer of peers) this.#writePeer(peer);
    const [orderer] = orderers as [OrdererLayout];
    const own = this.#material.orderer;
    const authorities = {
      caCertificate: own.ca.certificate,
      tlsCaCertificate: own.ca.certificate,
      revocationLists: [],
    };
    writeMemberMsp(join(orderer.directory, 'msp'), authorities, own.node);
    const tls = writeTls(orderer.directory, own.tls, own.ca.certificate);
    writeYaml(
      join(orderer.directory, 'orderer.yaml'),
      ordererConfig(orderer, { tls, ordererRootCertificates: [tls.rootCertificate] }),
    );
    const certificates = { identity: own.node.certificate, tls: own.tls.certificate };
    const material = { mspOf: (name: string) => this.#mspOf(name), certificatesOf: () => certificates };
    writeIfDifferent(this.#layout.genesisBlock, firstBlock(CHANNEL, this.#layout, BATCH, material));
  }

  #mspOf(name: string) {
    if (name === 'orderer') return mspOf('OrdererMSP', this.#material.orderer.ca.certificate);
    const { mspId, ca, revocationList } = this.#material.organisations[name as OrganisationName];
    return { ...mspOf(mspId, ca.certificate), revocationLists: [revocationList] };
  }

  #writePeer(peer: PeerLayout): void {
    const own = this.#material.organisations[peer.organisation.name as OrganisationName];
    const authorities = {
      caCertificate: own.ca.certificate,
      tlsCaCertificate: own.ca.certificate,
      revocationLists: [own.revocationList],
    };
    writeMemberMsp(join(peer.directory, 'msp'), authorities, own.peer);
    writeMemberMsp(peer.adminMsp, authorities, own.admin);
    writeYaml(join(peer.adminDirectory, 'core.yaml'), administratorConfig());
    const tls = writeTls(peer.directory, own.peerTls, own.ca.certificate);
    const builder = { path: NATIVE.builder.path, propagateEnvironment: ['CHAINCODE_ADDRESS'] };
    writeYaml(join(peer.directory, 'core.yaml'), peerConfig(peer, { builder, tls }));
  }

  async #startOrderer(): Promise<void> {
    const [orderer] = this.#layout.orderers as [OrdererLayout];
    this.#spawn(orderer.process, this.#binaries.orderer, [], { FABRIC_CFG_PATH: orderer.directory });
    await this.#until(`${orderer.process} is healthy`, () => isHealthy(orderer));
  }

  async #joinOrderer(): Promise<void> {
    const [orderer] = this.#layout.orderers as [OrdererLayout];
    const { ca, admin } = this.#material.orderer;
    const tls = { ...admin, rootCertificate: ca.certificate };
    const isReady = () => isAdministrable(orderer, CHANNEL, tls).catch(() => false);
    await this.#until('the orderer can be administered', isReady);
    await joinOrderer(this.#layout, orderer, CHANNEL, tls);
    const leads = async () => (await this.#logOf(orderer.process)).includes('elected leader');
    await this.#until('the orderer leads', leads);
  }

  async #startPeer(peer: PeerLayout): Promise<void> {
    this.#spawn(peer.process, this.#binaries.peer, ['node', 'start'], {
      FABRIC_CFG_PATH: peer.directory,
      CORE_CHAINCODE_EXECUTETIMEOUT: `${EXECUTE_TIMEOUT_MS}ms`,
      // The packages of the suite hold their address; the builder wants one all the same.
      CHAINCODE_ADDRESS: `${HOST}:0`,
    });
    await this.#until(`${peer.process} is healthy`, () => isHealthy(peer));
  }

  async #joinPeer(peer: PeerLayout): Promise<void> {
    await joinPeer(this.#layout, peer, CHANNEL, join(peer.directory, 'tlsca.pem'), this.#binaries);
    const isJoined = async () => (await peerHeight(peer, CHANNEL)) !== undefined;
    await this.#until(`${peer.process} has the channel`, isJoined);
  }

  /** A package per organisation, because each dials a process of its own. */
  async #install(chaincodes: ChaincodeHost): Promise<void> {
    const ids = new Map<string, string>();
    await Promise.all(
      this.#layout.peers.map(async (peer) => {
        const organisation = peer.organisation.name as OrganisationName;
        for (const name of ['main', 'callee'] as const) {
          const bytes = packageOf(name, chaincodes.address(name, organisation));
          const file = join(this.#layout.root, `${name}-${organisation}.tar.gz`);
          writeIfDifferent(file, bytes);
          ids.set(`${name}/${organisation}`, `${name}:${createHash('sha256').update(bytes).digest('hex')}`);
          await this.#lifecycle(peer, 'install', [file]);
        }
      }),
    );
    this.#packageId = (name, organisation) => ids.get(`${name}/${organisation}`) ?? '';
    await chaincodes.rename(this.#packageId);
  }

  async #define(definition: ChaincodeDefinition): Promise<void> {
    const { peers, orderers } = this.#layout;
    const [orderer] = orderers as [OrdererLayout];
    const sequence = (this.#sequences.get(definition.name) ?? 0) + 1;
    this.#sequences.set(definition.name, sequence);
    const terms = ['-C', CHANNEL, '-n', definition.name, '--version', definition.version, '--sequence', `${sequence}`];
    terms.push('--signature-policy', definition.policy);
    if (definition.collections.length > 0) {
      const file = join(this.#layout.root, `collections-${definition.name}.json`);
      writeIfDifferent(file, JSON.stringify(definition.collections));
      terms.push('--collections-config', file);
    }
    terms.push('-o', addressOf(orderer), '--tls', '--cafile', join(orderer.directory, 'tlsca.pem'));
    for (const peer of peers) {
      const organisation = peer.organisation.name as OrganisationName;
      const id = this.#packageId(definition.package, organisation);
      const runs = definition.runs.includes(organisation) ? ['--package-id', id] : [];
      await this.#lifecycle(peer, 'approveformyorg', [...terms, ...runs]);
    }
    const everywhere = peers.flatMap((peer) => [
      '--peerAddresses',
      addressOf(peer),
      '--tlsRootCertFiles',
      join(peer.directory, 'tlsca.pem'),
    ]);
    await this.#lifecycle(peers[0]!, 'commit', [...terms, ...everywhere]);
  }

  /** Every gateway must know every organisation's peer as an endorser of every chaincode. */
  async #untilEndorsing(endpoints: Record<OrganisationName, string>): Promise<void> {
    for (const name of ORGANISATIONS) {
      const { mspId, ca, client: identity } = this.#material.organisations[name];
      const client = new Client({ endpoint: endpoints[name], tlsRoot: ca.certificate, mspId, identity });
      const canEndorse = async ({ name: chaincode, runs }: ChaincodeDefinition) => {
        const endorsingOrganizations = runs.map((each) => this.#material.organisations[each].mspId);
        const proposal = client.network.getContract(chaincode).newProposal('put', {
          arguments: ['ready', 'x'],
          endorsingOrganizations,
        });
        return proposal.endorse().then(
          () => true,
          () => false,
        );
      };
      for (const definition of Object.values(DEFINITIONS)) {
        await this.#until(`${name} can have ${definition.name} endorsed`, () => canEndorse(definition));
      }
      client.close();
    }
  }

  #lifecycle(peer: PeerLayout, action: string, args: string[]): Promise<unknown> {
    return run(this.#binaries.peer, ['lifecycle', 'chaincode', action, ...args], this.#administrator(peer));
  }

  #administrator(peer: PeerLayout): Record<string, string> {
    return asAdministrator(peer, join(peer.directory, 'tlsca.pem'));
  }

  #spawn(name: string, command: string, args: string[], environment: Record<string, string>): void {
    const log = openSync(this.#logFile(name), 'a');
    const child = spawn(command, args, {
      env: { ...process.env, FABRIC_LOGGING_SPEC: 'info:gossip=warning:grpc=error', ...environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#children.push(child);
  }

  async #until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await condition())) {
      if (this.#children.some(({ exitCode }) => exitCode !== null) || Date.now() > deadline) {
        const logs = await Promise.all(
          ['orderer', ...ORGANISATIONS.map((name) => `peer-${name}`)].map((name) => this.#logOf(name)),
        );
        throw new Error(
          `not before the end of a minute: ${what}\n${logs.map((log) => log.slice(-1500)).join('\n---\n')}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  #logFile(name: string): string {
    return join(this.#layout.logDirectory, `${name}.log`);
  }

  #logOf(name: string): Promise<string> {
    return readFile(this.#logFile(name), 'utf8').catch(() => '');
  }
}

const mspOf = (mspId: string, authority: string) => ({
  mspId,
  caCertificate: authority,
  tlsCaCertificate: authority,
});

function packageOf(label: PackageName, address: string): Buffer {
  const text = (value: object) => `${JSON.stringify(value)}\n`;
  return tarGz({
    'metadata.json': text({ type: 'ccaas', label }),
    'code.tar.gz': tarGz({ 'connection.json': text({ address, dial_timeout: '3s', tls_required: false }) }),
  });
}

function writeTls(directory: string, pair: { certificate: string; privateKey: string }, root: string) {
  const files = {
    certificate: join(directory, 'tls.pem'),
    privateKey: join(directory, 'tls.key'),
    rootCertificate: join(directory, 'tlsca.pem'),
  };
  writeIfDifferent(files.certificate, pair.certificate);
  writeIfDifferent(files.privateKey, pair.privateKey);
  writeIfDifferent(files.rootCertificate, root);
  return files;
}

async function layoutIn(root: string): Promise<Layout> {
  const ports = await freePorts(3 + 3 * ORGANISATIONS.length);
  const next = () => ports.pop()!;
  const reached = { host: HOST, listenHost: HOST, ownHost: HOST, ownListenHost: HOST, serverName: 'localhost' };
  const peers = ORGANISATIONS.map((name) => {
    const mspId = `${name.charAt(0).toUpperCase()}${name.slice(1)}MSP`;
    const directory = join(root, 'peers', name);
    return {
      organisation: { name, mspId } as OrganisationDefinition,
      process: `peer-${name}`,
      directory,
      mspId,
      ...reached,
      port: next(),
      chaincodeHost: HOST,
      chaincodePort: next(),
      operationsPort: next(),
      adminDirectory: join(root, 'admins', name),
      adminMsp: join(root, 'admins', name, 'msp'),
    };
  });
  const orderers = [
    {
      process: 'orderer',
      organisation: 'orderer',
      mspId: 'OrdererMSP',
      directory: join(root, 'orderer'),
      ...reached,
      port: next(),
      adminPort: next(),
      operationsPort: next(),
      id: 1,
    },
  ];
  return {
    dataDir: root,
    place: NATIVE,
    root,
    channelDirectory: join(root, 'channel'),
    genesisBlock: join(root, 'channel', 'genesis.block'),
    chaincodeDirectory: join(root, 'chaincode'),
    runDirectory: join(root, 'run'),
    logDirectory: join(root, 'logs'),
    ordering: 'raft',
    peers,
    orderers,
    everywhere: { peers, orderers },
  };
}

/** Ports that are free now, all held at once so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, HOST));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
