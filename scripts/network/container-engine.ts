/** Whether the container engine of this machine, its compose plugin and the images it holds can run the network. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isSuitable, MINIMUM_VERSION } from '@telemed-ledger/network/fabric/binaries.ts';
import { IMAGES } from '@telemed-ledger/network/fabric/compose/images.ts';
import semver from 'semver';

/** What is there; an engine that does not answer has no version; `silence` is the reason. */
export interface Engine {
  server?: { version: string; api: string };
  silence?: string;
  compose?: string | undefined;
  images: Image[];
  /** Of this machine, taken by containers of ours. */
  publishedPorts: number[];
  /** Of compose projects, whoever's. */
  volumes: Volume[];
}

interface Volume {
  project: string;
  /** As its compose file calls it. */
  volume: string;
}

interface Image {
  repository: string;
  tag: string;
}

export interface EngineFindings {
  /** What would keep the network from running in containers, and what to do. */
  problems: string[];
  remarks: string[];
}

/** The oldest that the compose file was tried with: one-shot services and health conditions, tmpfs owners, logging. */
const OLDEST_ENGINE = '20.10.0';
const OLDEST_COMPOSE = '2.24.0';
/** From here on the engine no longer takes chaincode builds of older peers: https://github.com/hyperledger/fabric/issues/5350 */
const STRICT_ENGINE = '29.0.0';

export function engineFindings({ server, silence, compose, images }: Engine): EngineFindings {
  if (server === undefined)
    return { problems: [`no container engine answers: ${silence ?? 'no reason given'}`], remarks: [] };
  const problems: string[] = [];
  if (isOlder(server.version, OLDEST_ENGINE))
    problems.push(`Docker Engine ${server.version} (API ${server.api}) is too old: at least 20.10 is needed`);
  if (compose === undefined) problems.push('docker has no compose plugin: https://docs.docker.com/compose/install/');
  else if (isOlder(compose, OLDEST_COMPOSE))
    problems.push(`docker compose ${compose} is too old: at least 2.24 is needed`);
  const found = [IMAGES.peer, IMAGES.orderer].map((wanted) => imageFindings(wanted, images, server.version));
  const summary = `Docker Engine ${server.version} (API ${server.api}), docker compose ${compose ?? 'missing'}`;
  return {
    problems: [...problems, ...found.flatMap((each) => each.problems)],
    remarks: [`${summary}; Fabric ${MINIMUM_VERSION} and newer run on it`, ...found.flatMap((each) => each.remarks)],
  };
}

/** An older image under the wanted name would be taken without a word; another tag beside the wanted one does no harm. */
function imageFindings(wanted: string, images: Image[], engine: string): EngineFindings {
  const [repository, tag] = wanted.split(':') as [string, string];
  const here = images.filter((image) => image.repository === repository).map((image) => image.tag);
  const others = here.filter((each) => each !== tag);
  if (here.includes(tag)) {
    const beside = others.length === 0 ? [] : [`${repository} is also here as ${others.join(', ')}, which is not used`];
    return { problems: [], remarks: [`${wanted} is here`, ...beside] };
  }
  if (here.length === 0)
    return { problems: [], remarks: [`${wanted} is not here yet: docker compose pull --ignore-buildable`] };
  const old = others.filter((each) => /^\d/.test(each) && !isSuitable(each));
  const why = isOlder(engine, STRICT_ENGINE)
    ? `older than ${MINIMUM_VERSION}`
    : `older than ${MINIMUM_VERSION}, the first that Docker Engine 29 and newer work with`;
  const age = old.length === 0 ? '' : ` (${old.join(', ')}: ${why})`;
  return {
    problems: [
      `${repository} is here as ${others.join(', ')}${age}, not as ${tag}: docker compose pull --ignore-buildable`,
    ],
    remarks: [],
  };
}

/** By number: what follows a hyphen or a plus is a build's own affair. */
function isOlder(version: string, than: string): boolean {
  return semver.lt(semver.coerce(version) ?? '0.0.0', semver.coerce(than) ?? '0.0.0');
}

/** Asks the engine that `docker` is configured for. Starts, pulls and changes nothing. */
export async function askEngine(): Promise<Engine> {
  const nothing = { images: [], publishedPorts: [], volumes: [] };
  let answer: { Server: { Version: string; ApiVersion: string } | null };
  try {
    answer = JSON.parse(await docker('version', '--format', '{{json .}}'));
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    const silence = code === 'ENOENT' ? 'docker is not on the PATH' : firstLine(stderr) || 'docker version failed';
    return { ...nothing, silence };
  }
  if (answer.Server === null) return { ...nothing, silence: 'docker is here, its engine is not' };
  const [compose, images, containers, volumes] = await Promise.all([
    docker('compose', 'version', '--short').catch(() => undefined),
    docker('image', 'ls', '--format', '{{.Repository}} {{.Tag}}', 'hyperledger/fabric-*').catch(() => ''),
    docker('ps', '--filter', `ancestor=${IMAGES.gateway}`, '--format', '{{.Ports}}').catch(() => ''),
    docker(
      'volume',
      'ls',
      '--filter',
      `label=${VOLUME}`,
      '--format',
      `{{.Label "${PROJECT}"}} {{.Label "${VOLUME}"}}`,
    ).catch(() => ''),
  ]);
  return {
    server: { version: answer.Server.Version, api: answer.Server.ApiVersion },
    compose: compose?.trim(),
    images: lines(images).map((line) => {
      const [repository = '', tag = ''] = line.split(' ');
      return { repository, tag };
    }),
    volumes: lines(volumes).map((line) => {
      const [project = '', volume = ''] = line.split(' ');
      return { project, volume };
    }),
    publishedPorts: [...containers.matchAll(/:(\d+)->/g)].map(([, port]) => Number(port)),
  };
}

/** Compose's labels of what it made. */
const PROJECT = 'com.docker.compose.project';
const VOLUME = 'com.docker.compose.volume';
const TIMEOUT_MS = 10_000;

async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args, { timeout: TIMEOUT_MS, encoding: 'utf8' })).stdout;
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
const firstLine = (text: string): string => lines(text)[0]?.trim() ?? '';
