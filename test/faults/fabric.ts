/**
 * The consortium on real Fabric, natively: a process for each orderer, peer and chaincode, and one for each organisation's
 * gateway, as in containers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { ensureIssuer } from '@telemed-ledger/gateway-api/auth/issuer.ts';
import { requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { assess, described } from '@telemed-ledger/network/fabric/lag.ts';
import {
  addressOf,
  chaincodeProcess,
  type Layout,
  layoutOf,
  type PeerLayout,
} from '@telemed-ledger/network/fabric/layout.ts';
import { readNodes, restartNode } from '@telemed-ledger/network/fabric/network.ts';
import { materialOf } from '@telemed-ledger/network/fabric/prepare.ts';
import { runningPid } from '@telemed-ledger/network/fabric/processes.ts';
import { reachOf } from '@telemed-ledger/scripts/consortium/profile.ts';
import { gatewayDirectory } from '@telemed-ledger/scripts/consortium/read-models.ts';
import { HttpClient } from '@telemed-ledger/scripts/http.ts';
import { serveOne } from '@telemed-ledger/scripts/network/chaincode.ts';
import { deployedPackage } from '@telemed-ledger/scripts/network/context.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import type { FaultyNetwork, Part } from './network.ts';
import { isAlive, kill } from './process.fixture.ts';

const GATEWAY = new URL('../../scripts/gateway.ts', import.meta.url).pathname;
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
/** How long a node that is behind may get no block before it counts as staying behind. */
const SETTLED_MS = 10_000;

/** Needs Fabric's programs. @throws Error with what a command said when it failed */
export async function startFabric(dataDir: string): Promise<FaultyNetwork> {
  const environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
  mkdirSync(dataDir, { recursive: true });
  await definitionOnFreePorts(environment.CONSORTIUM);
  for (const command of ['up', 'deploy']) {
    const { code, error, out } = await runNetwork([command], environment);
    if (code !== 0) throw new Error(`npm run network -- ${command}: ${out}${error}`);
  }
  const consortium = loadConsortium(environment.CONSORTIUM);
  const layout = layoutOf(dataDir, consortium, 'bft');
  const material = await materialOf(consortium, layout);
  const binaries = await requireBinaries(process.env);
  const gateways = await gatewaysOf(dataDir, environment, layout, consortium, material);
  await Promise.all(gateways.map((gateway) => gateway.start()));
  const pidOf = ({ name, kind }: Part): number | undefined =>
    kind === 'gateway' ? gateways.find((gateway) => gateway.part.name === name)?.pid : runningPid(layout, name);
  const restoreOne = async (part: Part): Promise<void> => {
    const gateway = gateways.find((candidate) => candidate.part.name === part.name);
    if (gateway !== undefined) return gateway.start();
    const peer = layout.peers.find(({ organisation }) => chaincodeProcess(organisation.name) === part.name);
    if (peer !== undefined) return serveOne(layout, peer, deployedPackage(layout) ?? '');
    return restartNode(layout, part.name, consortium.channel, material, binaries);
  };
  const parts = [...nodesOf(layout), ...gateways.map(({ part }) => part)];
  return {
    name: 'real Fabric',
    reach: { dataDir, urls: Object.fromEntries(gateways.map(({ part, url }) => [part.organisation ?? '', url])) },
    parts,
    signal: (part, signal) => {
      const pid = pidOf(part);
      if (pid !== undefined) kill(pid, signal);
    },
    ended: async (part) => {
      while (pidOf(part) !== undefined) await delay(POLL_MS);
    },
    restore: async () => {
      await Promise.all(parts.filter((part) => pidOf(part) === undefined).map(restoreOne));
    },
    behind: async () => {
      const read = () => readNodes(layout, consortium.channel, material);
      const first = await read();
      await delay(SETTLED_MS);
      return assess(first, await read()).map((finding) => described(finding));
    },
    mend: async () => {
      const { out, error } = await runNetwork(['up'], environment);
      return `${out}${error}`;
    },
    close: async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await runNetwork(['down'], environment);
    },
  };
}

const nodesOf = ({ orderers, peers }: Layout): Part[] => [
  ...orderers.map(({ process: name, organisation }): Part => ({ name, kind: 'orderer', organisation })),
  ...peers.map(({ process: name, organisation }): Part => ({ name, kind: 'peer', organisation: organisation.name })),
  ...peers.map(
    ({ organisation: { name } }): Part => ({ name: chaincodeProcess(name), kind: 'chaincode', organisation: name }),
  ),
];

type Consortium = ReturnType<typeof loadConsortium>;
type Material = Awaited<ReturnType<typeof materialOf>>;

async function gatewaysOf(
  dataDir: string,
  environment: Record<string, string>,
  layout: Layout,
  consortium: Consortium,
  material: Material,
): Promise<GatewayProcess[]> {
  const members = join(dataDir, 'members.json');
  writeFileSync(members, JSON.stringify(membersOf(consortium)));
  mkdirSync(join(dataDir, 'logs'), { recursive: true });
  const ports = await freePorts(layout.peers.length);
  return Promise.all(
    layout.peers.map(async (peer: PeerLayout, index) => {
      const { name } = peer.organisation;
      const organisation = material.consortium.organisations.find((candidate) => candidate.name === name)!;
      reachOf(dataDir, consortium, organisation, addressOf(peer), peer.serverName);
      await ensureIssuer(join(organisation.directory, 'issuer'));
      const port = ports[index]!;
      return new GatewayProcess(name, port, join(dataDir, 'logs', `gateway-${name}.log`), {
        ...environment,
        CONNECTION: join(organisation.directory, 'connection.json'),
        CONSORTIUM: members,
        GATEWAY_DATA_DIR: gatewayDirectory(organisation.directory, 'fabric'),
        JWKS: join(organisation.directory, 'issuer', 'jwks.json'),
        PORT: String(port),
      });
    }),
  );
}

class GatewayProcess {
  readonly part: Part;
  readonly url: string;
  readonly #logFile: string;
  readonly #environment: Record<string, string>;
  #child: ChildProcess | undefined;

  constructor(organisation: string, port: number, logFile: string, environment: Record<string, string>) {
    this.part = { name: `gateway-${organisation}`, kind: 'gateway', organisation };
    this.url = `http://127.0.0.1:${port}`;
    this.#logFile = logFile;
    this.#environment = environment;
  }

  get pid(): number | undefined {
    const { pid, exitCode, signalCode } = this.#child ?? {};
    return pid !== undefined && exitCode === null && signalCode === null && isAlive(pid) ? pid : undefined;
  }

  /** Answers when it is ready to serve. */
  async start(): Promise<void> {
    const log = openSync(this.#logFile, 'a', 0o600);
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', GATEWAY], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await this.#untilListening();
  }

  async #untilListening(): Promise<void> {
    const http = new HttpClient(this.url);
    const deadline = Date.now() + READY_TIMEOUT_MS;
    try {
      for (;;) {
        const answer = await http.send({ path: '/healthz', timeoutMs: 2_000 }).catch(() => undefined);
        if (answer?.status === 200) return;
        if (this.pid === undefined || Date.now() > deadline)
          throw new Error(`${this.part.name} does not begin to serve; see ${this.#logFile}`);
        await delay(POLL_MS);
      }
    } finally {
      http.close();
    }
  }

  async stop(): Promise<void> {
    const { pid } = this;
    if (pid === undefined) return;
    kill(pid, 'SIGTERM');
    while (this.pid !== undefined) await delay(POLL_MS);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Server>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}
