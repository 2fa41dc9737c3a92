/** `node main.ts FILE ROOTS`: checks a receipt or an export, and says what it proves and what it does not. Exit code 1: it does not hold. */
import { readFileSync } from 'node:fs';
import type { Roots } from './check.ts';
import { reportOn } from './report.ts';

const [file, rootsFile] = process.argv.slice(2);
if (file === undefined || rootsFile === undefined) {
  console.error(
    "usage: npm run -s verify:receipt -- FILE ROOTS\n  FILE   a receipt or an export\n  ROOTS  the consortium's roots, JSON",
  );
  process.exit(2);
}
const roots = JSON.parse(readFileSync(rootsFile, 'utf8')) as Roots;
const { holds, lines } = await reportOn(readFileSync(file), roots);
for (const line of lines) (holds ? console.log : console.error)(line);
process.exitCode = holds ? 0 : 1;
