/** For tests: every organisation's Fabric CA server as a process on this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { findProgram, requireProgram } from '@telemed-ledger/network/ca/fabric-ca/programs.ts';
import { untilAuthoritiesAnswer } from '@telemed-ledger/network/ca/fabric-ca/registry.ts';
import { authorityHome, prepareAuthorities } from '@telemed-ledger/network/ca/fabric-ca/server.ts';
import type { AuthorityPlace } from '@telemed-ledger/network/ca/fabric-ca/server-config.ts';

const START_MS = 30_000;
const HOST = '127.0.0.1';

/** Why Fabric CA cannot or should not be run now, as one text to print; undefined where it can. */
export function whyNoFabricCa(): string | undefined {
  const script = process.env['npm_lifecycle_event'];
  if (script === 'test' || script === 'check') return 'real Fabric CA is started by npm run test:fabric';
  const programs = ['fabric-ca-server', 'fabric-ca-client'] as const;
  const missing = programs.filter((program) => findProgram(program, process.env) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not in FABRIC_CA_BIN, FABRIC_BIN or on the PATH`;
}

export class Authorities {
  readonly dataDir: string;
  readonly #consortium: ConsortiumDefinition;
  readonly #places: Map<string, AuthorityPlace>;
  readonly #servers = new Map<string, ChildProcess>();

  private constructor(dataDir: string, consortium: ConsortiumDefinition, places: Map<string, AuthorityPlace>) {
    this.dataDir = dataDir;
    this.#consortium = consortium;
    this.#places = places;
  }

  /** Prepares the authorities and starts their servers. */
  static async start(dataDir: string, consortium: ConsortiumDefinition): Promise<Authorities> {
    const ports = await freePorts(consortium.organisations.length * 2);
    const places = consortium.organisations.map(({ name }, index): [string, AuthorityPlace] => [
      name,
      {
        host: HOST,
        port: ports[2 * index]!,
        listenHost: HOST,
        operationsAddress: `${HOST}:${ports[2 * index + 1]}`,
      },
    ]);
    const authorities = new Authorities(dataDir, consortium, new Map(places));
    await authorities.prepare();
    for (const { name } of consortium.organisations) authorities.launch(name);
    await authorities.answer();
    return authorities;
  }

  prepare(): Promise<void> {
    return prepareAuthorities(this.dataDir, this.#consortium, (name) => this.#places.get(name)!);
  }

  launch(organisation: string): void {
    const args = ['start', '--home', authorityHome(this.dataDir, organisation)];
    const server = spawn(requireProgram('fabric-ca-server', process.env), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(this.#logFile(organisation), { flags: 'a' });
    server.stdout.pipe(log);
    server.stderr.pipe(log);
    this.#servers.set(organisation, server);
  }

  answer(): Promise<void> {
    return untilAuthoritiesAnswer(this.dataDir, this.#consortium, START_MS);
  }

  /** kill -9. */
  async kill(organisation: string): Promise<void> {
    const server = this.#servers.get(organisation);
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server.once('close', resolve));
    server.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((organisation) => this.kill(organisation)));
  }

  urlOf(organisation: string): string {
    const { host, port } = this.#places.get(organisation)!;
    return `https://${host}:${port}`;
  }

  operationsOf(organisation: string): string {
    return `http://${this.#places.get(organisation)!.operationsAddress}`;
  }

  logOf(organisation: string): string {
    return readFileSync(this.#logFile(organisation), 'utf8');
  }

  #logFile(organisation: string): string {
    return join(authorityHome(this.dataDir, organisation), 'server.log');
  }
}

/** Ports that were free a moment ago; the server cannot choose one itself and tell it. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, HOST, () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
