/** A data directory is held by one process, and let go of whatever becomes of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { holdDataDirectory } from './data-directory.ts';

const MODULE = new URL('./data-directory.ts', import.meta.url).href;

describe('the data directory', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'data-directory-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is refused to a second consortium until the first lets go of it', () => {
    const letGo = holdDataDirectory(directory);
    expect(() => holdDataDirectory(directory)).to.throw(`another consortium is running on ${directory}`);
    letGo();
    holdDataDirectory(directory)();
  });

  it('is free again when the process that held it was killed', async () => {
    const program = `(await import('${MODULE}')).holdDataDirectory('${directory}'); console.log('held'); setInterval(() => {}, 1000)`;
    const holder: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', program]);
    try {
      await once(holder.stdout!, 'data');
      expect(() => holdDataDirectory(directory)).to.throw('another consortium is running');
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    holdDataDirectory(directory)();
  });

  it('is named where it cannot be one', () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    expect(() => holdDataDirectory(file)).to.throw(`${file} cannot be used as DATA_DIR`);
    expect(() => holdDataDirectory(join(file, 'below'))).to.throw('cannot be used as DATA_DIR');
  });
});
