/**
 * The embedded network as a child process. Its first message is the NetworkConfig; it answers when it is ready, takes
 * chaincode definitions afterwards, and leaves with its parent.
 */
import process from 'node:process';
import type { ChaincodeConfig, NetworkConfig, RunningNetwork } from './config.ts';
import { startNetwork } from './network.ts';

/** What the parent sends after the configuration. */
export interface DefineMessage {
  define: ChaincodeConfig;
}

/** What the process answers. `failed` before `ready` is followed by exit code 1. */
export type NetworkMessage =
  | { ready: true; endpoints: Record<string, string> }
  | { defined: string }
  | { failed: string };

function tell(message: NetworkMessage): void {
  if (process.connected) process.send?.(message);
}

async function start(config: NetworkConfig): Promise<void> {
  const started = startNetwork(config);
  const leave = () => leaveAfterClosing(started);
  for (const event of ['disconnect', 'SIGTERM']) process.once(event, leave);
  // Ctrl-C reaches the whole group; the parent first stops what uses the network.
  process.on('SIGINT', () => {});
  try {
    const network = await started;
    process.on('message', (message) => define(network, message as DefineMessage));
    tell({ ready: true, endpoints: network.endpoints });
  } catch (error) {
    tell({ failed: (error as Error).message });
    process.exitCode = 1;
    process.disconnect?.();
  }
}

async function define(network: RunningNetwork, { define: chaincode }: DefineMessage): Promise<void> {
  try {
    await network.define(chaincode);
    tell({ defined: chaincode.name });
  } catch (error) {
    tell({ failed: (error as Error).message });
  }
}

/** Cuts and commits what is pending, closes the store and exits. */
async function leaveAfterClosing(started: Promise<RunningNetwork>): Promise<void> {
  let code = 0;
  try {
    await (await started).close();
  } catch {
    code = 1;
  }
  process.exit(code);
}

if (!process.send) {
  console.error('The embedded network is started by another process, which sends it its configuration.');
  process.exit(2);
}
process.once('message', (message) => start(message as NetworkConfig));
