/** For tests of the verifier in a browser: its page with a program that checks one file, in Chromium where there is one. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Roots } from '@telemed-ledger/verifier/check.ts';
import type { Report } from '@telemed-ledger/verifier/report.ts';
import { pageOf } from '../../../verifier/page/build.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const VERIFIER = join(import.meta.dirname, '../../../verifier/src/report.ts');
const run = promisify(execFile);

/** The program's name; undefined where there is none. */
export const chromium = (): string | undefined =>
  NAMES.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);

/** What the page says of these files, by their names, and how long each took it, milliseconds. */
export async function reportsInBrowser(
  browser: string,
  files: Readonly<Record<string, Uint8Array>>,
  roots: Roots,
): Promise<Record<string, Report & { ms: number }>> {
  const directory = mkdtempSync(join(tmpdir(), 'verifier-page-'));
  try {
    const texts = Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
    const entry = join(directory, 'entry.ts');
    writeFileSync(entry, programOf(texts, roots));
    writeFileSync(join(directory, 'page.html'), await pageOf(entry));
    const options = ['--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=60000', '--dump-dom'];
    const profile = `--user-data-dir=${join(directory, 'profile')}`;
    const page = `file://${join(directory, 'page.html')}`;
    const { stdout } = await run(browser, [...options, profile, page], {
      maxBuffer: 64 * 1024 * 1024,
      timeout: 60_000,
    });
    const [, out = ''] = /<pre id="out">([^<]*)<\/pre>/.exec(stdout) ?? [];
    return JSON.parse(Buffer.from(out, 'base64').toString('utf8'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const programOf = (files: string[][], roots: Roots): string => `
import { reportOn } from ${JSON.stringify(VERIFIER)};
const found = {};
for (const [name, text] of ${JSON.stringify(files)}) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const began = performance.now();
  found[name] = await reportOn(bytes, ${JSON.stringify(roots)});
  found[name].ms = performance.now() - began;
}
const bytes = new TextEncoder().encode(JSON.stringify(found));
document.getElementById('out').textContent = btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(''));
`;
