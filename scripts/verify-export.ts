/**
 * `npm run verify -- FILE [ROOTS]`: checks an export or a receipt whole with the verifier that outsiders use. ROOTS is a file of
 * the consortium's roots (`npm run -s receipt:roots > roots.json`); without it they are those of the running consortium here.
 */
import { readFileSync } from 'node:fs';
import type { Roots } from '@telemed-ledger/verifier/check.ts';
import { reportOn } from '@telemed-ledger/verifier/report.ts';
import { presentRoots } from './receipt-roots.ts';

/** Prints what was found; answers the exit code: 1 where it does not hold. @throws Error where a file cannot be read */
export async function verifyFile(file: string, rootsFile: string | undefined): Promise<number> {
  const bytes = readFileSync(file);
  const roots = rootsFile === undefined ? await presentRoots() : (JSON.parse(readFileSync(rootsFile, 'utf8')) as Roots);
  const { holds, lines } = await reportOn(bytes, roots);
  for (const line of lines) console.log(line);
  return holds ? 0 : 1;
}
