/** The organisations' chaincode processes on a natively run network: one each, serving one package. */
import { join } from 'node:path';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { isListening, untilProcess } from '@telemed-ledger/network/fabric/health.ts';
import { chaincodeProcess, type Layout, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { startProcess } from '@telemed-ledger/network/fabric/processes.ts';
import { membersOf } from '../consortium.ts';
import { type NetworkContext, servedFile } from './context.ts';

const MAIN = new URL('../../chaincode/src/main.ts', import.meta.url).pathname;
const COMPILE_CACHE = new URL('../../chaincode/node_modules/.cache/compile', import.meta.url).pathname;
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=256'];

/** Starts those that do not serve this package yet and waits until all listen. */
export async function serveChaincode({ consortium, layout }: NetworkContext, packageId: string): Promise<void> {
  const consortiumFile = join(layout.chaincodeDirectory, 'consortium.json');
  writeIfDifferent(consortiumFile, JSON.stringify(membersOf(consortium)));
  writeIfDifferent(servedFile(layout), packageId);
  await Promise.all(layout.peers.map((peer) => serveOne(layout, peer, packageId, consortiumFile)));
}

/** Starts one organisation's process. */
export async function serveOne(
  layout: Layout,
  { organisation, listenHost, chaincodeHost, chaincodePort }: PeerLayout,
  packageId: string,
  consortiumFile: string = join(layout.chaincodeDirectory, 'consortium.json'),
): Promise<void> {
  const name = chaincodeProcess(organisation.name);
  await startProcess(layout, {
    name,
    command: process.execPath,
    args: [...NODE_OPTIONS, MAIN],
    environment: {
      CHAINCODE_SERVER_ADDRESS: `${listenHost}:${chaincodePort}`,
      CHAINCODE_ID: packageId,
      CHAINCODE_CONSORTIUM: consortiumFile,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    },
    purpose: packageId,
  });
  await untilProcess(layout, name, 'listening', () => isListening(chaincodeHost, chaincodePort));
}
