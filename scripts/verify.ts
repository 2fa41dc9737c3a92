/**
 * `npm run verify [-- --org x]`: has every running gateway compare all it stores with the ledger, prints what differs
 * and ends with exit code 1 when anything does.
 */
import { parseArgs } from 'node:util';
import { dataDirectory, gatewayUrls, organisationNamed, organisations, runCommand } from './command-line.ts';
import { printReport, sweep } from './verification/sweep.ts';

await runCommand(async () => {
  const { values } = parseArgs({ options: { org: { type: 'string' } } });
  const chosen = values.org === undefined ? organisations() : [organisationNamed(values.org)];
  const urls = gatewayUrls();
  let differences = 0;
  for (const { name } of chosen) {
    const report = await sweep({ dataDir: dataDirectory(), organisation: name, url: urls[name] ?? '' });
    printReport(name, report);
    differences += report.differences.length;
  }
  return differences === 0 ? 0 : 1;
});
