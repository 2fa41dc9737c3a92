/**
 * Writes a database anew, without what its pages hold beside their rows: SQLite overwrites what is deleted, but when it
 * moves rows from page to page a copy may stay in the middle of one. In a thread of its own, because it takes a while.
 */
import { stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** It goes through memory, and nothing else is written meanwhile: some 0.7 s for this much. */
const REWRITTEN_BYTES = 64 * 1024 * 1024;

interface Task {
  rewritten: string;
}

export const isRewritable = async (file: string): Promise<boolean> => (await stat(file)).size <= REWRITTEN_BYTES;

/** Nobody may write meanwhile; readers may read. @throws Error of SQLite's, and then the database is as it was */
export function rewrite(file: string): Promise<void> {
  const task: Task = { rewritten: file };
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('a database was not written anew'))));
  });
}

function run({ rewritten }: Task): void {
  const database = new DatabaseSync(rewritten);
  try {
    // Not into a temporary file: it would hold everybody's records.
    database.exec('pragma temp_store = memory; pragma secure_delete = on; vacuum;');
  } finally {
    database.close();
  }
}

if (!isMainThread && typeof (workerData as Partial<Task> | null)?.rewritten === 'string') run(workerData as Task);
