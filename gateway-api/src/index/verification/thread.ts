/**
 * Runs a comparison in a thread of its own: making the tables a second time takes the processor for as long as the ledger
 * is large, and whoever asks this gateway for anything must not wait for it.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Connection, Enrolled, Timeouts } from '../../ledger/connect.ts';
import type { DatabaseSettings } from '../postgres/postgres.ts';
import type { VerifyReport } from './report.ts';

/** What the thread is given: no functions, so a password is read when the thread begins. */
export interface VerificationTask {
  member: Organisation;
  consortium: Consortium;
  connection: Connection;
  timeouts: Timeouts;
  identity: Enrolled;
  /** Of the seals. */
  secret: string;
  making: string;
  /** The read model: a file, or a PostgreSQL. */
  live: { file: string } | { database: Omit<DatabaseSettings, 'password'> & { password: string } };
  position: number;
  /** Takes a quarter of the time only, until it is told to hurry. */
  unhurried: boolean;
  /** For the second read model. */
  file: string;
}

export type FromThread = { report: VerifyReport } | { failure: string };

const SCRATCH = 'verification-';

/** What a process left of its comparisons that was killed: everybody's records. Only before one begins. */
export function removeInterrupted(directory: string): void {
  if (!existsSync(directory)) return;
  const left = readdirSync(directory).filter((name) => name.startsWith(SCRATCH));
  for (const name of left) rmSync(join(directory, name), { recursive: true, force: true });
}

/** Enough for some blocks of the largest values. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 768, maxYoungGenerationSizeMb: 16 };

export interface RunningVerification {
  report: Promise<VerifyReport>;
  hurry(): void;
}

/**
 * @param directory where the second read model may lie; a temporary one where there is none
 * The promise is rejected with the reason of `stop`, and with what the thread failed of.
 */
export function verifyInThread(
  task: Omit<VerificationTask, 'file'>,
  directory: string,
  stop: AbortSignal,
): RunningVerification {
  // Nothing else makes it where the database is elsewhere.
  if (directory !== '') mkdirSync(directory, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(directory === '' ? tmpdir() : directory, SCRATCH));
  const workerData: VerificationTask = { ...task, file: join(scratch, 'index.sqlite') };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, resourceLimits: RESOURCE_LIMITS });
  const report = answerOf(worker, stop).finally(async () => {
    await worker.terminate();
    rmSync(scratch, { recursive: true, force: true });
  });
  return { report, hurry: () => worker.postMessage('hurry') };
}

function answerOf(worker: Worker, stop: AbortSignal): Promise<VerifyReport> {
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: FromThread) => {
      if ('report' in answer) resolve(answer.report);
      else reject(new Error(answer.failure));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the comparison ended without a report')));
    stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true });
  });
}
