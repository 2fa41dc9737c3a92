/** Memory and processor time of the consortium's processes, from Linux's /proc; elsewhere nothing is known. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const text = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

const processIds = (): number[] => {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
};

/** Fields of /proc/<pid>/stat from the third on: the name before them may hold anything. */
const statOf = (pid: number): string[] | undefined => text(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ');

/** The process that listens on a port of 127.0.0.1, and everything it started. */
export function processTree(port: number): number[] {
  const inode = listeningInode(port);
  const root = inode === undefined ? undefined : processIds().find((pid) => holds(pid, inode));
  if (root === undefined) return [];
  const parents = new Map(processIds().map((pid) => [pid, Number(statOf(pid)?.[1])]));
  const tree = [root];
  for (const member of tree) for (const [pid, parent] of parents) if (parent === member) tree.push(pid);
  return tree;
}

const LISTENING = '0A';

function listeningInode(port: number): string | undefined {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = (text('/proc/net/tcp') ?? '').split('\n').map((row) => row.trim().split(/\s+/));
  return rows.find(([, local, , state]) => local?.endsWith(wanted) && state === LISTENING)?.[9];
}

function holds(pid: number, inode: string): boolean {
  try {
    const files = readdirSync(`/proc/${pid}/fd`);
    return files.some((file) => linkOf(`/proc/${pid}/fd/${file}`) === `socket:[${inode}]`);
  } catch {
    return false;
  }
}

const linkOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

/** Memory of all of them together in bytes: resident, and what they share (the runtime's own pages) counted once. */
export function residentBytes(pids: readonly number[]): number {
  const kilobytes = pids.map(
    (pid) => kilobytesOf('Pss', `/proc/${pid}/smaps_rollup`) ?? kilobytesOf('VmRSS', `/proc/${pid}/status`) ?? 0,
  );
  return kilobytes.reduce((sum, one) => sum + one, 0) * 1024;
}

function kilobytesOf(field: string, file: string): number | undefined {
  const stated = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text(file) ?? '')?.[1];
  return stated === undefined ? undefined : Number(stated);
}

/** Processor time used so far, in clock ticks. */
export interface CpuTimes {
  processes: number;
  self: number;
  busy: number;
  all: number;
}

/** Linux counts processor time in hundredths of a second. */
export const TICK_MS = 10;

export function cpuTimes(pids: readonly number[]): CpuTimes {
  const ticks = (pid: number): number => {
    const stat = statOf(pid);
    return Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0);
  };
  const machine = (text('/proc/stat') ?? '').split('\n')[0]?.split(/\s+/).slice(1, 9).map(Number) ?? [];
  const all = machine.reduce((sum, one) => sum + one, 0);
  const idle = (machine[3] ?? 0) + (machine[4] ?? 0);
  const processes = pids.reduce((sum, pid) => sum + ticks(pid), 0);
  return { processes, self: ticks(process.pid), busy: all - idle, all };
}

/** Cores kept busy between two readings: by the consortium, by this process, by everything on the machine. */
export function busyCores(
  from: CpuTimes,
  to: CpuTimes,
): { consortium: number; self: number; machine: number; of: number } {
  const of = availableParallelism();
  const share = (part: number) => (of * part) / Math.max(to.all - from.all, 1);
  return {
    consortium: share(to.processes - from.processes),
    self: share(to.self - from.self),
    machine: share(to.busy - from.busy),
    of,
  };
}
