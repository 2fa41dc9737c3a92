/**
 * `npm start`: brings the consortium up on this machine, prints its organisations with their base URLs and then the
 * line `ready`, and takes everything down on ctrl-C.
 */
import { parseArgs } from 'node:util';
import { portVariable } from './consortium/ports.ts';
import { isNetworkKind, type NetworkKind } from './consortium/read-models.ts';
import type { RunningConsortium } from './consortium.ts';

const USAGE = `usage: npm start [-- [--fresh] [--network embedded|fabric]]
  --fresh                     begin anew: removes the ledger, the identities and the read models
  --network fabric            on the Fabric network that npm run network -- up started; the default is embedded
  DATA_DIR                    where everything lives (default .data)
  CONSORTIUM                  the consortium's definition (default network/consortium.yaml)
  GATEWAY_PORT_<ORGANISATION> an organisation's port (default: as the consortium's definition says; 0: any)
  PEER_PORT_<ORGANISATION>    its peer's port on the embedded network (likewise; any where the gateway's is)`;

interface Settings {
  fresh: boolean;
  network: NetworkKind;
  dataDir: string;
  consortiumFile: string | undefined;
  ports: Record<string, number>;
  peerPorts: Record<string, number>;
}

/** @throws Error that lists every mistake. */
function readSettings(args: string[], environment: NodeJS.ProcessEnv): Settings {
  const { values } = parseArgs({
    args,
    options: { fresh: { type: 'boolean', default: false }, network: { type: 'string', default: 'embedded' } },
  });
  const { network } = values;
  if (!isNetworkKind(network)) throw new Error(`--network ${network}: embedded or fabric`);
  const mistakes: string[] = [];
  const ports = portsIn(environment, portVariable('', 'gateway'), mistakes);
  const peerPorts = portsIn(environment, portVariable('', 'peer'), mistakes);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return {
    fresh: values.fresh,
    network,
    dataDir: environment['DATA_DIR'] || '.data',
    consortiumFile: environment['CONSORTIUM'] || undefined,
    ports,
    peerPorts,
  };
}

/** Ports by organisation, from the variables that begin with `prefix`. */
function portsIn(environment: NodeJS.ProcessEnv, prefix: string, mistakes: string[]): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(prefix)) continue;
    const port = Number(value);
    if (!/^\d{1,5}$/.test(value ?? '') || port > 65_535) mistakes.push(`${name}: not a port from 0 to 65535`);
    ports[name.slice(prefix.length).toLowerCase().replaceAll('_', '-')] = port;
  }
  return ports;
}

function printTable({ consortium, urls }: RunningConsortium): void {
  const rows = consortium.organisations.map(({ name, kind, mspId }) => [name, kind, mspId, urls[name] ?? '']);
  const all = [['organisation', 'kind', 'MSP', 'base URL'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  for (const row of all)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

async function start(settings: Settings): Promise<void> {
  const { startConsortium } = await import('./consortium.ts');
  let running: RunningConsortium | undefined;
  let leaving = false;
  const leave = async (code: number): Promise<void> => {
    if (leaving) return;
    leaving = true;
    await running?.close();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void leave(0));
  running = await startConsortium({
    ...settings,
    onFailure: (reason) => {
      console.error(reason);
      void leave(1);
    },
  });
  printTable(running);
  console.log('ready');
}

try {
  await start(readSettings(process.argv.slice(2), process.env));
} catch (error) {
  console.error((error as Error).message);
  if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) console.error(USAGE);
  process.exit(1);
}
