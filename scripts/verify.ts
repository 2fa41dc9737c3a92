/**
 * `npm run verify [-- --org x]`: checks whole what each organisation holds, its peer's ledger against the blocks and its
 * read model against the ledger, prints a table for each organisation with every damage, its place and its remedy, and
 * ends with exit code 1 where there is any. It asks what runs, and reads the files of what does not.
 */
import { parseArgs } from 'node:util';
import { preventsStart } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
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
import { onlyOf, verifyRunning, verifyStopped } from './verification/peer-ledger.ts';
import { ledgerFindings, ledgerRows, printOrganisation } from './verification/report.ts';
import { compareStopped } from './verification/stopped-read-models.ts';
import { readModelFindings, readModelRow, sweep } from './verification/sweep.ts';

type ReadModel = Parameters<typeof readModelRow>[0];

/** What was found of each organisation; a part that was not looked at is absent. */
interface Found {
  ledgers: Map<string, Verification>;
  readModels: Map<string, ReadModel>;
}

/** Answers the number of damages. */
function print(names: readonly string[], { ledgers, readModels }: Found): number {
  let damaged = 0;
  for (const name of names) {
    const [ledger, readModel] = [ledgers.get(name), readModels.get(name)];
    const rows = [...(ledger ? ledgerRows(name, ledger) : []), ...(readModel ? [readModelRow(readModel)] : [])];
    const findings = [
      ...(ledger ? ledgerFindings(name, ledger.damages) : []),
      ...(readModel ? readModelFindings(name, readModel) : []),
    ];
    printOrganisation(name, rows, findings);
    damaged += findings.length;
  }
  console.log(damaged === 0 ? 'Everything is as anchored.' : 'Not everything is as anchored.');
  return damaged;
}

/** The network and the gateways are asked where they run. */
async function askRunning(names: readonly string[], dataDir: string): Promise<Found> {
  const urls = gatewayUrls();
  const found: Found = { ledgers: new Map(), readModels: new Map() };
  if (networkInUse(dataDir) === 'embedded') {
    const asked = names.map(async (name) => found.ledgers.set(name, await verifyRunning(dataDir, name)));
    await Promise.all(asked);
  }
  for (const name of names) {
    found.readModels.set(name, await sweep({ dataDir, organisation: name, url: urls[name] ?? '' }));
  }
  return found;
}

/** Reads the store; where the network could start on it, the gateways compare their rows. */
async function readStopped(names: readonly string[], dataDir: string): Promise<Found> {
  const letGo = holdDataDirectory(dataDir);
  const verification = await verifyStopped(dataDir, definedConsortium()).finally(letGo);
  const ledgers = new Map(names.map((name) => [name, onlyOf(name, verification)]));
  if (!verification.damages.some(preventsStart)) {
    return { ledgers, readModels: await compareStopped(dataDir, 'embedded', names) };
  }
  console.log('The read models are compared once the ledger is sound.\n');
  return { ledgers, readModels: new Map() };
}

await runCommand(async () => {
  const { values } = parseArgs({ options: { org: { type: 'string' } } });
  const chosen = values.org === undefined ? organisations() : [organisationNamed(values.org)];
  const names = chosen.map(({ name }) => name);
  const dataDir = dataDirectory();
  const isStopped = networkInUse(dataDir) === 'embedded' && !isHeld(dataDir);
  const found = await (isStopped ? readStopped(names, dataDir) : askRunning(names, dataDir));
  return print(names, found) === 0 ? 0 : 1;
});
