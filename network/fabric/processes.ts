/**
 * The network's processes: started apart from this one, with a record of each under DATA_DIR/fabric/run and its output
 * in a log. Only a process that is still the recorded one (its command, and the token it was started with) is ever
 * ended. The record is written first, so that none is lost when this process is killed while it starts them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeIfDifferent } from './files.ts';
import type { Layout } from './layout.ts';

export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  environment: Record<string, string>;
  /** What it was started for; another one is a reason to start it again. */
  purpose?: string;
  /** Whose log it writes to, where that is not its own. */
  log?: string;
}

interface ProcessRecord {
  /** In the process's environment, and in no other's. */
  token: string;
  argv: string[];
  purpose: string;
  /** Absent when whoever started it was killed before writing it down. */
  pid?: number;
  /** How long the log was before. */
  logBytes?: number;
  log?: string;
}

const TOKEN_VARIABLE = 'TELEMED_PROCESS';
const STOP_TIMEOUT_MS = 20_000;
const ARGUMENTS_TIMEOUT_MS = 2_000;
const POLL_MS = 25;

export const logFile = (layout: Layout, name: string): string => join(layout.logDirectory, `${name}.log`);

const recordFile = (layout: Layout, name: string): string => join(layout.runDirectory, `${name}.json`);

/** The process's number when it runs and is ours, undefined otherwise. */
export function runningPid(layout: Layout, name: string): number | undefined {
  const record = recordOf(layout, name);
  return record === undefined ? undefined : pidOf(record);
}

/** What the running process was started for. */
export function runningPurpose(layout: Layout, name: string): string | undefined {
  const record = recordOf(layout, name);
  return record !== undefined && pidOf(record) !== undefined ? record.purpose : undefined;
}

/** Names of all that were started and not taken down. */
export function recorded(layout: Layout): string[] {
  if (!existsSync(layout.runDirectory)) return [];
  return readdirSync(layout.runDirectory).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -5)] : []));
}

/** Starts it unless it runs for the same purpose. @returns whether it was started. */
export async function startProcess(layout: Layout, spec: ProcessSpec): Promise<boolean> {
  const purpose = spec.purpose ?? '';
  if (runningPid(layout, spec.name) !== undefined) {
    if (runningPurpose(layout, spec.name) === purpose) return false;
    await stopProcess(layout, spec.name);
  }
  mkdirSync(layout.logDirectory, { recursive: true, mode: 0o700 });
  const log = openSync(logFile(layout, spec.log ?? spec.name), 'a', 0o600);
  const logBytes = fstatSync(log).size;
  const record: ProcessRecord = {
    token: randomUUID(),
    argv: [spec.command, ...spec.args],
    purpose,
    logBytes,
    ...(spec.log === undefined ? {} : { log: spec.log }),
  };
  writeIfDifferent(recordFile(layout, spec.name), JSON.stringify(record));
  const child = spawn(spec.command, spec.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...spec.environment, [TOKEN_VARIABLE]: record.token },
    cwd: layout.root,
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${spec.name} could not be started: ${error.message}`)));
  });
  child.unref();
  const started = { ...record, pid: child.pid! };
  writeIfDifferent(recordFile(layout, spec.name), JSON.stringify(started));
  await isRecognisable(started, child);
  return true;
}

/** A new program's arguments can be read a moment after it was started. */
async function isRecognisable(record: ProcessRecord, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + ARGUMENTS_TIMEOUT_MS;
  while (pidOf(record) === undefined && child.exitCode === null && Date.now() < deadline) await delay(1);
}

/** From now on a running process goes by another name, of which none runs. */
export const renameProcess = (layout: Layout, from: string, to: string): void =>
  renameSync(recordFile(layout, from), recordFile(layout, to));

/** Ends it, at first gently; does nothing to a process that is not ours. @returns whether it ran. */
export async function stopProcess(layout: Layout, name: string): Promise<boolean> {
  const record = recordOf(layout, name);
  const pid = record === undefined ? undefined : pidOf(record);
  if (record !== undefined && pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    // One that was paused hears it when it goes on.
    process.kill(pid, 'SIGCONT');
    if (!(await hasEnded(record, pid)) && pidOf(record) !== undefined) {
      process.kill(pid, 'SIGKILL');
      await hasEnded(record, pid);
    }
  }
  rmSync(recordFile(layout, name), { force: true });
  return pid !== undefined;
}

async function hasEnded(record: ProcessRecord, pid: number): Promise<boolean> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (pidOf(record) !== undefined || isExiting(pid)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

const LONGEST_TAIL_BYTES = 1024 * 1024;

/** The last lines of a process's log; empty when there is none. `isOfThisRun`: nothing that it said before it was started. */
export function lastLines(layout: Layout, name: string, count: number, isOfThisRun = false): string {
  const file = logFile(layout, recordOf(layout, name)?.log ?? name);
  if (!existsSync(file)) return '';
  const from = isOfThisRun ? (recordOf(layout, name)?.logBytes ?? 0) : 0;
  const length = Math.min(Math.max(0, statSync(file).size - from), LONGEST_TAIL_BYTES);
  const buffer = Buffer.alloc(length);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, buffer, 0, length, statSync(file).size - length);
  closeSync(descriptor);
  return buffer.toString('utf8').trimEnd().split('\n').slice(-count).join('\n');
}

function recordOf(layout: Layout, name: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(layout, name), 'utf8')) as ProcessRecord;
  } catch {
    return undefined;
  }
}

function pidOf(record: ProcessRecord): number | undefined {
  if (record.pid !== undefined) return isStill(record, record.pid) ? record.pid : undefined;
  return readdirSync('/proc')
    .map(Number)
    .find((pid) => Number.isInteger(pid) && isStill(record, pid));
}

/** What ended, or belongs to another user, shows neither. */
const isStill = ({ token, argv }: ProcessRecord, pid: number): boolean =>
  textsOf(pid, 'cmdline').join('\0') === argv.join('\0') &&
  textsOf(pid, 'environ').includes(`${TOKEN_VARIABLE}=${token}`);

/** Its memory is gone, and with it arguments and environment, but not yet its ports and locks. */
function isExiting(pid: number): boolean {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '') return false;
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function textsOf(pid: number, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replace(/\0$/, '').split('\0');
  } catch {
    return [];
  }
}
