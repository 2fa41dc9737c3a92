/** pyx12 (BSD) and x12sdk (Apache-2.0), where Python has them: they know the implementation guides, and none of our code. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const CHECK = 'import sys; from pyx12.scripts.x12valid import main; sys.exit(main())';

const SDK = `
import sys
from x12sdk.io import X12ModelReader
with X12ModelReader(sys.argv[1]) as reader:
    print('READ', len(list(reader.models())))
`;

function demand(test: Mocha.Context, module: string): void {
  const hasIt = spawnSync('python3', ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;
  if (hasIt) return;
  test.test!.title += ` (skipped: python3 has no ${module})`;
  test.skip();
}

/** Skips the test, and says so, where there is no pyx12. */
export function expectValidX12(test: Mocha.Context, text: string): void {
  demand(test, 'pyx12');
  expect(isValidX12(text), 'pyx12 to find no fault').to.equal(true);
}

/** Whether pyx12 finds no fault. */
export const isValidX12 = (text: string): boolean => /\bOK$/m.test(outputOf(CHECK, text));

/** The guides of 005010 that pyx12 has not: 270, 271, 276, 277. Skips the test, and says so, where there is no x12sdk. */
export function expectReadable(test: Mocha.Context, text: string, sets = 1): void {
  demand(test, 'x12sdk');
  expect(outputOf(SDK, text)).to.match(new RegExp(`^READ ${sets}$`, 'm'));
}

const SYNTAX = `
import sys
from pyx12.x12file import X12Reader
reader = X12Reader(sys.argv[1])
faults = [fault for _ in reader for fault in reader.pop_errors()] + reader.pop_errors()
print('FAULTS', len(faults))
`;

/** Counts, control numbers and levels: of 278 neither has the guide of 005010. Skips the test, and says so, where there is no pyx12. */
export function expectReadableSyntax(test: Mocha.Context, text: string): void {
  demand(test, 'pyx12');
  expect(outputOf(SYNTAX, text)).to.match(/^FAULTS 0$/m);
}

function outputOf(program: string, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'telemed-x12-'));
  try {
    const file = join(directory, 'file.x12');
    writeFileSync(file, text);
    const { stdout, stderr } = spawnSync('python3', ['-c', program, file], { encoding: 'utf8' });
    return `${stdout}${stderr}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
