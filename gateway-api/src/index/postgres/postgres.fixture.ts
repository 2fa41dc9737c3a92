/**
 * A PostgreSQL server for tests, from this machine's own programs: one for the whole run, started when it is first asked
 * for, on a Unix socket in a temporary directory. Each test gets a database of its own.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { DatabaseSettings } from './postgres.ts';

/** Owns its databases and is no superuser, as in production. */
const USER = 'gateway';
const OWNER = 'postgres';
/** A user whose password the server asks for, and who has none. */
export const STRANGER = 'stranger';
const PORT = 5432;
const START_MS = 30_000;
/** What it takes to survive a power cut is left out: a killed server keeps its data all the same. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', shared_buffers: '32MB', max_connections: '100' };

interface Programs {
  directory: string;
  /** Whom to run as: the server refuses to be root. */
  as: { uid: number; gid: number } | undefined;
}

/** The programs, or the reason why there are none to use. */
function findPrograms(): Programs | string {
  const directory = process.env['PG_BIN'] || newestIn('/usr/lib/postgresql');
  if (directory === undefined || !existsSync(join(directory, 'initdb')))
    return `no PostgreSQL server programs in ${directory ?? '/usr/lib/postgresql'} (PG_BIN says where they are)`;
  if (process.getuid?.() !== 0) return { directory, as: undefined };
  const as = accountOf('postgres') ?? accountOf('nobody');
  return as === undefined ? 'PostgreSQL refuses to run as root, and there is no other account' : { directory, as };
}

function newestIn(root: string): string | undefined {
  if (!existsSync(root)) return undefined;
  const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return newest === undefined ? undefined : join(root, newest, 'bin');
}

function accountOf(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

const programs = findPrograms();

/** Why tests on PostgreSQL are skipped; undefined where they can run. */
export const postgresAbsent: string | undefined = typeof programs === 'string' ? programs : undefined;

export class FixturePostgres {
  readonly #programs: Programs;
  readonly #owner: string;
  readonly directory = mkdtempSync(join(tmpdir(), 'telemed-postgres-'));
  #server: ChildProcess | undefined;
  #databases = 0;

  private constructor(found: Programs, owner: string) {
    this.#programs = found;
    this.#owner = owner;
  }

  /** A new server, running. @param owner its superuser, whom `query` asks as @throws Error where there are no programs. */
  static async start(owner = OWNER): Promise<FixturePostgres> {
    if (typeof programs === 'string') throw new Error(programs);
    const made = new FixturePostgres(programs, owner);
    process.once('exit', () => made.#remove());
    const { as, directory } = programs;
    if (as !== undefined) chownSync(made.directory, as.uid, as.gid);
    const options = ['-D', join(made.directory, 'data'), '-U', owner, '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'];
    execFileSync(join(directory, 'initdb'), options, { ...made.#asAccount(), stdio: ['ignore', 'ignore', 'pipe'] });
    writeFileSync(
      join(made.directory, 'data', 'pg_hba.conf'),
      `local all ${STRANGER} scram-sha-256\nlocal all all trust\n`,
    );
    await made.run();
    await made.query(`create role ${STRANGER} login`);
    if (owner === OWNER) await made.query(`create role ${USER} login`);
    return made;
  }

  /** Starts the server (again) and answers when it takes connections. */
  async run(): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await this.#answers())) {
      if (Date.now() > deadline) throw new Error('PostgreSQL did not start in time');
      if (this.#server === undefined || this.#server.exitCode !== null || this.#server.signalCode !== null)
        this.#spawn();
      await sleep(50);
    }
  }

  /** Ends the server as a machine's memory shortage would: at once, with nothing said. Answers when it has ended. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const server = this.#server;
    if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
    server.kill(signal);
    await ended;
  }

  /** A database, empty or with what another one holds that nobody is connected to; with what a gateway needs to reach it. */
  async database(template = 'template1'): Promise<DatabaseSettings> {
    this.#databases += 1;
    const name = `gateway_${this.#databases}`;
    const isOwned = this.#owner === OWNER;
    await this.query(
      `create database ${name} template ${template} strategy file_copy${isOwned ? ` owner ${USER}` : ''}`,
    );
    return { ...this.#settings(name), waitMs: 10_000 };
  }

  /** One statement, in the database `postgres` unless another is named. */
  async query(text: string, name = 'postgres'): Promise<pg.QueryResult> {
    const { host, port } = this.#settings(name);
    const client = new pg.Client({ host, port, user: this.#owner, database: name });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query(text);
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.kill('SIGINT');
    this.#remove();
  }

  #settings(name: string): Omit<DatabaseSettings, 'waitMs'> {
    return { host: this.directory, port: PORT, name, user: USER, password: () => 'not asked for' };
  }

  #spawn(): void {
    const settings = { ...SETTINGS, unix_socket_directories: this.directory, listen_addresses: '', port: PORT };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#server = spawn(join(this.#programs.directory, 'postgres'), ['-D', join(this.directory, 'data'), ...options], {
      ...this.#asAccount(),
      stdio: 'ignore',
    });
  }

  #asAccount(): { uid?: number; gid?: number; cwd: string } {
    return { ...this.#programs.as, cwd: this.directory };
  }

  async #answers(): Promise<boolean> {
    return this.query('select 1').then(
      () => true,
      () => false,
    );
  }

  /** Also at the end of the process, where nothing can be waited for. */
  #remove(): void {
    const { exitCode, signalCode, pid } = this.#server ?? {};
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(pid, 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20 });
  }
}

let shared: Promise<FixturePostgres> | undefined;

/** The server of this run. */
export function postgres(): Promise<FixturePostgres> {
  shared ??= FixturePostgres.start();
  return shared;
}

after('stop PostgreSQL', async function () {
  this.timeout(120_000);
  await (await shared)?.stop();
});
