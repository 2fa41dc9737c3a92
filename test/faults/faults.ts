/**
 * `npm run test:faults`: the consortium under a mixed load while its processes are killed, paused and restarted, and its
 * history checked at the end. The seed gives the schedule: the same one can be run again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { binaryProblems } from '@telemed-ledger/network/fabric/binaries.ts';
import { startEmbedded } from './embedded.ts';
import { startFabric } from './fabric.ts';
import type { FaultyNetwork, Part } from './network.ts';
import { answersTable, checkLines, faultTable } from './report.ts';
import { run } from './run.ts';
import { type Action, described, schedule } from './schedule.ts';

const USAGE = `usage: npm run test:faults [-- --network embedded|fabric] [--faults N] [--seed N] [--keep]
  --network   real Fabric where FABRIC_BIN has its programs or they are on the PATH, otherwise embedded
  --faults    how many (200)
  --seed      of an earlier run, to repeat its schedule
  --keep      leave the data directory, with history.jsonl and all logs; it stays too when a check fails`;

const LONGEST_HOLD_MS = 6_000;
const CLIENTS = { records: 8, stories: 2 };

interface Settings {
  network: 'embedded' | 'fabric';
  faults: number;
  seed: number;
  keep: boolean;
}

/** @throws Error naming the mistake */
async function readSettings(args: string[]): Promise<Settings> {
  const { values } = parseArgs({
    args,
    options: {
      network: { type: 'string' },
      faults: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      keep: { type: 'boolean', default: false },
    },
  });
  const wholeNumber = (name: string, text: string): number => {
    if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} ${text}: not a whole number`);
    return Number(text);
  };
  const problems = values.network === 'embedded' ? [] : await binaryProblems(process.env);
  if (values.network === 'fabric' && problems.length > 0) throw new Error(problems.join('\n'));
  const network = values.network ?? (problems.length > 0 ? 'embedded' : 'fabric');
  if (network !== 'embedded' && network !== 'fabric') throw new Error(`--network ${network}: embedded or fabric`);
  const [faults, seed] = [wholeNumber('faults', values.faults), wholeNumber('seed', values.seed)];
  return { network, faults, seed, keep: values.keep };
}

/** Where one process ends the whole consortium ends with it, so it is told to end through the one that leads. */
const allowedOnEmbedded = (action: Action, { name }: Part): boolean => action !== 'restart' || name === 'gateways';

async function main(): Promise<number> {
  const settings = await readSettings(process.argv.slice(2));
  const directory = mkdtempSync(join(tmpdir(), 'telemed-faults-'));
  const start = settings.network === 'fabric' ? startFabric : startEmbedded;
  console.log(`seed ${settings.seed}, ${settings.faults} faults on ${settings.network}, data in ${directory}`);
  let network: FaultyNetwork | undefined;
  let isKept = settings.keep;
  try {
    network = await start(join(directory, 'data'));
    const faults = schedule({
      seed: settings.seed,
      count: settings.faults,
      parts: network.parts,
      longestHoldMs: LONGEST_HOLD_MS,
      ...(settings.network === 'embedded' ? { allowed: allowedOnEmbedded } : {}),
    });
    console.log(`schedule:\n${faults.map((fault, index) => `  ${index + 1}  ${described(fault)}`).join('\n')}`);
    const began = Date.now();
    const report = (line: string): void => console.log(`${((Date.now() - began) / 1000).toFixed(0)} s  ${line}`);
    const outcome = await run({ network, seed: settings.seed, faults, clients: CLIENTS, directory, report });
    console.log(`\n${answersTable(outcome.history)}\n\n${faultTable(outcome.carried, outcome.history)}\n`);
    console.log(checkLines(outcome.checks).join('\n'));
    const failed = outcome.checks.some(({ problems }) => problems.length > 0);
    isKept ||= failed;
    return failed ? 1 : 0;
  } catch (error) {
    isKept = true;
    throw error;
  } finally {
    await network?.close();
    if (isKept) console.error(`the data of this run stays in ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  }
}

try {
  process.exit(await main());
} catch (error) {
  console.error((error as Error).message);
  if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) console.error(USAGE);
  process.exit(1);
}
