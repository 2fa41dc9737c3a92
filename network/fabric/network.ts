/**
 * The native Fabric network as a whole: up, down, its state, one process again. Every operation may be interrupted and
 * repeated; ledgers are only ever removed by `reset`.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import type { Binaries } from './binaries.ts';
import { administratorOf, joinOrderer, joinPeer } from './channel.ts';
import { settleStores } from './forgetting.ts';
import {
  endOf,
  isAdministrable,
  isHealthy,
  isLeader,
  isListening,
  type LedgerReading,
  peerHeight,
  readOrderer,
  readPeer,
  readView,
  untilProcess,
} from './health.ts';
import type { Reading } from './lag.ts';
import {
  chaincodeAddressOf,
  chaincodeProcess,
  holdersOf,
  type Layout,
  type OrdererLayout,
  type PeerLayout,
  portsOf,
} from './layout.ts';
import { LOGGING } from './logging.ts';
import { type Material, organisationIn } from './material.ts';
import { takenPorts } from './ports.ts';
import { prepareNetwork } from './prepare.ts';
import { recorded, runningPid, startProcess, stopProcess } from './processes.ts';

export interface NetworkState {
  name: string;
  kind: 'orderer' | 'peer' | 'chaincode';
  port: number;
  pid: number | undefined;
  /** Blocks; a chaincode has none. */
  height: number | undefined;
  /** Of an orderer: what it says of its part in ordering. */
  part?: string;
}

/**
 * Starts what does not run and brings it into the channel.
 * @throws Error that names every port taken by another program, or what a process said when it ended.
 */
export async function bringUp(consortium: ConsortiumDefinition, layout: Layout, binaries: Binaries): Promise<Material> {
  const busy = await takenPorts(portsOf(layout).filter(({ process }) => !isHeldHere(layout, process)));
  if (busy.length > 0) throw new Error(busy.join('\n'));
  const material = await prepareNetwork(consortium, layout);
  await Promise.all([
    ...layout.orderers.map((orderer) => startOrderer(layout, orderer, binaries)),
    ...layout.peers.map((peer) => startPeer(layout, peer, binaries)),
  ]);
  await joinNetwork(layout, consortium.channel, material, binaries);
  return material;
}

/** Whether a process of this network has the ports that are this one's. */
export const isHeldHere = (layout: Layout, process: string): boolean =>
  holdersOf(process).some((name) => runningPid(layout, name) !== undefined);

/**
 * Waits for every node that was started, here or by a container engine, brings those into the channel that are not in
 * it yet, and answers when every peer holds its first block. May be interrupted and repeated.
 * @throws Error that says which node did not come, or what it answered.
 */
export async function joinNetwork(
  layout: Layout,
  channel: string,
  material: Material,
  binaries: Pick<Binaries, 'peer'>,
): Promise<void> {
  const { orderers, peers } = layout;
  await Promise.all([
    ...orderers.map((orderer) => untilAdministrable(layout, orderer, channel, material)),
    ...peers.map((peer) => explaining(layout, peer, untilHealthy(layout, peer))),
  ]);
  await Promise.all([
    ...orderers.map((orderer) => joinOrderer(layout, orderer, channel, administratorOf(material, orderer))),
    ...peers.map((peer) => explaining(layout, peer, untilInChannel(layout, peer, channel, material, binaries))),
  ]);
}

async function untilInChannel(
  layout: Layout,
  peer: PeerLayout,
  channel: string,
  material: Material,
  binaries: Pick<Binaries, 'peer'>,
): Promise<void> {
  const { tlsCaCertificateFile } = organisationIn(material, peer.organisation.name);
  await joinPeer(layout, peer, channel, tlsCaCertificateFile, binaries);
  const hasChannel = async () => (await peerHeight(peer, channel)) !== undefined;
  await untilProcess(layout, peer.process, 'in the channel', hasChannel);
}

/** A peer that has had a ledger may fail for what is damaged in it. */
async function explaining<T>(layout: Layout, { process: name, directory, organisation }: PeerLayout, work: Promise<T>) {
  const hadLedger = layout.place.ownsProcesses && existsSync(join(directory, 'data', 'ledgersData', 'chains'));
  return work.catch((error: Error) => {
    if (!hadLedger) throw error;
    const end = endOf(layout, name);
    const said = end === undefined || error.message.startsWith(`${name} ended`) ? [] : [end];
    const remedy = `where ${name}'s ledger is damaged: npm run repair -- --org ${organisation.name}`;
    throw new Error([error.message, ...said, remedy].join('\n'), { cause: error });
  });
}

const untilAdministrable = (layout: Layout, orderer: OrdererLayout, channel: string, material: Material) =>
  untilProcess(layout, orderer.process, 'ready', () =>
    isAdministrable(orderer, channel, administratorOf(material, orderer)),
  );

/** A peer says that it is healthy before it has opened its ledgers, and listens after. */
const untilHealthy = (layout: Layout, peer: PeerLayout) =>
  untilProcess(
    layout,
    peer.process,
    'healthy',
    async () => (await isHealthy(peer)) && (await isListening(peer.host, peer.port)),
  );

async function startOrderer(layout: Layout, orderer: OrdererLayout, binaries: Binaries): Promise<void> {
  await startProcess(layout, {
    name: orderer.process,
    command: binaries.orderer,
    args: ['start'],
    environment: { FABRIC_CFG_PATH: orderer.directory, ...LOGGING },
  });
}

