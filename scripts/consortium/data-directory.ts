/**
 * One consortium at a time on a data directory. The lock is one of the operating system's on a small SQLite file, so it
 * ends with the process that holds it, however that ends.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const LOCK_FILE = 'in-use.lock';

/**
 * Makes the directory where there is none and holds it until the returned function is called.
 * @throws Error saying that it cannot be written to, or that another consortium runs on it.
 */
export function holdDataDirectory(dataDir: string): () => void {
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(dataDir, LOCK_FILE));
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    const held = lock;
    return () => held.close();
  } catch (error) {
    lock?.close();
    throw new Error(reasonOf(error as Error & { errcode?: number }, dataDir), { cause: error });
  }
}

/** Whether a consortium runs on it. False for a directory that is not there. */
export function isHeld(dataDir: string): boolean {
  if (!existsSync(join(dataDir, LOCK_FILE))) return false;
  try {
    holdDataDirectory(dataDir)();
    return false;
  } catch (error) {
    if ((error as { cause?: { errcode?: number } }).cause?.errcode === SQLITE_BUSY) return true;
    throw error;
  }
}

const SQLITE_BUSY = 5;
const reasonOf = ({ errcode, message }: { errcode?: number; message: string }, dataDir: string): string =>
  errcode === SQLITE_BUSY
    ? `another consortium is running on ${dataDir}; stop it or set DATA_DIR`
    : `${dataDir} cannot be used as DATA_DIR: ${message}`;
