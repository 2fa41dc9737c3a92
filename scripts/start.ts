/**
 * `npm start`: brings the consortium up on this machine, prints its organisations with their base URLs, which are pages too, and, when all of
 * them are ready, the line `ready`. Takes everything down on ctrl-C, after what is under way.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { portVariable } from '@telemed-ledger/consortium/variables.ts';
import { type ClientIds, clientIdsIn } from '@telemed-ledger/gateway-api/fhir/client-ids.ts';
import { originsIn } from '@telemed-ledger/gateway-api/http/cross-origin.ts';
import { isOrigin, networksIn } from '@telemed-ledger/gateway-api/http/origin.ts';
import { hostsIn } from '@telemed-ledger/gateway-api/subjects/subscriptions/hosts.ts';
import { type Parties, partiesSchema } from '@telemed-ledger/gateway-api/subjects/x12/parties.ts';
import { issuerDirectory } from './command-line.ts';
import { portIn } from './consortium/ports.ts';
import { isNetworkKind, type NetworkKind } from './consortium/read-models.ts';
import type { RunningConsortium } from './consortium.ts';

const USAGE = `usage: npm start [-- [--fresh] [--network embedded|fabric]]
  --fresh                     begin anew: removes the ledger, the identities and the read models
  --network fabric            on the Fabric network that npm run network -- up started; the default is embedded
  DATA_DIR                    where everything lives (default .data)
  CONSORTIUM                  the consortium's definition (default network/consortium.yaml)
  GATEWAY_PORT_<ORGANISATION> an organisation's port (default: as the consortium's definition says; 0: any)
  PEER_PORT_<ORGANISATION>    its peer's port on the embedded network (likewise; any where the gateway's is)
  DRAIN_MS                    how long requests under way are answered when it is stopped (default 20000)
  CHECKPOINT_EVERY_MS         how long something stands on the ledger until its members sign it; 0: never (default 10000)
  LOG_ANCHOR_EVERY_MS         how long a read waits until the log of reads is anchored; 0: until asked (default 300000)
  CLIENT_IDS                  ids that clients may choose for new resources: none, uuids or any (default any)
  BROWSER_ORIGINS             origins whose pages may call the gateways from a browser (default none)
  TRUSTED_PROXIES             addresses or networks whose X-Forwarded headers are believed (default loopback: this machine)
  PUBLIC_URL_<ORGANISATION>   where clients find its gateway, such as https://fhir.hospital.example (default: as requests say)
  SUBSCRIPTION_HOSTS          what endpoints of Subscriptions may be called: host names, or origins (default none)
  X12_PARTIES                 a JSON file: numbers and addresses of members for X12 files (default: made up)`;

interface Settings {
  fresh: boolean;
  network: NetworkKind;
  dataDir: string;
  consortiumFile: string | undefined;
  ports: Record<string, number>;
  peerPorts: Record<string, number>;
  drainMs: number | undefined;
  checkpointEveryMs: number | undefined;
  logAnchorEveryMs: number | undefined;
  subscriptionHosts: readonly string[];
  clientIds: ClientIds;
  x12Parties: Parties | undefined;
  browserOrigins: readonly string[];
  trustedProxies: readonly string[];
  publicUrls: Record<string, string>;
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
  const drain = environment['DRAIN_MS'] || undefined;
  if (drain !== undefined && !/^\d{1,7}$/.test(drain)) mistakes.push('DRAIN_MS: not a number of milliseconds');
  const checkpoint = environment['CHECKPOINT_EVERY_MS'] || undefined;
  if (checkpoint !== undefined && !/^\d{1,7}$/.test(checkpoint))
    mistakes.push('CHECKPOINT_EVERY_MS: not a number of milliseconds');
  const anchor = environment['LOG_ANCHOR_EVERY_MS'] || undefined;
  if (anchor !== undefined && !/^\d{1,7}$/.test(anchor))
    mistakes.push('LOG_ANCHOR_EVERY_MS: not a number of milliseconds');
  const subscriptionHosts = hostsIn(environment['SUBSCRIPTION_HOSTS'], mistakes);
  const clientIds = clientIdsIn(environment['CLIENT_IDS'], 'any', mistakes);
  const browserOrigins = originsIn(environment['BROWSER_ORIGINS'], mistakes);
  const trustedProxies = networksIn('TRUSTED_PROXIES', environment['TRUSTED_PROXIES'] ?? 'loopback', mistakes);
  const publicUrls = publicUrlsIn(environment, mistakes);
  const x12Parties = partiesIn(environment['X12_PARTIES'], mistakes);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return {
    fresh: values.fresh,
    network,
    dataDir: environment['DATA_DIR'] || '.data',
    consortiumFile: environment['CONSORTIUM'] || undefined,
    ports,
    peerPorts,
    drainMs: drain === undefined ? undefined : Number(drain),
    checkpointEveryMs: checkpoint === undefined ? undefined : Number(checkpoint),
    logAnchorEveryMs: anchor === undefined ? undefined : Number(anchor),
    subscriptionHosts,
    clientIds,
    x12Parties,
    browserOrigins,
    trustedProxies,
    publicUrls,
  };
}

const PUBLIC_URL = 'PUBLIC_URL_';

/** Origins by organisation. */
function publicUrlsIn(environment: NodeJS.ProcessEnv, mistakes: string[]): Record<string, string> {
  const named = Object.entries(environment).filter(([name]) => name.startsWith(PUBLIC_URL));
  return Object.fromEntries(
    named.map(([name, value = '']) => {
      if (!isOrigin(value)) mistakes.push(`${name}: ${value} is no origin such as https://fhir.example`);
      return [organisationIn(name, PUBLIC_URL), value];
    }),
  );
}

