/**
 * `npm test`: every suite, in four mocha processes, three side by side, because much of a run waits for clocks. Their outputs follow
 * each other, and one closing line counts all of them. Where a few files failed, they are run once more with nothing beside
 * them, and that counts: a busy machine is no fault of what is tested; the run says which they were. With files it runs
 * those, with other arguments it is mocha as it is.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';

const ROOMS = '{chaincode,gateway-api,network,scripts,test}/**/*.test.ts';
/** About a quarter of the time each; the last has what no other takes. */
const PARTS = [
  /^gateway-api\/src\/(?!index\/|subjects\/access\/)/,
  /^(gateway-api|chaincode|network)\//,
  /^test\/scenarios\//,
  /./,
];
const COUNTED = /^part of the run: (\d+) (\d+) (\d+)$/gm;
const FAILED = /^failed in: (\d+) (\d+) (\d+) (.+)$/gm;
/** More than these fail for a reason. */
const MOST_AGAIN = 3;
const OPTIONS = ['--no-config', '--exit', '--timeout', '60000', '--reporter', 'test/reporter.cjs'];

interface Run {
  output: string;
  code: number;
}

/** @param live prints as it comes */
async function part(args: string[], live: boolean): Promise<Run> {
  // A quarter of starting a process is compiling what another one has compiled.
  const env = { NODE_COMPILE_CACHE: 'node_modules/.cache/compiled', ...process.env, TEST_PART: 'yes' };
  const child = spawn('mocha', args, { env, stdio: ['inherit', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (live) process.stdout.write(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { output, code: code ?? 1 };
}

type Counts = readonly [passed: number, failed: number, skipped: number];

/** A process that ended before it had counted has failed, whatever else was counted. */
function countsOf({ output }: Run): Counts {
  const [, passed, failed, skipped] = [...output.matchAll(COUNTED)].at(-1) ?? ['', '0', '1', '0'];
  return [Number(passed), Number(failed), Number(skipped)];
}

function sum(all: readonly Counts[]): Counts {
  const of = (index: 0 | 1 | 2): number => all.reduce((total, one) => total + one[index], 0);
  return [of(0), of(1), of(2)];
}

function closingLine([passed, failed, skipped]: Counts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

interface Failed {
  file: string;
  counts: Counts;
}

const failedIn = (runs: readonly Run[]): Failed[] =>
  runs
    .flatMap(({ output }) => [...output.matchAll(FAILED)])
    .map(([, passed, failed, skipped, file]) => ({
      file: String(file),
      counts: [Number(passed), Number(failed), Number(skipped)],
    }));

/** The runs' counts, with those of a few files that failed replaced by what they do alone. */
async function counted(runs: readonly Run[]): Promise<Counts> {
  const first = runs.map(countsOf);
  const failed = failedIn(runs);
  const isExplained = sum(failed.map(({ counts }) => counts))[1] === sum(first)[1];
  if (failed.length === 0 || failed.length > MOST_AGAIN || !isExplained) return sum(first);
  const files = failed.map(({ file }) => file);
  console.log(`Failed beside others, run again alone: ${files.join(', ')}`);
  const again = countsOf(await part([...OPTIONS, ...files], true));
  const minus = failed.map(({ counts: [passed, failures, skipped] }): Counts => [-passed, -failures, -skipped]);
  return sum([...first, ...minus, again]);
}

async function all(): Promise<number> {
  const files = globSync(ROOMS, { exclude: (name) => name === 'node_modules' }).sort();
  const partOf = (file: string): number => PARTS.findIndex((one) => one.test(file));
  const begin = (index: number): Promise<Run> =>
    part([...OPTIONS, ...files.filter((file) => partOf(file) === index)], index === 0);
  const running = PARTS.slice(0, -1).map((_, index) => begin(index));
  // What kills processes and waits for them goes last, with less beside it.
  const last = Promise.race(running).then(() => begin(PARTS.length - 1));
  const started = [...running, last];
  const runs: Run[] = [];
  for (const [index, one] of started.entries()) {
    const run = await one;
    if (index > 0) process.stdout.write(run.output);
    runs.push(run);
  }
  const counts = await counted(runs);
  console.log(closingLine(counts));
  // A process may also break after it has counted.
  const broken = runs.some((run) => run.code !== 0 && countsOf(run)[1] === 0);
  return broken || counts[1] > 0 ? 1 : 0;
}

async function mocha(args: readonly string[]): Promise<number> {
  const [code] = (await once(spawn('mocha', args, { stdio: 'inherit' }), 'close')) as [number | null];
  return code ?? 1;
}

const args = process.argv.slice(2);
// Mocha adds the files of its configuration, all of them, to those that are named.
const isOfFiles = args.some((one) => one.endsWith('.ts'));
process.exitCode = args.length === 0 ? await all() : await mocha(isOfFiles ? [...OPTIONS, ...args] : args);
