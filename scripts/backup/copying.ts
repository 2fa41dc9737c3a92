/** Copies of files that somebody is writing: a tree in several passes, and SQLite's databases while they are open. */
import { constants, type Stats } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';

/**
 * Passes over the tree may go on while it is written to; the last one, when nobody writes any more, takes only what has
 * changed since and makes the copy what the tree is.
 */
export class TreeCopy {
  readonly #from: string;
  readonly #to: string;
  readonly #isLeftOut: (path: string) => boolean;
  /** What each file was when it was copied. */
  readonly #copied = new Map<string, string>();

  /** `isLeftOut` is asked for paths from `from` on. */
  constructor(from: string, to: string, isLeftOut: (path: string) => boolean = () => false) {
    this.#from = from;
    this.#to = to;
    this.#isLeftOut = isLeftOut;
  }

  /** @returns bytes that were copied */
  async pass(): Promise<number> {
    let bytes = 0;
    const present = new Set<string>();
    for (const path of await this.#paths()) {
      const before = await unlessGone(stat(join(this.#from, path)));
      if (before === undefined) continue;
      if (this.#copied.get(path) !== markOf(before)) {
        if (!(await this.#copy(path))) continue;
        this.#copied.set(path, markOf(before));
        bytes += before.size;
      }
      present.add(path);
    }
    for (const path of [...this.#copied.keys()].filter((each) => !present.has(each))) {
      await rm(join(this.#to, path), { force: true });
      this.#copied.delete(path);
    }
    return bytes;
  }

  async #paths(): Promise<string[]> {
    const entries = await readdir(this.#from, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#from, join(entry.parentPath, entry.name)));
    return paths.filter((path) => !this.#isLeftOut(path));
  }

  /** False where it has gone meanwhile. */
  async #copy(path: string): Promise<boolean> {
    const to = join(this.#to, path);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const copied = copyFile(join(this.#from, path), to, constants.COPYFILE_FICLONE).then(() => true);
    return (await unlessGone(copied)) ?? false;
  }
}

const markOf = ({ ino, size, mtimeMs, ctimeMs }: Stats): string => `${ino} ${size} ${mtimeMs} ${ctimeMs}`;

function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** In one step: in several, each write of others would have it begin anew. Nobody who writes waits for it. */
const ALL_PAGES = 2 ** 30;

/** As it was at one moment, with all that was committed, whoever writes. */
export async function copyDatabase(file: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    await backup(database, to, { rate: ALL_PAGES });
  } finally {
    database.close();
  }
}