/** The organisation that a variable is about, by the end of its name. */
const organisationIn = (variable: string, prefix: string): string =>
  variable.slice(prefix.length).toLowerCase().replaceAll('_', '-');

function partiesIn(path: string | undefined, mistakes: string[]): Parties | undefined {
  if (!path) return undefined;
  try {
    return partiesSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    mistakes.push(`X12_PARTIES: ${path} is no file of parties as docs/x12.md has it`);
    return undefined;
  }
}

/** Ports by organisation, from the variables that begin with `prefix`. */
function portsIn(environment: NodeJS.ProcessEnv, prefix: string, mistakes: string[]): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(prefix)) continue;
    const port = portIn(value ?? '');
    if (port === undefined) mistakes.push(`${name}: not a port from 0 to 65535`);
    else ports[organisationIn(name, prefix)] = port;
  }
  return ports;
}

function printTable({ consortium, urls }: RunningConsortium): void {
  const rows = consortium.organisations.map(({ name, kind, mspId }) => [name, kind, mspId, urls[name] ?? '']);
  printColumns([['organisation', 'kind', 'MSP', 'base URL'], ...rows]);
}

/** Beside the table, whose last column programs read. */
function printCodes({ consortium }: RunningConsortium, codeOf: (organisation: string) => string): void {
  console.log('Each base URL is a page, too. Its sign-in code:');
  printColumns(consortium.organisations.map(({ name }) => [` ${name}`, codeOf(name)]));
}

function printColumns(rows: readonly string[][]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

/** What was cut off, so that whoever asked for it knows where to look: no content, only ids. */
function printUnfinished(unfinished: Awaited<ReturnType<RunningConsortium['close']>>): void {
  for (const [organisation, { requests, transactions }] of Object.entries(unfinished)) {
    const ids =
      transactions.length === 0 ? '' : `; transactions whose outcome is not known: ${transactions.join(', ')}`;
    console.error(`${organisation} left ${requests} requests unanswered${ids}`);
  }
}

const SECOND_SIGNAL_MS = 1_000;
/** Without network or chaincode a request can only wait until its time is over: whoever starts it again waits in vain. */
const WITHOUT_LEDGER_MS = 1_000;

async function start(settings: Settings): Promise<void> {
  const [{ openConsortium }, { untilAllReady }, { signInCode }, { pages }] = await Promise.all([
    import('./consortium.ts'),
    import('./consortium/readiness-watch.ts'),
    import('@telemed-ledger/gateway-api/oauth/server.ts'),
    import('@telemed-ledger/console/build.ts'),
  ]);
  let running: RunningConsortium | undefined;
  let leavingSince: number | undefined;
  const leave = async (code: number, drainMs?: number): Promise<void> => {
    // A terminal sends one ctrl-C to npm and to this process, so the first moments count as one.
    if (leavingSince !== undefined && Date.now() - leavingSince > SECOND_SIGNAL_MS) process.exit(1);
    if (leavingSince !== undefined) return;
    leavingSince = Date.now();
    printUnfinished((await running?.close(drainMs)) ?? {});
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void leave(0));
  running = await openConsortium({
    ...settings,
    onFailure: (reason) => {
      console.error(reason);
      void leave(1, WITHOUT_LEDGER_MS);
    },
  });
  printTable(running);
  printCodes(running, (name) => signInCode(issuerDirectory(settings.dataDir, name)));
  // A base URL is also a page: whoever opens one waits for nothing.
  await pages();
  await untilAllReady({ gateways: running.gateways, print: (line) => console.error(line) }).catch(
    async (error: Error) => {
      await running?.close();
      throw error;
    },
  );
  if (leavingSince === undefined) console.log('ready');
}

try {
  await start(readSettings(process.argv.slice(2), process.env));
} catch (error) {
  console.error((error as Error).message);
  if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) console.error(USAGE);
  process.exit(1);
}
