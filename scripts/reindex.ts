/**
 * `npm run reindex [-- [--org x] [--network fabric]]`: throws the read models away and fills them again from block 0, then compares them with
 * the ledger. The consortium must be stopped: it is started for this on ports of the system's choosing, and stopped again.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dropIndex } from '@telemed-ledger/gateway-api/index/stores.ts';
import { organisationDirectory } from '@telemed-ledger/network/ca/organisations.ts';
import { dataDirectory, organisationNamed, organisations, runCommand, UsageError } from './command-line.ts';
import { holdDataDirectory } from './consortium/data-directory.ts';
import { gatewayDirectory, isNetworkKind } from './consortium/read-models.ts';
import { startConsortium } from './consortium.ts';
import { printOrganisation } from './verification/report.ts';
import { readModelFindings, readModelRow, sweep } from './verification/sweep.ts';

/** Some hundred records a second: a day's work is more than anybody should wait for here. */
const REBUILD_TIMEOUT_MS = 24 * 3_600_000;

await runCommand(async () => {
  const { values } = parseArgs({
    options: { org: { type: 'string' }, network: { type: 'string', default: 'embedded' } },
  });
  const { network } = values;
  if (!isNetworkKind(network)) throw new UsageError(`--network ${network}: embedded or fabric`);
  const chosen = values.org === undefined ? organisations() : [organisationNamed(values.org)];
  const dataDir = dataDirectory();
  const ledger = network === 'fabric' ? join('fabric', 'channel') : join('network', 'ledger');
  if (!existsSync(join(dataDir, ledger))) throw new Error(`${dataDir} holds no ledger`);
  const letGo = holdDataDirectory(dataDir);
  for (const { name } of chosen) dropIndex(gatewayDirectory(organisationDirectory(dataDir, name), network));
  letGo();
  const ports = Object.fromEntries(organisations().map(({ name }) => [name, 0]));
  const consortium = await startConsortium({
    dataDir,
    network,
    ports,
    consortiumFile: process.env['CONSORTIUM'] || undefined,
    readyTimeoutMs: REBUILD_TIMEOUT_MS,
  });
  let differences = 0;
  try {
    for (const { name } of chosen) {
      const report = await sweep({ dataDir, organisation: name, url: consortium.urls[name] ?? '' });
      printOrganisation(name, [readModelRow(report)], readModelFindings(name, report));
      differences += report.differences.length;
    }
  } finally {
    await consortium.close();
  }
  return differences === 0 ? 0 : 1;
});
