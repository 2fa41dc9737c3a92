/**
 * What the gateway acknowledged to earlier runs of the loader: one line of JSON per part, with random ids and hashes and
 * nothing of what they stand for. A gateway forgets an Idempotency-Key after some time; this file does not.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Written {
  /** The part's Idempotency-Key. */
  key: string;
  /** `Type/id` of every entry, in their order. */
  locations: string[];
}

export class LoadJournal {
  readonly #file: string;
  readonly #written: Map<string, Written>;

  private constructor(file: string, written: Map<string, Written>) {
    this.#file = file;
    this.#written = written;
  }

  /** A last line that a crash cut short is ignored: its part is sent again. */
  static async open(file: string): Promise<LoadJournal> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    if (text !== '' && !text.endsWith('\n')) await appendFile(file, '\n');
    const written = text.split('\n').flatMap(parseLine);
    return new LoadJournal(file, new Map(written.map((one) => [one.key, one])));
  }

  find(key: string): Written | undefined {
    return this.#written.get(key);
  }

  async add(written: Written): Promise<void> {
    this.#written.set(written.key, written);
    await appendFile(this.#file, `${JSON.stringify(written)}\n`, { mode: 0o600 });
  }
}

function parseLine(line: string): Written[] {
  try {
    const { key, locations } = JSON.parse(line) as Partial<Written>;
    return key === undefined || locations === undefined ? [] : [{ key, locations }];
  } catch {
    return [];
  }
}
