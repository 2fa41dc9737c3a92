/**
 * The files of a LevelDB store, checked before LevelDB sees them. Problem: LevelDB begins anew where CURRENT is missing,
 * drops damaged records of its log in silence and serves data without a look at its checksum. Here every file that the
 * manifest names must be there, whole, and as its checksums say.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLogRecords } from './log-records.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { checkTable, type TableFault } from './table-blocks.ts';

export interface StoreFault extends Partial<TableFault> {
  /** Name within the store's directory. */
  file: string;
  /** `altered`: the bytes are not those of their checksum. `truncated`: shorter than the manifest says. */
  fault: 'missing' | 'altered' | 'truncated';
}

export interface StoreCheck {
  /** False where the directory holds no store at all. */
  exists: boolean;
  faults: StoreFault[];
  /** The files that are needed: CURRENT, the manifest and what that names. A closed store may hold others. */
  files: string[];
  /** Bytes of tables that were read, and that were left out because time was up. */
  checkedBytes: number;
  skippedBytes: number;
}

export interface StoreCheckOptions {
  /** After this time no further table is read; the newest are read first. */
  budgetMs?: number;
}

const CURRENT_ALTERED: StoreFault = { file: 'CURRENT', fault: 'altered', offset: 0 };

/** Safe beside a process that writes to the store: what is no longer needed when it is found missing is no fault. */
export async function checkStore(dir: string, { budgetMs = Infinity }: StoreCheckOptions = {}): Promise<StoreCheck> {
  const files = await filesOf(dir);
  const check: StoreCheck = {
    exists: files.length > 0,
    faults: [],
    files: [],
    checkedBytes: 0,
    skippedBytes: 0,
  };
  if (!check.exists) return check;
  const opened = await openManifest(dir);
  if ('fault' in opened) {
    const isOther = opened.fault === 'missing' && files.some((name) => name.startsWith('MANIFEST'));
    return { ...check, faults: [isOther && opened.file !== 'CURRENT' ? CURRENT_ALTERED : opened] };
  }
  const logs = logsOf(opened.manifest, files);
  check.files.push('CURRENT', opened.file, ...logs);
  check.faults.push(...(await checkLogs(dir, opened.manifest, logs)));
  const deadline = performance.now() + budgetMs;
  for (const [number, size] of [...opened.manifest.tables].sort(([a], [b]) => b - a)) {
    const file = files.includes(fileName(number, 'sst')) ? fileName(number, 'sst') : fileName(number, 'ldb');
    check.files.push(file);
    if (performance.now() > deadline) check.skippedBytes += size;
    else {
      check.faults.push(...(await checkTableFile(dir, file, number, size)));
      check.checkedBytes += size;
    }
  }
  return check;
}

/** Tables, logs and manifests; LOCK and LOG say nothing about a store. */
async function filesOf(dir: string): Promise<string[]> {
  if (!existsSync(dir)) return [];
  return (await readdir(dir)).filter((name) => /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/.test(name));
}

async function openManifest(dir: string): Promise<{ file: string; manifest: Manifest } | StoreFault> {
  const current = await read(dir, 'CURRENT');
  if (!current) return { file: 'CURRENT', fault: 'missing' };
  const named = current.toString('latin1');
  const file = named.trimEnd();
  if (!/^MANIFEST-\d+\n$/.test(named)) return CURRENT_ALTERED;
  const bytes = await read(dir, file);
  if (!bytes) return { file, fault: 'missing' };
  const { records, faults } = readLogRecords(bytes);
  const [offset] = faults;
  if (offset !== undefined) return { file, fault: 'altered', offset };
  if (records.length === 0) return { file, fault: 'truncated', offset: bytes.length };
  try {
    return { file, manifest: readManifest(records) };
  } catch {
    return { file, fault: 'altered', offset: 0 };
  }
}

/** The manifest names the oldest log in use, which is made before the manifest is written. */
function logsOf({ logNumber }: Manifest, files: string[]): string[] {
  const newer = files.filter((name) => name.endsWith('.log') && Number.parseInt(name, 10) > logNumber);
  return [...(logNumber > 0 ? [fileName(logNumber, 'log')] : []), ...newer.sort()];
}

async function checkLogs(dir: string, { logNumber }: Manifest, logs: string[]): Promise<StoreFault[]> {
  const faults: StoreFault[] = [];
  for (const file of logs) {
    const bytes = await read(dir, file);
    const isNeeded = !bytes && (await isStillNamed(dir, (manifest) => manifest.logNumber === logNumber));
    if (isNeeded) faults.push({ file, fault: 'missing' });
    for (const offset of bytes ? readLogRecords(bytes).faults : []) faults.push({ file, fault: 'altered', offset });
  }
  return faults;
}

async function checkTableFile(dir: string, file: string, number: number, size: number): Promise<StoreFault[]> {
  const bytes = await read(dir, file);
  if (!bytes) {
    const isNeeded = await isStillNamed(dir, ({ tables }) => tables.has(number));
    return isNeeded ? [{ file, fault: 'missing' }] : [];
  }
  if (bytes.length < size) return [{ file, fault: 'truncated', offset: bytes.length }];
  if (bytes.length > size) return [{ file, fault: 'altered', offset: size }];
  return checkTable(bytes).map((fault) => ({ file, fault: 'altered', ...fault }));
}

async function isStillNamed(dir: string, names: (manifest: Manifest) => boolean): Promise<boolean> {
  const opened = await openManifest(dir);
  return 'fault' in opened || names(opened.manifest);
}

const fileName = (number: number, extension: string): string => `${String(number).padStart(6, '0')}.${extension}`;

async function read(dir: string, file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(dir, file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
