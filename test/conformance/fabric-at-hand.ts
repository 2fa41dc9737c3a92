/** Whether the suite can and should run on real Fabric now. */
import { binaryProblems } from '@telemed-ledger/network/fabric/binaries.ts';

/** Why not, as one text to print; undefined where it can. */
export async function whyNoFabric(): Promise<string | undefined> {
  if (process.env['npm_lifecycle_event'] === 'test' || process.env['npm_lifecycle_event'] === 'check') {
    return 'real Fabric is started by npm run test:fabric';
  }
  const problems = await binaryProblems(process.env);
  return problems.length > 0 ? problems.join('; ') : undefined;
}

/** Skips what a hook begins, with the reason, where there is no Fabric. */
export async function skipWithoutFabric(hook: Mocha.Context): Promise<void> {
  const reason = await whyNoFabric();
  if (reason === undefined) return;
  console.log(`skipped: ${reason}`);
  hook.skip();
}
