/** The organisations' chaincode processes on a natively run network: one each, serving one package. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Chaincode } from '@telemed-ledger/network/fabric/deployment.ts';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { isListening, untilProcess } from '@telemed-ledger/network/fabric/health.ts';
import { chaincodeProcess, type Layout, nextProcess, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import {
  lastLines,
  type ProcessSpec,
  renameProcess,
  runningPurpose,
  startProcess,
  stopProcess,
} from '@telemed-ledger/network/fabric/processes.ts';
import { packageIdOf } from '../consortium/package-id.ts';
import { CHAINCODE_VERSION } from '../consortium.ts';
import { type NetworkContext, servedFile } from './context.ts';

const MAIN = new URL('../../chaincode/src/main.ts', import.meta.url).pathname;
const COMPILE_CACHE = new URL('../../chaincode/node_modules/.cache/compile', import.meta.url).pathname;
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=256'];

/** What is deployed: a fingerprint of the chaincode's sources and of the consortium that it is for. */
export const chaincodeOf = (consortium: ConsortiumDefinition): Chaincode => ({
  version: CHAINCODE_VERSION,
  fingerprint: packageIdOf(membersOf(consortium), CHAINCODE_VERSION),
});

/** The consortium's members, as the chaincode reads them. */
export const consortiumFile = (layout: Layout): string => join(layout.chaincodeDirectory, 'consortium.json');

/**
 * The network as the chaincode that is deployed knows it: without an organisation that has joined the channel since, whose
 * peer endorses once a definition with it is deployed.
 */
export function deployedFor({ consortium, layout }: NetworkContext): NetworkContext {
  const file = consortiumFile(layout);
  if (!existsSync(file)) return { consortium, layout };
  const { organisations } = JSON.parse(readFileSync(file, 'utf8')) as Consortium;
  const isKnown = ({ name }: { name: string }): boolean => organisations.some((one) => one.name === name);
  return {
    consortium: { ...consortium, organisations: consortium.organisations.filter(isKnown) },
    layout: { ...layout, peers: layout.peers.filter(({ organisation }) => isKnown(organisation)) },
  };
}

/** The next chaincode's, while the one before serves. */
const nextConsortiumFile = (layout: Layout): string => join(layout.chaincodeDirectory, 'consortium.next.json');

/** What is about to serve; there from when it is loaded until it does. */
export interface Next {
  packageId: string;
  /** Of the definition that it is for. */
  version: string;
}

const nextFile = (layout: Layout): string => join(layout.chaincodeDirectory, 'next.json');

/** Of a deployment that has not come to its end. */
export function nextChaincode(layout: Layout): Next | undefined {
  const file = nextFile(layout);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Next) : undefined;
}

/** Starts every organisation's process for a package beside the one that serves; answers when all of them are loaded. */
export async function loadChaincode(
  { consortium, layout }: NetworkContext,
  packageId: string,
  version: string,
): Promise<void> {
  writeIfDifferent(nextConsortiumFile(layout), JSON.stringify(membersOf(consortium)));
  writeIfDifferent(nextFile(layout), JSON.stringify({ packageId, version } satisfies Next));
  await Promise.all(
    layout.peers.map(async (peer) => {
      const name = nextProcess(peer.organisation.name);
      const spec = specOf(peer, packageId, nextConsortiumFile(layout));
      await startProcess(layout, {
        ...spec,
        environment: { ...spec.environment, CHAINCODE_TAKES_OVER: 'yes' },
        name,
        log: chaincodeProcess(peer.organisation.name),
      });
      await untilProcess(layout, name, 'loaded', async () => isLoaded(layout, name));
    }),
  );
}

const LINES = 20;
const isLoaded = (layout: Layout, name: string): boolean =>
  /chaincode (is loaded and waits for|listens on) /.test(lastLines(layout, name, LINES, true));

/** Has those serve that are loaded, starts those that are not and do not serve this package yet, and waits until all listen. */
export async function serveChaincode({ consortium, layout }: NetworkContext, packageId: string): Promise<void> {
  writeIfDifferent(consortiumFile(layout), JSON.stringify(membersOf(consortium)));
  writeIfDifferent(servedFile(layout), packageId);
  await Promise.all(layout.peers.map((peer) => serveOne(layout, peer, packageId)));
  if (nextChaincode(layout)?.packageId === packageId) rmSync(nextFile(layout), { force: true });
}

/** Starts one organisation's process, or has the one that is loaded take the place of the one before. */
export async function serveOne(layout: Layout, peer: PeerLayout, packageId: string): Promise<void> {
  const { organisation, chaincodeHost, chaincodePort } = peer;
  const [name, next] = [chaincodeProcess(organisation.name), nextProcess(organisation.name)];
  if (runningPurpose(layout, next) === packageId) {
    await stopProcess(layout, name);
    renameProcess(layout, next, name);
  } else {
    // Of a deployment that was given up: it would take the port.
    await stopProcess(layout, next);
    await startProcess(layout, { ...specOf(peer, packageId, consortiumFile(layout)), name });
  }
  await untilProcess(layout, name, 'listening', () => isListening(chaincodeHost, chaincodePort));
}

function specOf(
  { ownListenHost, chaincodePort }: PeerLayout,
  packageId: string,
  consortium: string,
): Omit<ProcessSpec, 'name'> {
  return {
    command: process.execPath,
    args: [...NODE_OPTIONS, MAIN],
    environment: {
      CHAINCODE_SERVER_ADDRESS: `${ownListenHost}:${chaincodePort}`,
      CHAINCODE_ID: packageId,
      CHAINCODE_CONSORTIUM: consortium,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    },
    purpose: packageId,
  };
}
