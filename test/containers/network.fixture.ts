/** The compose network under a project name of its own, and what its tests ask of the engine besides. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DockerComposeEnvironment, type StartedDockerComposeEnvironment } from 'testcontainers';

const ROOT = join(import.meta.dirname, '..', '..');
const PROJECT = 'telemed-ledger-test';
const STARTUP_TIMEOUT_MS = 300_000;

/** Builds our images, starts everything, and answers when every service that keeps running is healthy. */
export const bringUp = (): Promise<StartedDockerComposeEnvironment> =>
  new DockerComposeEnvironment(ROOT, 'docker-compose.yaml')
    .withProjectName(PROJECT)
    .withBuild()
    .withAutoCleanup(false)
    .withStartupTimeout(STARTUP_TIMEOUT_MS)
    .up();

/**
 * Ends everything. Older engines (20.10) sometimes keep a network's endpoint whose container is gone, and with it the
 * network: that is told, and is no failure of what ran in it. @throws Error when a container is left.
 */
export async function takeDown(
  environment: StartedDockerComposeEnvironment,
  options: { removeVolumes: boolean },
): Promise<void> {
  try {
    await environment.down(options);
  } catch (error) {
    const left = (await compose('ps', '--all', '--quiet')).trim();
    if (left !== '' || !/has active endpoints/.test((error as Error).message)) throw error;
    console.log('the engine kept a network without containers: docker network prune');
  }
}

/** `docker compose ARGS`; answers what it wrote. */
export async function compose(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', ['compose', '-p', PROJECT, ...args], {
    cwd: ROOT,
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}

export interface Container {
  service: string;
  state: string;
  exitCode: number;
}

/** Every container of the project, those that have ended too. */
export async function containers(): Promise<Container[]> {
  const lines = (await compose('ps', '--all', '--format', 'json')).trim().split('\n');
  return lines.map((line) => {
    const { Service, State, ExitCode } = JSON.parse(line) as { Service: string; State: string; ExitCode: number };
    return { service: Service, state: State, exitCode: ExitCode };
  });
}

const PRINT_KEYS = `
  const { readFileSync } = require('node:fs');
  const files = process.argv.slice(1).map((name) => [
    name,
    readFileSync('/var/lib/telemed-ledger/organisations/' + name + '/issuer/key.json', 'utf8'),
  ]);
  console.log(JSON.stringify(Object.fromEntries(files)));`;

/** Brings the development issuers' keys into a data directory, so that this process can make tokens. */
export async function fetchIssuers(dataDir: string, organisations: readonly string[]): Promise<void> {
  const answer = await compose('run', '--rm', '-T', 'tools', '-e', PRINT_KEYS, ...organisations);
  for (const [name, key] of Object.entries(JSON.parse(answer) as Record<string, string>)) {
    const directory = join(dataDir, 'organisations', name, 'issuer');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, 'key.json'), key, { mode: 0o600 });
  }
}
