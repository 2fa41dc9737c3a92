/**
 * The network's processes: started apart from this one, with a record of each under DATA_DIR/fabric/run and its output
 * in a log. Only a process that is still the recorded one (same number, same beginning, same command) is ever ended.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
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
}

interface ProcessRecord {
  pid: number;
  /** Clock ticks after the machine's start, from /proc/<pid>/stat. */
  beginning: string;
  argv: string[];
  purpose: string;
}

const STOP_TIMEOUT_MS = 20_000;
const ARGUMENTS_TIMEOUT_MS = 2_000;
const POLL_MS = 25;

export const logFile = (layout: Layout, name: string): string => join(layout.logDirectory, `${name}.log`);

const recordFile = (layout: Layout, name: string): string => join(layout.runDirectory, `${name}.json`);

/** The process's number when it runs and is ours, undefined otherwise. */
export function runningPid(layout: Layout, name: string): number | undefined {
  const record = recordOf(layout, name);
  return record !== undefined && isStill(record) ? record.pid : undefined;
}

/** What the running process was started for. */
export function runningPurpose(layout: Layout, name: string): string | undefined {
  const record = recordOf(layout, name);
  return record !== undefined && isStill(record) ? record.purpose : undefined;
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
  const log = openSync(logFile(layout, spec.name), 'a', 0o600);
  const child = spawn(spec.command, spec.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...spec.environment },
    cwd: layout.root,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${spec.name} could not be started: ${error.message}`)));
  });
  closeSync(log);
  const pid = child.pid!;
  child.unref();
  const record: ProcessRecord = { pid, beginning: beginningOf(pid) ?? '', argv: [spec.command, ...spec.args], purpose };
  writeIfDifferent(recordFile(layout, spec.name), JSON.stringify(record));
  await hasItsArguments(record);
  return true;
}

/** A new program's arguments can be read a moment after it was started; one that ended at once never shows them. */
async function hasItsArguments(record: ProcessRecord): Promise<void> {
  const deadline = Date.now() + ARGUMENTS_TIMEOUT_MS;
  while (!isStill(record) && beginningOf(record.pid) === record.beginning && Date.now() < deadline) await delay(1);
}

/** Ends it, at first gently; does nothing to a process that is not ours. */
export async function stopProcess(layout: Layout, name: string): Promise<boolean> {
  const record = recordOf(layout, name);
  if (record === undefined) return false;
  const isRunning = isStill(record);
  if (isRunning) {
    process.kill(record.pid, 'SIGTERM');
    if (!(await hasEnded(record, STOP_TIMEOUT_MS))) {
      process.kill(record.pid, 'SIGKILL');
      await hasEnded(record, STOP_TIMEOUT_MS);
    }
  }
  rmSync(recordFile(layout, name), { force: true });
  return isRunning;
}

async function hasEnded(record: ProcessRecord, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isStill(record)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

const LONGEST_TAIL_BYTES = 1024 * 1024;

/** The last lines of a process's log; empty when there is none. */
export function lastLines(layout: Layout, name: string, count: number): string {
  const file = logFile(layout, name);
  if (!existsSync(file)) return '';
  const length = Math.min(statSync(file).size, LONGEST_TAIL_BYTES);
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

function isStill({ pid, beginning, argv }: ProcessRecord): boolean {
  return beginningOf(pid) === beginning && argumentsOf(pid) === argv.join('\0');
}

/** undefined when there is no such process, or only its remains. */
function beginningOf(pid: number): string | undefined {
  try {
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return state === 'Z' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function argumentsOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '');
  } catch {
    return undefined;
  }
}