async function startPeer(layout: Layout, peer: PeerLayout, binaries: Binaries): Promise<void> {
  await settleStores(peer);
  await startProcess(layout, {
    name: peer.process,
    command: binaries.peer,
    args: ['node', 'start'],
    environment: {
      FABRIC_CFG_PATH: peer.directory,
      ...layout.place.builder.environmentOf(chaincodeAddressOf(peer)),
      ...LOGGING,
    },
  });
}

/** Ends one process and starts it as it was. @throws Error when the network has no such process. */
export async function restartNode(
  layout: Layout,
  name: string,
  channel: string,
  material: Material,
  binaries: Binaries,
): Promise<void> {
  const orderer = layout.orderers.find(({ process }) => process === name);
  const peer = layout.peers.find(({ process }) => process === name);
  if (orderer === undefined && peer === undefined) throw new Error(`there is no ${name}`);
  await stopProcess(layout, name);
  if (orderer !== undefined) {
    await startOrderer(layout, orderer, binaries);
    await untilAdministrable(layout, orderer, channel, material);
  }
  if (peer !== undefined) {
    await startPeer(layout, peer, binaries);
    await untilHealthy(layout, peer);
  }
}

/** Ends everything that was started, chaincodes and peers before orderers. @returns the names of those that ran. */
export async function takeDown(layout: Layout): Promise<string[]> {
  const names = recorded(layout);
  const orderers = new Set(layout.orderers.map(({ process }) => process));
  const stopped: string[] = [];
  const stop = async (name: string): Promise<void> => {
    if (await stopProcess(layout, name)) stopped.push(name);
  };
  await Promise.all(names.filter((name) => !orderers.has(name)).map(stop));
  await Promise.all(names.filter((name) => orderers.has(name)).map(stop));
  return stopped.sort();
}

/** Takes the network down and removes ledgers, configuration and logs; keys stay. */
export async function removeNetwork(layout: Layout): Promise<void> {
  await takeDown(layout);
  rmSync(layout.root, { recursive: true, force: true });
}

/** `material` is needed for the orderers' heights. */
export async function stateOf(
  layout: Layout,
  channel: string,
  material: Material | undefined,
): Promise<NetworkState[]> {
  const orderers = layout.orderers.map(async (orderer) => ({
    ...{ name: orderer.process, kind: 'orderer' as const, port: orderer.port },
    pid: runningPid(layout, orderer.process),
    ...(material === undefined ? { height: undefined } : await ordererState(orderer, channel, material)),
  }));
  const peers = layout.peers.map(async (peer) => ({
    name: peer.process,
    kind: 'peer' as const,
    port: peer.port,
    pid: runningPid(layout, peer.process),
    height: await peerHeight(peer, channel),
  }));
  const chaincodes = layout.peers.map(({ organisation, chaincodePort }) => {
    const name = chaincodeProcess(organisation.name);
    return {
      name,
      kind: 'chaincode' as const,
      port: chaincodePort,
      pid: runningPid(layout, name),
      height: undefined,
    };
  });
  return [...(await Promise.all(orderers)), ...(await Promise.all(peers)), ...chaincodes];
}

async function ordererState(
  orderer: OrdererLayout,
  channel: string,
  material: Material,
): Promise<Pick<NetworkState, 'height' | 'part'>> {
  const { height, status, relation } = await readOrderer(orderer, channel, administratorOf(material, orderer));
  if (relation === undefined) return { height: height === 0 ? undefined : height };
  const leads = relation === 'consenter' && (await isLeader(orderer, channel));
  return { height, part: `${leads ? 'leader' : relation}${status === 'active' ? '' : `, ${status}`}` };
}

/** What every node says of its ledger now; nodes that do not run are not asked. */
export function readNodes(layout: Layout, channel: string, material: Material): Promise<Reading[]> {
  const reading = async (
    name: string,
    kind: Reading['kind'],
    read: () => Promise<LedgerReading & Pick<Reading, 'view'>>,
  ): Promise<Reading> => {
    const isRunning = runningPid(layout, name) !== undefined;
    return { name, kind, isRunning, ...(isRunning ? await read() : { height: undefined }) };
  };
  return Promise.all([
    ...layout.orderers.map((orderer) =>
      reading(orderer.process, 'orderer', async () => {
        const [ledger, view] = await Promise.all([
          readOrderer(orderer, channel, administratorOf(material, orderer)),
          readView(orderer, channel),
        ]);
        return { ...ledger, ...(view === undefined ? {} : { view }) };
      }),
    ),
    ...layout.peers.map((peer) => reading(peer.process, 'peer', () => readPeer(peer, channel))),
  ]);
}

/** Runs `work` while nobody else changes this network. @throws Error naming the process that does. */
export async function alone<T>(layout: Layout, work: () => Promise<T>): Promise<T> {
  mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  const file = join(layout.root, 'changing.pid');
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  if (holder !== undefined && isAlive(holder)) {
    throw new Error(`another command (process ${holder}) is changing this network; wait until it has ended`);
  }
  rmSync(file, { force: true });
  const lock = openSync(file, 'wx', 0o600);
  writeSync(lock, String(process.pid));
  closeSync(lock);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
