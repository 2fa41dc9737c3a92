/**
 * `npm run bill -- --org hospital FILE…`: bills the Claims that stand in a provider's files (FHIR R4 Bundles, as Synthea and other
 * systems write them) through its gateway, says of each what it did to it and what is missing, and counts by reason. Running it
 * again is safe: each Claim has a key of its own.
 */
import { parseArgs } from 'node:util';
import { type Billed, billedAs } from './billing/claims.ts';
import { preparedClaims } from './billing/prepared.ts';
import { linesOf, reportOf } from './billing/report.ts';
import { dataDirectory, gatewayUrl, organisationNamed, positive, runCommand, UsageError } from './command-line.ts';
import { renewedToken } from './credentials.ts';
import { HttpClient } from './http.ts';
import { readBundle } from './load/bundle.ts';

const USAGE = `Usage: npm run bill -- --org ORGANISATION [--gateway URL] [--concurrency N] [--verbose] [--files] FILE…
Bills the Claims in FHIR R4 Bundles (JSON or gzip) whose records have been loaded (npm run load).
  --gateway       the gateway's base URL, by default the organisation's on this machine
  --concurrency   Claims in flight (4)
  --verbose       a line for each Claim, not only counts`;

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      org: { type: 'string', default: 'hospital' },
      gateway: { type: 'string' },
      files: { type: 'string', multiple: true, default: [] },
      concurrency: { type: 'string', default: '4' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  const files = [...values.files, ...positionals];
  if (values.help || files.length === 0) throw new UsageError(USAGE);
  const organisation = organisationNamed(values.org);
  const http = new HttpClient(values.gateway ?? gatewayUrl(organisation));
  const token = renewedToken({ dataDir: dataDirectory(), organisation: organisation.name, role: 'system' });
  const all: Billed[] = [];
  for (const file of files) {
    const { bundle, hash } = await readBundle([file]);
    const claims = preparedClaims(bundle.entry);
    const billed = await billedAs(claims, {
      http,
      token,
      key: hash,
      atOnce: positive('--concurrency', values.concurrency),
    });
    all.push(...billed);
    if (values.verbose) linesOf(file, billed);
  }
  http.close();
  reportOf('Claims', all);
  return all.some(({ outcome }) => outcome === 'not sent') ? 1 : 0;
});
