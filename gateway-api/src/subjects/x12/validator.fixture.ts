/** pyx12 (BSD), where Python has it: it knows the implementation guides, and none of our code. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const CHECK = 'import sys; from pyx12.scripts.x12valid import main; sys.exit(main())';

/** Skips the test, and says so, where there is no pyx12. */
export function expectValidX12(test: Mocha.Context, text: string): void {
  const hasIt = spawnSync('python3', ['-c', 'import pyx12'], { stdio: 'ignore' }).status === 0;
  if (!hasIt) {
    test.test!.title += ' (skipped: python3 has no pyx12)';
    test.skip();
  }
  expect(isValidX12(text), 'pyx12 to find no fault').to.equal(true);
}

/** Whether pyx12 finds no fault. */
export function isValidX12(text: string): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'telemed-x12-'));
  try {
    const file = join(directory, 'file.x12');
    writeFileSync(file, text);
    const { stdout, stderr } = spawnSync('python3', ['-c', CHECK, file], { encoding: 'utf8' });
    return /\bOK$/m.test(`${stdout}${stderr}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
