/**
 * The two networks that the gateways can be started on, behind one interface: the embedded one, which starts and ends
 * with them, and a Fabric network that runs by itself (`npm run network -- up`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_LAYOUT } from '@telemed-ledger/chaincode/model/values.ts';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import type { Consortium as Members } from '@telemed-ledger/consortium/members.ts';
import { writeAdministrators } from '@telemed-ledger/network/administrators.ts';
import { hereIn, isElsewhere } from '@telemed-ledger/network/ca/elsewhere.ts';
import {
  type PreparedOrganisation,
  prepareEmbedded,
  prepareOrganisations,
} from '@telemed-ledger/network/ca/organisations.ts';
import type { NetworkMessage } from '@telemed-ledger/network/embedded/main.ts';
import { assertReadable } from '@telemed-ledger/network/fabric/deployment.ts';
import { addressOf, hostsOf, layoutOf } from '@telemed-ledger/network/fabric/layout.ts';
import { NATIVE } from '@telemed-ledger/network/fabric/place.ts';
import { existingOrdering } from '@telemed-ledger/network/fabric/prepare.ts';
import { recorded, runningPid } from '@telemed-ledger/network/fabric/processes.ts';
import { networkConfigOf } from '@telemed-ledger/network/network-config.ts';
import { type Child, startChild } from './child.ts';
import { packageIdOf } from './package-id.ts';

export interface Ledger {
  organisations: PreparedOrganisation[];
  /** `host:port` of each organisation's peer, by organisation name. */
  endpoints: Record<string, string>;
  /** Process numbers by what they run. */
  pids: Record<string, number>;
  /** Called when a part that was started here ends by itself. */
  onUnexpectedEnd(listener: (reason: string) => void): void;
  /** Ends what was started here. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Of the chaincode. */
  version: string;
  /** By organisation name; 0 lets the system choose. */
  peerPorts: Record<string, number>;
}

export async function startEmbedded(
  dataDir: string,
  consortium: ConsortiumDefinition,
  members: Members,
  { version, peerPorts }: EmbeddedOptions,
): Promise<Ledger> {
  const children = startProcesses(dataDir);
  const stop = async (): Promise<void> => {
    await children.network.stop();
    await children.chaincode.stop();
  };
  try {
    const prepared = await prepareEmbedded(dataDir, consortium);
    const packageId = packageIdOf(members, version);
    const names = consortium.organisations.map(({ name }) => name);
    children.chaincode.send({ consortium: members, ccid: packageId, organisations: names });
    await writeAdministrators(dataDir, consortium, prepared.organisations);
    const { addresses } = await children.chaincode.ready;
    const chaincode = { version, layout: LEDGER_LAYOUT, packageId, addresses };
    children.network.send(networkConfigOf(join(dataDir, 'network'), consortium, prepared, { ...chaincode, peerPorts }));
    const { endpoints } = await children.network.ready;
    return {
      organisations: prepared.organisations,
      endpoints,
      pids: { network: children.network.pid, chaincode: children.chaincode.pid },
      onUnexpectedEnd: (listener) => {
        for (const child of Object.values(children)) child.onUnexpectedEnd(listener);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Processes {
  chaincode: Child<{ addresses: Record<string, string> }>;
  network: Child<Extract<NetworkMessage, { ready: true }>>;
}

/** Both begin to load at once; each waits for its first message. */
function startProcesses(dataDir: string): Processes {
  const log = (name: string): string => join(dataDir, 'logs', `${name}.log`);
  const path = (relative: string): string => new URL(relative, import.meta.url).pathname;
  return {
    chaincode: startChild('the chaincode', path('../../chaincode/src/main.ts'), log('chaincode')),
    network: startChild('the embedded network', path('../../network/embedded/main.ts'), log('network')),
  };
}

/** @throws Error saying what to do when the network does not run or has no chaincode yet. */
export async function joinFabric(dataDir: string, consortium: ConsortiumDefinition, version: string): Promise<Ledger> {
  const ordering = existingOrdering(layoutOf(dataDir, consortium, 'bft'));
  const layout = layoutOf(dataDir, consortium, ordering ?? 'bft', NATIVE, (name) => !isElsewhere(dataDir, name));
  if (ordering === undefined) throw new Error(`${dataDir} holds no Fabric network: npm run network -- up`);
  const down = layout.peers.filter(({ process }) => runningPid(layout, process) === undefined);
  if (down.length === layout.peers.length) throw new Error('the Fabric network is down: npm run network -- up');
  if (!existsSync(join(layout.chaincodeDirectory, 'package-id')))
    throw new Error('the Fabric network has no chaincode yet: npm run network -- deploy');
  assertReadable(version, versionServed(layout.chaincodeDirectory));
  const here = hereIn(dataDir, consortium);
  const { organisations } = await prepareOrganisations(dataDir, here, hostsOf(NATIVE, consortium));
  const pids = recorded(layout).flatMap((name) => {
    const pid = runningPid(layout, name);
    return pid === undefined ? [] : [[name, pid] as const];
  });
  return {
    organisations,
    endpoints: Object.fromEntries(layout.peers.map((peer) => [peer.organisation.name, addressOf(peer)])),
    pids: Object.fromEntries(pids),
    onUnexpectedEnd: () => undefined,
    stop: async () => undefined,
  };
}

/** The version of the chaincode that runs on this Fabric network, from its package's label: `telemed_2.0:<hash>`. */
const versionServed = (chaincodeDirectory: string): string | undefined =>
  /_([^_:]+):/.exec(readFileSync(join(chaincodeDirectory, 'package-id'), 'utf8'))?.[1];
