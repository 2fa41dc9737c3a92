/** A gateway as a process of its own beside an embedded network in this one, so that it can be stopped and killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { type FixtureConsortium, until } from './consortium.fixture.ts';

const LISTENING_MS = 20_000;

export interface Started {
  child: ChildProcess;
  /** Its log. */
  lines: Record<string, unknown>[];
  /** What it wrote to standard error. */
  errors: () => string;
}

/** Everything that one organisation's gateway is told by its environment, with the files it names. */
export class GatewayProcess {
  readonly #directory: string;
  readonly #environment: Record<string, string>;
  #running: ChildProcess | undefined;

  private constructor(directory: string, environment: Record<string, string>) {
    this.#directory = directory;
    this.#environment = environment;
  }

  /** Only the identity of the role `system` is stored. On PostgreSQL where the consortium's stores are. */
  static async prepare(consortium: FixtureConsortium, name: string): Promise<GatewayProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'telemed-process-'));
    const write = (file: string, content: string | object): string => {
      const path = join(directory, file);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    };
    const { connection, tokens, dataDir, database } = await consortium.config(name);
    const { certificate, privateKey } = await consortium.identities(name).of('system');
    const system = { certificate: write('cert.pem', certificate), privateKey: write('key.pem', privateKey) };
    const profile = { ...connection, tlsRootCertificate: write('tls.pem', connection.tlsRootCertificate) };
    const stores: Record<string, string> =
      database === undefined
        ? { GATEWAY_DATA_DIR: dataDir }
        : {
            DATABASE_HOST: database.host,
            DATABASE_NAME: database.name,
            DATABASE_USER: database.user,
            DATABASE_PASSWORD_FILE: write('password', 'not asked for'),
          };
    return new GatewayProcess(directory, {
      CONNECTION: write('connection.json', { ...profile, identities: { system } }),
      CONSORTIUM: write('consortium.json', consortium.members),
      JWKS: write('jwks.json', tokens.keys),
      PORT: '0',
      OPERATIONS_PORT: '0',
      ...stores,
    });
  }

  /** @param entry a file of this workspace's src */
  start(entry: string, more: Record<string, string> = {}): Started {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [join(import.meta.dirname, entry)], {
      env: { PATH, ...this.#environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running = child;
    const lines: Record<string, unknown>[] = [];
    let errors = '';
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    return { child, lines, errors: () => errors };
  }

  /** Starts the gateway and answers its addresses. Rejects where it ends before it listens. */
  async listen(): Promise<Started & { url: string; operations: string }> {
    const started = this.start('main.ts');
    const { child, lines, errors } = started;
    await until(() => lines.some(({ msg }) => msg === 'listening') || child.exitCode !== null, LISTENING_MS);
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}: ${errors()}`);
    const line = lines.find(({ msg }) => msg === 'listening');
    return { ...started, url: `http://127.0.0.1:${line?.['port']}`, operations: String(line?.['operations']) };
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#running;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
