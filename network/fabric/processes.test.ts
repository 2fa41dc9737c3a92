import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { endOf, untilProcess } from './health.ts';
import { type Layout, layoutOf } from './layout.ts';
import { CONTAINERS } from './place.ts';
import {
  lastLines,
  recorded,
  renameProcess,
  runningPid,
  runningPurpose,
  startProcess,
  stopProcess,
} from './processes.ts';

const IDLE = ['-e', 'console.log("one\\ntwo\\nthree"); setInterval(() => {}, 1000)'];

describe('A process of the network', () => {
  before(function () {
    if (existsSync('/proc/self/stat')) return;
    console.log('skipped: processes are told apart by /proc, which this system does not have');
    this.skip();
  });

  let directory: string;
  let layout: Layout;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'processes-'));
    layout = layoutOf(directory, loadConsortium(), 'bft');
    writeFileSync(join(directory, 'marker'), '');
  });
  afterEach(async () => {
    for (const name of recorded(layout)) await stopProcess(layout, name);
    rmSync(directory, { recursive: true });
  });

  const start = (name: string, purpose = '', args: string[] = IDLE) =>
    startProcess(layout, { name, command: process.execPath, args, environment: {}, purpose });
  const recordFile = (name: string) => join(layout.runDirectory, `${name}.json`);
  /** Whether it runs; an ended child of this process is still there until it has been collected. */
  const isAlive = (pid: number): boolean => {
    try {
      return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };

  it('runs once for one purpose, and anew for another', async () => {
    expect(await start('a', 'x')).to.equal(true);
    const first = runningPid(layout, 'a')!;
    expect(await start('a', 'x')).to.equal(false);
    expect(runningPid(layout, 'a')).to.equal(first);
    expect(await start('a', 'y')).to.equal(true);
    expect(runningPid(layout, 'a')).not.to.equal(first);
    expect(isAlive(first)).to.equal(false);
  });

  it('takes the place of another under its name, and goes on in its log', async () => {
    await start('a', 'x');
    const spec = { name: 'a.next', command: process.execPath, args: IDLE, environment: {}, purpose: 'y', log: 'a' };
    await startProcess(layout, spec);
    const next = runningPid(layout, 'a.next')!;
    await untilProcess(layout, 'a.next', 'heard', async () => lastLines(layout, 'a.next', 1, true) === 'three');
    await stopProcess(layout, 'a');
    renameProcess(layout, 'a.next', 'a');
    expect([runningPid(layout, 'a'), runningPurpose(layout, 'a')]).to.deep.equal([next, 'y']);
    expect([recorded(layout), lastLines(layout, 'a', 1, true)]).to.deep.equal([['a'], 'three']);
    expect(await start('a', 'y')).to.equal(false);
  });

  it('is ended and forgotten', async () => {
    await start('a');
    const pid = runningPid(layout, 'a')!;
    expect(isAlive(pid)).to.equal(true);
    expect(await stopProcess(layout, 'a')).to.equal(true);
    expect(isAlive(pid)).to.equal(false);
    expect([runningPid(layout, 'a'), recorded(layout)]).to.deep.equal([undefined, []]);
  });

  it('is left alone when its number now belongs to something else', async () => {
    await start('a');
    const pid = runningPid(layout, 'a')!;
    const record = readFileSync(recordFile('a'), 'utf8');
    for (const change of [{ token: 'another' }, { argv: ['another', 'program'] }]) {
      writeFileSync(recordFile('a'), JSON.stringify({ ...JSON.parse(record), ...change }));
      expect(runningPid(layout, 'a')).to.equal(undefined);
      expect(await stopProcess(layout, 'a')).to.equal(false);
      expect(isAlive(pid)).to.equal(true);
    }
    writeFileSync(recordFile('a'), record);
  });

  it('is found again when whoever started it was killed before writing its number down', async () => {
    await start('a');
    const pid = runningPid(layout, 'a')!;
    const { pid: _, ...record } = JSON.parse(readFileSync(recordFile('a'), 'utf8'));
    writeFileSync(recordFile('a'), JSON.stringify(record));
    expect(runningPid(layout, 'a')).to.equal(pid);
    expect(await start('a')).to.equal(false);
    await stopProcess(layout, 'a');
    expect(isAlive(pid)).to.equal(false);
  });

  it('leaves its last words where somebody waited for it', async () => {
    await start('a', '', ['-e', 'console.log("all is well"); console.log("ERRO the disk is full"); process.exit(3)']);
    const outcome = await untilProcess(layout, 'a', 'healthy', async () => false).catch(
      (error: Error) => error.message,
    );
    expect(outcome).to.match(/^a ended before healthy:\n {2}ERRO the disk is full\n {2}\(see .*a\.log\)$/);
  });

  it('says what it crashed with in this run, where it did', async () => {
    const crash = ['-e', 'console.error("panic: no block\\n\\ngoroutine 1 [running]:"); process.exit(2)'];
    const ended = async (): Promise<boolean> => runningPid(layout, 'a') === undefined;
    const untilEnded = async (): Promise<void> => {
      while (!(await ended())) await new Promise((next) => setTimeout(next, 10));
    };
    await start('a', '', crash);
    await untilEnded();
    expect(endOf(layout, 'a')).to.equal('a has ended by itself; it said: panic: no block');
    await start('a', '', ['-e', 'process.kill(process.pid, "SIGKILL")']);
    await untilEnded();
    expect(endOf(layout, 'a')).to.equal('a has ended by itself; it did not say why');
    await start('a');
    expect(endOf(layout, 'a')).to.equal(undefined);
    await stopProcess(layout, 'a');
    expect(endOf(layout, 'a')).to.equal(undefined);
  });

  it('is waited for in containers too, where only the reason that it does not answer can be told', async () => {
    const contained = layoutOf(directory, loadConsortium(), 'bft', CONTAINERS);
    const refused = async () => Promise.reject(new Error('connect ECONNREFUSED'));
    const outcome = await untilProcess(contained, 'peer-bank', 'healthy', refused, 100).catch(
      (error: Error) => error.message,
    );
    expect(outcome).to.equal(
      'peer-bank: not healthy after 0.1 s (connect ECONNREFUSED); see docker compose logs peer-bank',
    );
  });

  it('writes to a log whose end can be read', async () => {
    await start('a');
    await untilProcess(layout, 'a', 'speaking', async () => lastLines(layout, 'a', 3) === 'one\ntwo\nthree');
    expect(lastLines(layout, 'a', 2)).to.equal('two\nthree');
    expect(lastLines(layout, 'another', 2)).to.equal('');
  });

  it('cannot be started without its program', async () => {
    const spec = { name: 'a', command: join(directory, 'nothing'), args: [], environment: {} };
    const outcome = await startProcess(layout, spec).catch((error: Error) => error.message);
    expect(outcome).to.match(/^a could not be started: .*ENOENT/);
  });
});
