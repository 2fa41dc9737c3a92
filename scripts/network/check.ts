/** What would keep the network from running, found without starting or changing anything. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ConsortiumDefinition, OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { ConsortiumError } from '@telemed-ledger/consortium/loader.ts';
import { portVariable } from '@telemed-ledger/consortium/variables.ts';
import { certificatesIn, unreadable } from '@telemed-ledger/network/ca/certificates.ts';
import { binaryProblems, WHERE_TO_GET_THEM } from '@telemed-ledger/network/fabric/binaries.ts';
import { PROJECT } from '@telemed-ledger/network/fabric/compose/compose-file.ts';
import { authorityVolume } from '@telemed-ledger/network/fabric/compose/volumes.ts';
import { type Layout, layoutOf, portsOf } from '@telemed-ledger/network/fabric/layout.ts';
import { isHeldHere } from '@telemed-ledger/network/fabric/network.ts';
import { CONTAINERS } from '@telemed-ledger/network/fabric/place.ts';
import { type PortUse, takenPorts } from '@telemed-ledger/network/fabric/ports.ts';
import { dataDirectory, definedConsortium, UsageError } from '../command-line.ts';
import { holdDataDirectory } from '../consortium/data-directory.ts';
import { portIn, takenPorts as takenGatewayPorts } from '../consortium/ports.ts';
import { dayOf, daysLeft, SOON_DAYS } from './certificates.ts';
import { askEngine, type Engine, engineFindings } from './container-engine.ts';
import { networkContext } from './context.ts';

export interface Preflight {
  /** Each names a fault and its remedy. */
  problems: string[];
  /** What is good to know. */
  remarks: string[];
}

const DISK_NEEDED_BYTES = 2 * 1024 ** 3;

/** For processes of this machine; what only containers need is a remark. */
export async function preflight(environment: NodeJS.ProcessEnv): Promise<Preflight> {
  const [binaries, disk, engine] = await Promise.all([
    binaryProblems(environment),
    diskProblems(dataDirectory()),
    askEngine().then(engineFindings),
  ]);
  const certificates = certificateProblems(join(dataDirectory(), 'organisations'), new Date());
  const problems = [...binaries, ...(await consortiumProblems(environment)), ...certificates.problems, ...disk];
  const programs = binaries.length === 0 ? [] : [WHERE_TO_GET_THEM];
  const containers = [...engine.problems, ...engine.remarks].map((line) => `for containers: ${line}`);
  return { problems, remarks: [...certificates.remarks, ...containers, ...programs] };
}

/** For `docker compose up`: neither Fabric's programs nor this machine's keys matter, and only gateways take ports of it. */
export async function containerPreflight(environment: NodeJS.ProcessEnv): Promise<Preflight> {
  const engine = await askEngine();
  const { problems, remarks } = engineFindings(engine);
  const definition = await mistakesOr(async () => {
    const consortium = definedConsortium();
    const ports = gatewayPortsOf(consortium, environment);
    const open = Object.entries(ports).filter(([, port]) => !engine.publishedPorts.includes(port));
    remarks.push(...otherProject(engine.volumes, consortium));
    const missing = impossiblePorts(layoutOf(dataDirectory(), consortium, 'bft', CONTAINERS), {});
    return [...missing, ...(await takenGatewayPorts(Object.fromEntries(open)))];
  });
  return { problems: [...problems, ...definition], remarks };
}

/** Compose files had no name once: then the directory's was the volumes'. */
export function otherProject(volumes: Engine['volumes'], { organisations }: ConsortiumDefinition): string[] {
  const safes = organisations.map(({ name }) => authorityVolume(name).name);
  const holding = [...Map.groupBy(volumes, ({ project }) => project)]
    .filter(([, own]) => safes.every((safe) => own.some(({ volume }) => volume === safe)))
    .map(([project]) => project);
  if (holding.length === 0 || holding.includes(PROJECT)) return [];
  return holding.map(
    (project) =>
      `there is a consortium in the volumes of the project ${project}, and none in those of ${PROJECT}: with COMPOSE_PROJECT_NAME=${project} docker compose goes on with it`,
  );
}

