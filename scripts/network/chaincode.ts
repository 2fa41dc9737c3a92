/** The organisations' chaincode processes on a natively run network: one each, serving one package. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Chaincode } from '@telemed-ledger/network/fabric/deployment.ts';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { isListening, untilProcess } from '@telemed-ledger/network/fabric/health.ts';
import { chaincodeProcess, type Layout, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { startProcess } from '@telemed-ledger/network/fabric/processes.ts';
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

/** Starts those that do not serve this package yet and waits until all listen. */
export async function serveChaincode({ consortium, layout }: NetworkContext, packageId: string): Promise<void> {
  writeIfDifferent(consortiumFile(layout), JSON.stringify(membersOf(consortium)));
  writeIfDifferent(servedFile(layout), packageId);
  await Promise.all(layout.peers.map((peer) => serveOne(layout, peer, packageId)));
}

/** Starts one organisation's process. */
export async function serveOne(
  layout: Layout,
  { organisation, listenHost, chaincodeHost, chaincodePort }: PeerLayout,
  packageId: string,
): Promise<void> {
  const name = chaincodeProcess(organisation.name);
  await startProcess(layout, {
    name,
    command: process.execPath,
    args: [...NODE_OPTIONS, MAIN],
    environment: {
      CHAINCODE_SERVER_ADDRESS: `${listenHost}:${chaincodePort}`,
      CHAINCODE_ID: packageId,
      CHAINCODE_CONSORTIUM: consortiumFile(layout),
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    },
    purpose: packageId,
  });
  await untilProcess(layout, name, 'listening', () => isListening(chaincodeHost, chaincodePort));
}
