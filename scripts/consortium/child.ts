/**
 * A child process that receives its task in its first IPC message and answers once when it is ready. It ends
 * itself when the channel to this process breaks, so that a killed parent leaves no orphan.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Child<Ready> {
  name: string;
  pid: number;
  /** What the child answered when it was ready. */
  ready: Promise<Ready>;
  send(message: unknown): void;
  /** Called when the child ends before `stop`. */
  onUnexpectedEnd(listener: (reason: string) => void): void;
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 10_000;

/**
 * For glibc's malloc, in which buffers live: a few arenas instead of eight for each core, and what is large goes back to
 * the system when it is freed. Elsewhere these variables mean nothing; those that are set already stand.
 */
const ALLOCATION = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

/** Starts `modulePath`; its output is appended to `logFile`. `environment` is added to this process's own. */
export function startChild<Ready>(
  name: string,
  modulePath: string,
  logFile: string,
  environment: Record<string, string> = {},
): Child<Ready> {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o600);
  const child = fork(modulePath, [], {
    stdio: ['ignore', log, log, 'ipc'],
    serialization: 'advanced',
    env: { ...ALLOCATION, ...process.env, ...environment },
    // Small young generations: what a transaction needs is short-lived, and six heaps otherwise grow to fill the machine.
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`${name} ended with ${signal ?? `exit code ${code}`}`));
    child.once('error', (error) => resolve(`${name} could not be started: ${error.message}`));
  });
  let stopping = false;
  return {
    name,
    pid: child.pid ?? -1,
    ready: firstAnswer<Ready>(name, child, ended, logFile),
    send: (message) => void child.send(message as object),
    onUnexpectedEnd: (listener) => void ended.then((reason) => stopping || listener(`${reason} (see ${logFile})`)),
    stop: async () => {
      stopping = true;
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The child's first message `{ready: true, …}`; `{error}`, `{failed}` or its end before that is an error here. */
function firstAnswer<Ready>(
  name: string,
  child: ChildProcess,
  ended: Promise<string>,
  logFile: string,
): Promise<Ready> {
  const answer = new Promise<Ready>((resolve, reject) => {
    child.once('message', (message: { error?: string; failed?: string }) => {
      const failure = message.error ?? message.failed;
      if (failure !== undefined) reject(new Error(`${name}: ${failure}`));
      else resolve(message as Ready);
    });
    void ended.then((reason) => reject(new Error(`${reason} before it was ready (see ${logFile})`)));
  });
  // Whoever awaits it later sees the failure; until then it is not an unhandled one.
  answer.catch(() => undefined);
  return answer;
}
