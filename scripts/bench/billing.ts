/**
 * `npm run bench -- billing FILE…`: takes a provider's files, as Synthea writes them, from their records to the reconciliation of what is
 * paid for their Claims, at provider, payer and bank; says how many pass, and why others do not. On a consortium of its own: all that is paid
 * on the day counts.
 */
import { dataDirectory, gatewayUrls } from '../command-line.ts';
import { Parties } from '../demo/parties.ts';
import { reconciled } from './billing/reconciled.ts';
import { reportOf } from './billing/report.ts';

/** Prints what became of the Claims of these files on the running consortium. @throws {UnreadableFile} */
export async function billing(files: readonly string[]): Promise<void> {
  const parties = new Parties({ dataDir: dataDirectory(), urls: gatewayUrls() });
  try {
    console.log(reportOf(await reconciled(parties, files)));
  } finally {
    parties.close();
  }
}
