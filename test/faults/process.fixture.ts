/** The consortium as `npm start` runs it, in a process of its own that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { processTree } from '@telemed-ledger/scripts/bench/processes.ts';

const START = join(import.meta.dirname, '..', '..', 'scripts', 'start.ts');
const ORGANISATIONS = ['hospital', 'clinic', 'patients', 'payer', 'bank', 'regulator'];

export class ConsortiumProcess {
  readonly urls: Record<string, string>;
  readonly #child: ChildProcess;
  readonly #output: string[];
  readonly ended: Promise<number | NodeJS.Signals | null>;

  private constructor(
    child: ChildProcess,
    urls: Record<string, string>,
    output: string[],
    ended: ConsortiumProcess['ended'],
  ) {
    this.#child = child;
    this.urls = urls;
    this.#output = output;
    this.ended = ended;
  }

  /**
   * Answers when it has printed `ready`; rejects when it ends before. Ports are the system's choice, those of gateways
   * unless they are given by organisation.
   */
  static async start(
    dataDir: string,
    gatewayPorts: Record<string, number> = {},
    more: Record<string, string> = {},
    args: string[] = [],
  ): Promise<ConsortiumProcess> {
    const ports = Object.fromEntries(
      ORGANISATIONS.flatMap((name) => [
        [`GATEWAY_PORT_${name.toUpperCase()}`, String(gatewayPorts[name] ?? 0)],
        [`PEER_PORT_${name.toUpperCase()}`, '0'],
      ]),
    );
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', START, ...args], {
      env: { ...process.env, ...ports, ...more, DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? code));
    });
    const ready = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        output.push(chunk.toString());
        if (/^ready$/m.test(output.join(''))) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      void ended.then((how) => reject(new Error(`the consortium ended with ${how}: ${output.join('')}`)));
    });
    await ready;
    const rows = output.join('').matchAll(/^(\S+) .*(http:\/\/127\.0\.0\.1:\d+)$/gm);
    const urls = Object.fromEntries([...rows].map(([, name, url]) => [name, url]));
    return new ConsortiumProcess(child, urls, output, ended);
  }

  /** What it printed so far. */
  get output(): string {
    return this.#output.join('');
  }

  /** Its own process and those it started. */
  get pids(): number[] {
    return processTree(Number(new URL(this.urls['hospital'] ?? '').port));
  }

  /** kill -9 of all of it at once. */
  async killAll(): Promise<void> {
    for (const pid of this.pids) kill(pid, 'SIGKILL');
    await this.ended;
  }

  /** Asks it to end; see `ended`. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  async stop(): Promise<void> {
    this.terminate();
    await this.ended;
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
