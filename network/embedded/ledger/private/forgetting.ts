/**
 * Purged values are out of the state at once, but not out of the files: LevelDB keeps what was overwritten until it rewrites
 * the table that holds it, which may be never. This has it rewrite those tables. What is to go is noted in a file of its own
 * before it is purged, so that a process that was killed in between goes on when it is started again.
 */
import { appendFile, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { decodeBlock } from '@telemed-ledger/formats/blocks/block.ts';
import { parseTransaction } from '../blocks/transaction.ts';
import { blockKey, transientKey } from '../state/keys.ts';
import type { Database, Reader } from '../state/store.ts';
import type { SetPlace } from './stored-sets.ts';

/** After a purge: what follows soon is rewritten with it. */
const DELAY_MS = 500;
/** While a reader holds a state of before the purge, its tables are kept. */
const RETRY_MS = 1_000;

/** Where the keys are noted whose former values are to go. */
export const purgesFile = (dir: string): string => `${dir}-purges`;

/** The key under which a committed private set was kept before its transaction was ordered; undefined where no block tells. */
export function transientKeyOf(view: Reader, { block, tx, namespace, collection }: SetPlace): Buffer | undefined {
  const bytes = view.get(blockKey(block));
  const envelope = bytes && decodeBlock(bytes).envelopes[tx];
  if (envelope === undefined) return undefined;
  const { txId, rwset } = parseTransaction(envelope);
  const ours = rwset.filter((one) => one.namespace === namespace).flatMap(({ collections }) => collections);
  const hash = ours.find((one) => one.collection === collection)?.privateHash;
  return hash === undefined ? undefined : transientKey(txId, hash);
}

export interface ForgettingOptions {
  database: Database;
  /** See {@link purgesFile}. */
  file: string;
  durable: boolean;
  /** Height of the oldest state that somebody still reads. */
  oldestRead: () => number;
  /** Runs when no block is being committed. */
  between: (write: () => Promise<void>) => Promise<void>;
}

export class Forgetting {
  readonly #options: ForgettingOptions;
  /** Hexadecimal keys, and the height from which nobody may read their former values. */
  readonly #keys = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  /** Changes of the file come one after the other: what is noted now is not removed with what is done. */
  #filing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ForgettingOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier process left. @throws Error where its notes cannot be read */
  async begin(height: number): Promise<void> {
    const noted = await readFile(this.#options.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    // A line that was cut off was of a purge that was not committed.
    for (const line of noted.split('\n')) if (/^(?:[0-9a-f]{2})+$/.test(line)) this.#keys.set(line, height);
    if (this.#keys.size > 0) this.#schedule(DELAY_MS);
  }

  /** Before a block of this number purges what lies under these keys. */
  async note(keys: readonly Buffer[], block: number): Promise<void> {
    if (keys.length === 0) return;
    const lines = keys.map((key) => key.toString('hex'));
    await this.#file(async () => {
      await appendFile(this.#options.file, textOf(lines), { mode: 0o600 });
      if (this.#options.durable) await synced(this.#options.file);
      for (const line of lines) this.#keys.set(line, block + 1);
    });
    this.#schedule(DELAY_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#filing;
  }

  #file(change: () => Promise<void>): Promise<void> {
    const changed = this.#filing.then(change);
    this.#filing = changed.catch(() => undefined);
    return changed;
  }

  /** Purges that come one after the other do not put it off. */
  #schedule(delayMs: number): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // What failed is taken up with the next purge, or by the next start.
      this.#running = this.#running.then(() => this.#run()).catch((error: Error) => process.emitWarning(error));
    }, delayMs).unref();
  }

  async #run(): Promise<void> {
    if (this.#closed) return;
    const oldest = this.#options.oldestRead();
    const ready = [...this.#keys].filter(([, height]) => height <= oldest);
    if (ready.length > 0) {
      await this.#rewrite(ready.map(([key]) => Buffer.from(key, 'hex')));
      await this.#file(() => this.#done(ready));
    }
    if (this.#keys.size > 0) this.#schedule(RETRY_MS);
  }

  /** Forgets these, unless they are noted again since, and leaves in the file what is still to go. */
  async #done(keys: readonly (readonly [string, number])[]): Promise<void> {
    if (this.#closed) return;
    for (const [key, height] of keys) if (this.#keys.get(key) === height) this.#keys.delete(key);
    const { file, durable } = this.#options;
    if (this.#keys.size === 0) return rm(file, { force: true });
    await writeFile(`${file}.new`, textOf([...this.#keys.keys()]), { mode: 0o600 });
    if (durable) await synced(`${file}.new`);
    await rename(`${file}.new`, file);
  }

  /**
   * A table is rewritten when one above it holds some of its keys. The first turn brings what is in the log into tables,
   * where a value may lie beside its own removal; then the keys are written once more above them.
   */
  async #rewrite(keys: readonly Buffer[]): Promise<void> {
    const { database, between } = this.#options;
    const compact = async (): Promise<void> => {
      for (const key of keys) if (!this.#closed) await database.compactRange(key, key);
    };
    await compact();
    await between(async () => {
      const batch = database.batch();
      for (const key of keys) {
        const value = database.getSync(key);
        if (value === undefined) batch.del(key);
        else batch.put(key, value);
      }
      await batch.write();
    });
    await compact();
  }
}

const textOf = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
