/** What would keep the network from running, found without starting or changing anything. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ConsortiumError } from '@telemed-ledger/network/consortium.ts';
import { binaryProblems, MINIMUM_VERSION, WHERE_TO_GET_THEM } from '@telemed-ledger/network/fabric/binaries.ts';
import { type Layout, portsOf } from '@telemed-ledger/network/fabric/layout.ts';
import { takenPorts } from '@telemed-ledger/network/fabric/ports.ts';
import { runningPid } from '@telemed-ledger/network/fabric/processes.ts';
import { dataDirectory } from '../command-line.ts';
import { holdDataDirectory } from '../consortium/data-directory.ts';
import { takenPorts as takenGatewayPorts } from '../consortium/ports.ts';
import { type NetworkContext, networkContext } from './context.ts';

export interface Preflight {
  /** Each says what is wrong and what to do. */
  problems: string[];
  /** What is good to know. */
  remarks: string[];
}

const DISK_NEEDED_BYTES = 2 * 1024 ** 3;
const SOON_DAYS = 30;
const DAY_MS = 86_400_000;

export async function preflight(environment: NodeJS.ProcessEnv): Promise<Preflight> {
  const [binaries, disk, docker] = await Promise.all([binaryProblems(environment), diskProblems(), dockerRemark()]);
  const certificates = certificateProblems(join(dataDirectory(), 'organisations'), new Date());
  const problems = [...binaries, ...(await consortiumProblems()), ...certificates.problems, ...disk];
  const programs = binaries.length === 0 ? [] : [WHERE_TO_GET_THEM];
  return { problems, remarks: [...certificates.remarks, ...docker, ...programs] };
}

/** Of the definition, and of the ports it names. */
async function consortiumProblems(): Promise<string[]> {
  let context: NetworkContext;
  try {
    context = networkContext();
  } catch (error) {
    if (error instanceof ConsortiumError) return [error.message];
    throw error;
  }
  const { consortium, layout } = context;
  const gateways = Object.fromEntries(consortium.organisations.map(({ name, gatewayPort }) => [name, gatewayPort]));
  return [
    ...portCollisions(layout, gateways),
    ...(await takenPorts(portsOf(layout).filter(({ process }) => runningPid(layout, process) === undefined))),
    ...(areGatewaysRunning(layout.dataDir) ? [] : await takenGatewayPorts(gateways)),
  ];
}

function areGatewaysRunning(dataDir: string): boolean {
  if (!existsSync(dataDir)) return false;
  try {
    holdDataDirectory(dataDir)();
    return false;
  } catch {
    return true;
  }
}

/** The file's own ports are distinct; those derived from them may not be. */
export function portCollisions(layout: Layout, gateways: Record<string, number>): string[] {
  const uses = [
    ...portsOf(layout),
    ...Object.entries(gateways).map(([name, port]) => ({ port, process: `gateway-${name}`, use: 'gateway' })),
  ];
  return uses.flatMap(({ port, process, use }, index) => {
    if (port > 65_535) return [`port ${port} (${process}, ${use}) does not exist: choose lower ones in the definition`];
    const other = uses.slice(0, index).find((earlier) => earlier.port === port);
    return other === undefined
      ? []
      : [`port ${port} is both ${other.process}'s (${other.use}) and ${process}'s (${use}): change one of them`];
  });
}

/** Of every certificate there is; those that are missing are made by `up`. */
export function certificateProblems(directory: string, now: Date): Preflight {
  const outcome: Preflight = { problems: [], remarks: [] };
  if (!existsSync(directory)) return outcome;
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(^|\/)(cert|tls|ca|tlsca)\.pem$/.test(file) && !file.split('/').includes('msp'),
  );
  for (const file of files) {
    const path = join(directory, file);
    const until = endOf(path);
    if (until === undefined) outcome.problems.push(`${path} cannot be read as a certificate: remove ${dirname(path)}`);
    else if (until < now)
      outcome.problems.push(
        `${path} expired on ${until.toISOString().slice(0, 10)}: remove ${dirname(path)} and start again`,
      );
    else if (until.getTime() - now.getTime() < SOON_DAYS * DAY_MS)
      outcome.remarks.push(`${path} expires on ${until.toISOString().slice(0, 10)}`);
  }
  return outcome;
}

function endOf(path: string): Date | undefined {
  try {
    return new X509Certificate(readFileSync(path)).validToDate;
  } catch {
    return undefined;
  }
}

async function diskProblems(): Promise<string[]> {
  let place = resolve(dataDirectory());
  while (!existsSync(place)) place = dirname(place);
  const { bavail, bsize } = await statfs(place);
  if (bavail * bsize >= DISK_NEEDED_BYTES) return [];
  const megabytes = Math.round((bavail * bsize) / 1024 ** 2);
  return [`${place} has ${megabytes} MB left; ledgers need at least ${DISK_NEEDED_BYTES / 1024 ** 2} MB to begin with`];
}

/** Docker 29 speaks to peers from 3.1.4 on only; those older are refused above, whatever Docker there is. */
async function dockerRemark(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('docker', ['version', '--format', '{{.Server.Version}}']);
    return [`Docker ${stdout.trim()} works with Fabric ${MINIMUM_VERSION} and newer`];
  } catch {
    return ['no container engine answers: the network can run natively only'];
  }
}
