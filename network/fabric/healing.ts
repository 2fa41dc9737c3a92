/**
 * Looks whether the nodes of a running network agree, and starts those again that stay behind: one at a time, the next one
 * when the last has caught up, an orderer never where that would stop ordering.
 */
import { assess, candidates, described, type Finding, mayRestart, type Reading, tipOf } from './lag.ts';

/** What it works with. */
export interface Nodes {
  read(): Promise<Reading[]>;
  /** Ends a node's process and starts it; answers when it runs. */
  restart(name: string): Promise<void>;
  /** When a block was made, where anybody can tell. */
  timeOf(block: number): Promise<Date | undefined>;
  delay(ms: number): Promise<void>;
  quorum: number;
}

export interface Timing {
  /** Between the two readings that tell who stands still. */
  windowMs: number;
  /** How long a node may take to catch up, as long as it gets blocks or has just been started. */
  patienceMs: number;
}

const TIMING: Timing = { windowMs: 3_000, patienceMs: 60_000 };
const POLL_MS = 500;

/** The findings and the second of the two readings that they follow from. */
export interface Examination {
  findings: Finding[];
  readings: Reading[];
}

/** Reads once, and a second time where those that run do not all have the same. */
export async function examine(nodes: Nodes, { windowMs }: Timing = TIMING): Promise<Examination> {
  const first = await nodes.read();
  const found = assess(first, first);
  if (found.every(({ is }) => is === 'down')) return { findings: found, readings: first };
  await nodes.delay(windowMs);
  const second = await nodes.read();
  return { findings: assess(first, second), readings: second };
}

/** One line for each finding, with the time since when a node lacks blocks. */
export async function report(nodes: Nodes, findings: readonly Finding[]): Promise<string[]> {
  return Promise.all(
    findings.map(async (finding) =>
      described(finding, 'height' in finding ? await nodes.timeOf(finding.height) : undefined),
    ),
  );
}

export interface HealingOptions {
  timing?: Timing;
  /** Before anything is started: those that run and answer nobody, for which everything else would wait. */
  onlySilent?: boolean;
}

/**
 * Starts each node that is silent or stays behind again, at most once, and waits for those that catch up.
 * @param say told what is found and done, a line each
 * @returns whether in the end every node runs and has what the others have
 */
export async function heal(
  nodes: Nodes,
  say: (line: string) => void,
  { timing = TIMING, onlySilent = false }: HealingOptions = {},
): Promise<boolean> {
  const tried = new Set<string>();
  const said = new Set<string>();
  for (let waitedMs = 0; ; ) {
    const { findings: all, readings } = await examine(nodes, timing);
    const findings = onlySilent ? all.filter(({ is }) => is === 'silent') : all;
    const unsaid = findings.filter(({ name, is }) => !said.has(`${name} ${is}`));
    for (const { name, is } of unsaid) said.add(`${name} ${is}`);
    for (const line of await report(nodes, unsaid)) say(line);
    const next = candidates(findings).find(({ name }) => !tried.has(name));
    if (next !== undefined) {
      tried.add(next.name);
      await startAgain(nodes, next, { findings: all, readings }, say, timing);
      continue;
    }
    waitedMs += timing.windowMs;
    if (!findings.some(({ is }) => is === 'catching-up') || waitedMs > timing.patienceMs) return findings.length === 0;
  }
}

async function startAgain(
  nodes: Nodes,
  finding: Finding,
  { findings, readings }: Examination,
  say: (line: string) => void,
  timing: Timing,
): Promise<void> {
  const { name } = finding;
  const verdict = mayRestart(finding, findings, readings, nodes.quorum);
  if (!verdict.restart) return say(`${name} is not started again: ${verdict.why}`);
  await nodes.restart(name);
  say(`${name} was started again: ${await catchUp(nodes, name, timing)}`);
}

/** Waits until a node has what any had when it was started. @returns in words how that went */
async function catchUp(nodes: Nodes, name: string, { patienceMs }: Timing): Promise<string> {
  const goal = tipOf(await nodes.read());
  for (let waited = 0; ; waited += POLL_MS) {
    const height = (await nodes.read()).find((reading) => reading.name === name)?.height;
    if (height !== undefined && height >= goal) return `it has all ${height} blocks`;
    if (waited >= patienceMs) return `it has ${height ?? 'no'} of ${goal} blocks after ${patienceMs / 1000} s`;
    await nodes.delay(POLL_MS);
  }
}
