/**
 * `npm run verify [-- --org x]`: checks whole what each organisation holds, its peer's ledger against the blocks and its
 * read model against the ledger, prints a table for each organisation with every damage, its place and its remedy, and
 * ends with exit code 1 where there is any. It asks what runs, and reads the files of what does not.
 */
import { parseArgs } from 'node:util';
import type { Verification } from '@telemed-ledger/network/embedded/ledger/verification/verify.ts';
import {
  dataDirectory,
  definedConsortium,
  gatewayUrls,
  organisationNamed,
  organisations,
  runCommand,
} from './command-line.ts';
import { holdDataDirectory, isHeld } from './consortium/data-directory.ts';
import { networkInUse } from './consortium/read-models.ts';
import { startConsortium } from './consortium.ts';
import { onlyOf, verifyRunning, verifyStopped } from './verification/peer-ledger.ts';
import { type Finding, ledgerFindings, ledgerRows, printOrganisation, type Row } from './verification/report.ts';
import { readModelFindings, readModelRow, sweep } from './verification/sweep.ts';

/** What can be asked for each organisation; undefined where its gateway cannot be. */
interface Sources {
  ledgerOf(organisation: string): Promise<Verification | undefined>;
  gatewayOf(organisation: string): string | undefined;
}

async function printAll(names: string[], dataDir: string, { ledgerOf, gatewayOf }: Sources): Promise<number> {
  let damaged = 0;
  const ledgers = await Promise.all(names.map(ledgerOf));
  for (const [index, name] of names.entries()) {
    const rows: Row[] = [];
    const findings: Finding[] = [];
    const ledger = ledgers[index];
    if (ledger) {
      rows.push(...ledgerRows(name, ledger));
      findings.push(...ledgerFindings(name, ledger.damages));
    }
    const url = gatewayOf(name);
    if (url !== undefined) {
      const report = await sweep({ dataDir, organisation: name, url });
      rows.push(readModelRow(report));
      findings.push(...readModelFindings(name, report));
    }
    printOrganisation(name, rows, findings);
    damaged += findings.length;
  }
  console.log(damaged === 0 ? 'Everything is as anchored.' : 'Not everything is as anchored.');
  return damaged;
}

/** The network and the gateways are asked where they run. */
function askRunning(names: string[], dataDir: string): Promise<number> {
  const urls = gatewayUrls();
  const isEmbedded = networkInUse(dataDir) === 'embedded';
  return printAll(names, dataDir, {
    ledgerOf: async (name) => (isEmbedded ? verifyRunning(dataDir, name) : undefined),
    gatewayOf: (name) => urls[name] ?? '',
  });
}

/** Reads the store; where that is sound, starts the consortium on free ports to have the gateways compare their rows. */
async function readStopped(names: string[], dataDir: string): Promise<number> {
  const letGo = holdDataDirectory(dataDir);
  const verification = await verifyStopped(dataDir, definedConsortium()).finally(letGo);
  const ledgerOf = async (name: string): Promise<Verification> => onlyOf(name, verification);
  if (verification.damages.length > 0) {
    console.log('The read models are compared once the ledger is sound.\n');
    return printAll(names, dataDir, { ledgerOf, gatewayOf: () => undefined });
  }
  const ports = Object.fromEntries(organisations().map(({ name }) => [name, 0]));
  const consortiumFile = process.env['CONSORTIUM'] || undefined;
  const running = await startConsortium({ dataDir, ports, consortiumFile });
  try {
    return await printAll(names, dataDir, { ledgerOf, gatewayOf: (name) => running.urls[name] });
  } finally {
    await running.close();
  }
}

await runCommand(async () => {
  const { values } = parseArgs({ options: { org: { type: 'string' } } });
  const chosen = values.org === undefined ? organisations() : [organisationNamed(values.org)];
  const names = chosen.map(({ name }) => name);
  const dataDir = dataDirectory();
  const isStopped = networkInUse(dataDir) === 'embedded' && !isHeld(dataDir);
  const damaged = await (isStopped ? readStopped(names, dataDir) : askRunning(names, dataDir));
  return damaged === 0 ? 0 : 1;
});