/** Of the definition, and of the ports it names. */
const consortiumProblems = (environment: NodeJS.ProcessEnv): Promise<string[]> =>
  mistakesOr(async () => {
    const { consortium, layout } = networkContext();
    const gateways = gatewayPortsOf(consortium, environment);
    return [
      ...portCollisions(layout, gateways),
      ...(await takenPorts(portsOf(layout).filter(({ process }) => !isHeldHere(layout, process)))),
      ...(areGatewaysRunning(layout.dataDir) ? [] : await takenGatewayPorts(gateways)),
    ];
  });

/** The definition's or the environment's mistakes where there are any, what is found otherwise. */
async function mistakesOr(find: () => Promise<string[]>): Promise<string[]> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof ConsortiumError || error instanceof UsageError) return [error.message];
    throw error;
  }
}

/** By organisation, as the environment or else the definition says. @throws UsageError where the former is no port. */
export function gatewayPortsOf(
  { organisations }: ConsortiumDefinition,
  environment: NodeJS.ProcessEnv,
): Record<string, number> {
  const portOf = ({ name, gatewayPort }: OrganisationDefinition): number => {
    const variable = portVariable(name);
    const text = environment[variable] || String(gatewayPort);
    const port = portIn(text);
    if (port === undefined) throw new UsageError(`${variable}: ${text} is not a port`);
    return port;
  };
  return Object.fromEntries(organisations.map((organisation) => [organisation.name, portOf(organisation)]));
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

/** The file's own ports are distinct and exist; those derived from them may not. */
export function portCollisions(layout: Layout, gateways: Record<string, number>): string[] {
  const uses = usesOf(layout, gateways);
  const twice = uses.flatMap(({ port, process, use }, index) => {
    const other = uses.slice(0, index).find((earlier) => earlier.port === port);
    return other === undefined
      ? []
      : [`port ${port} is both ${other.process}'s (${other.use}) and ${process}'s (${use}): change one of them`];
  });
  return [...impossiblePorts(layout, gateways), ...twice];
}

const impossiblePorts = (layout: Layout, gateways: Record<string, number>): string[] =>
  usesOf(layout, gateways).flatMap(({ port, process, use }) =>
    port <= 65_535 ? [] : [`port ${port} (${process}, ${use}) does not exist: choose lower ones in the definition`],
  );

const usesOf = (layout: Layout, gateways: Record<string, number>): PortUse[] => [
  ...portsOf(layout),
  ...Object.entries(gateways).map(([name, port]) => ({ port, process: `gateway-${name}`, use: 'gateway' })),
];

/** Of every certificate there is; those that are missing are made by `up`. */
export function certificateProblems(directory: string, now: Date): Preflight {
  const outcome: Preflight = { problems: [], remarks: [] };
  for (const listed of certificatesIn(directory)) {
    const { path, until, remedy } = listed;
    if (until === undefined) outcome.problems.push(unreadable(listed));
    else if (until < now) outcome.problems.push(`${path} expired on ${dayOf(until)}: ${remedy}`);
    else if (daysLeft(until, now) < SOON_DAYS) outcome.remarks.push(`${path} expires on ${dayOf(until)}: ${remedy}`);
  }
  return outcome;
}

async function diskProblems(directory: string): Promise<string[]> {
  let place = resolve(directory);
  while (!existsSync(place)) place = dirname(place);
  const { bavail, bsize } = await statfs(place);
  if (bavail * bsize >= DISK_NEEDED_BYTES) return [];
  const megabytes = Math.round((bavail * bsize) / 1024 ** 2);
  return [`${place} has ${megabytes} MB left; ledgers need at least ${DISK_NEEDED_BYTES / 1024 ** 2} MB to begin with`];
}
