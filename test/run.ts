/**
 * `npm test`: every suite, in four mocha processes, three side by side, because much of a run waits for clocks. Their outputs follow
 * each other, and one closing line counts all of them. With files it runs those, with
 * other arguments it is mocha as it is.
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
const OPTIONS = ['--no-config', '--exit', '--timeout', '60000', '--reporter', 'test/reporter.cjs'];

interface Run {
  output: string;
  code: number;
}

/** @param live prints as it comes */
async function part(args: string[], live: boolean): Promise<Run> {
  const env = { ...process.env, TEST_PART: 'yes' };
  const child = spawn('mocha', args, { env, stdio: ['inherit', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (live) process.stdout.write(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { output, code: code ?? 1 };
}

/** A process that ended before it had counted has failed, whatever else was counted. */
function closingLine(runs: readonly Run[]): string {
  const counts = runs.map(({ output }) => [...output.matchAll(COUNTED)].at(-1)?.slice(1) ?? ['0', '1', '0']);
  const [passed, failed, skipped] = [0, 1, 2].map((index) =>
    counts.reduce((sum, one) => sum + Number(one[index] ?? 0), 0),
  );
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
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
  console.log(closingLine(runs));
  return Math.max(...runs.map(({ code }) => code));
}

async function mocha(args: readonly string[]): Promise<number> {
  const [code] = (await once(spawn('mocha', args, { stdio: 'inherit' }), 'close')) as [number | null];
  return code ?? 1;
}

const args = process.argv.slice(2);
// Mocha adds the files of its configuration, all of them, to those that are named.
const isOfFiles = args.some((one) => one.endsWith('.ts'));
process.exitCode = args.length === 0 ? await all() : await mocha(isOfFiles ? [...OPTIONS, ...args] : args);
