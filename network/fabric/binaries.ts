/** Fabric's own programs: where they are, and whether they are new enough. They come from the Fabric project, never with this one. */
import { delimiter, join } from 'node:path';
import semver from 'semver';
import { isExecutable } from '../executable.ts';
import { CommandError, run } from './command.ts';

export const PROGRAMS = ['peer', 'orderer'] as const;
export type Program = (typeof PROGRAMS)[number];
/** Absolute paths. */
export type Binaries = Record<Program, string>;

/** Older ones do not work with current container engines. */
export const MINIMUM_VERSION = '3.1.4';

export const WHERE_TO_GET_THEM = `Get Hyperledger Fabric ${MINIMUM_VERSION} or newer of the 3.x series from the Fabric project
(https://github.com/hyperledger/fabric/releases, or its install script:
https://hyperledger-fabric.readthedocs.io/en/release-3.1/install.html), then set FABRIC_BIN to its bin directory
or put that on the PATH.`;

/** In FABRIC_BIN where that is set, on the PATH otherwise. */
export function findBinaries(environment: NodeJS.ProcessEnv): { found: Partial<Binaries>; missing: Program[] } {
  const directory = environment['FABRIC_BIN'];
  const places = directory ? [directory] : (environment['PATH'] ?? '').split(delimiter).filter(Boolean);
  const found: Partial<Binaries> = {};
  for (const program of PROGRAMS) {
    const place = places.find((candidate) => isExecutable(join(candidate, program)));
    if (place !== undefined) found[program] = join(place, program);
  }
  return { found, missing: PROGRAMS.filter((program) => found[program] === undefined) };
}

/** One line per program that is missing or unsuitable; empty when all can be used. */
export async function binaryProblems(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const { found, missing } = findBinaries(environment);
  const problems = missing.map((program) => `Fabric's ${program} is not ${placeOf(environment)}`);
  const versions = await Promise.all(Object.values(found).map(versionProblems));
  return [...problems, ...versions.flat()];
}

/** @throws Error that lists every problem and says where the programs come from. */
export async function requireBinaries(environment: NodeJS.ProcessEnv): Promise<Binaries> {
  const problems = await binaryProblems(environment);
  if (problems.length > 0) throw new Error(`${problems.join('\n')}\n${WHERE_TO_GET_THEM}`);
  return findBinaries(environment).found as Binaries;
}

/** What joining and deploying need where nodes are not processes of this machine: the program that gives commands to peers. */
export function requirePeer(environment: NodeJS.ProcessEnv): Pick<Binaries, 'peer'> {
  const { peer } = findBinaries(environment).found;
  if (peer === undefined) throw new Error(`Fabric's peer is not ${placeOf(environment)}\n${WHERE_TO_GET_THEM}`);
  return { peer };
}

const placeOf = (environment: NodeJS.ProcessEnv): string =>
  environment['FABRIC_BIN'] ? `in FABRIC_BIN (${environment['FABRIC_BIN']})` : 'on the PATH';

async function versionProblems(path: string): Promise<string[]> {
  try {
    const version = /Version:\s*v?(\S+)/.exec((await run(path, ['version'])).stdout)?.[1];
    if (version === undefined) return [`${path} does not tell its version`];
    return isSuitable(version) ? [] : [`${path} is version ${version}; at least ${MINIMUM_VERSION} (3.x) is needed`];
  } catch (error) {
    const reason = error instanceof CommandError ? error.output : (error as Error).message;
    return [`${path} cannot be run: ${reason}`];
  }
}

/** 3.x, not below the minimum; what follows a hyphen is a build's own affair. */
export function isSuitable(version: string): boolean {
  const numbers = /^\d/.test(version) ? semver.coerce(version) : null;
  return numbers !== null && semver.satisfies(numbers, `^${MINIMUM_VERSION}`);
}
