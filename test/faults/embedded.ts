/**
 * The consortium on the embedded network as `npm start` runs it: gateways, network and chaincode in a process each. Where
 * one of them ends, all of it ends, and is started again on the same ports.
 */
import { readFileSync } from 'node:fs';
import type { FaultyNetwork, Part } from './network.ts';
import { ConsortiumProcess, isAlive, kill } from './process.fixture.ts';

const PARTS: readonly Part[] = [
  { name: 'gateways', kind: 'gateway' },
  { name: 'network', kind: 'network' },
  { name: 'chaincode', kind: 'chaincode' },
];

/** What the command line of a part's process holds. */
const COMMANDS: Record<string, string> = {
  gateways: 'scripts/start.ts',
  network: 'network/embedded/main.ts',
  chaincode: 'chaincode/src/main.ts',
};

export async function startEmbedded(dataDir: string): Promise<FaultyNetwork> {
  let running = await ConsortiumProcess.start(dataDir);
  const { urls } = running;
  const ports = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, Number(new URL(url).port)]));
  let pids = pidsOf(running);
  return {
    name: 'the embedded network',
    reach: { dataDir, urls },
    parts: PARTS,
    signal: ({ name }, signal) => {
      const pid = pids[name];
      if (pid !== undefined) kill(pid, signal);
    },
    ended: async () => void (await running.ended),
    restore: async () => {
      if (Object.values(pids).every((pid) => pid !== undefined && isAlive(pid))) return;
      await running.ended;
      running = await ConsortiumProcess.start(dataDir, ports);
      pids = pidsOf(running);
    },
    close: () => running.stop(),
  };
}

/** Of its parts, by their names. */
export function pidsOf(running: ConsortiumProcess): Record<string, number | undefined> {
  const commands = running.pids.map((pid) => [pid, commandOf(pid)] as const);
  const found = Object.entries(COMMANDS).map(([name, text]) => [
    name,
    commands.find(([, command]) => command.includes(text))?.[0],
  ]);
  return Object.fromEntries(found);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
