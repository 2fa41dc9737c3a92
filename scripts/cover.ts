/**
 * `npm run cover -- --org payer --provider hospital FILE…`: registers the Coverages that stand in a payer's files (FHIR R4 Bundles, or resources one a
 * line) with the providers that may bill them, says of each what it did to it and what is missing, and counts by reason. Running it again is
 * safe: each Coverage has a key of its own.
 */
import { parseArgs } from 'node:util';
import { type Billed, registeredAs } from './billing/claims.ts';
import { preparedCoverages } from './billing/coverages.ts';
import { linesOf, reportOf } from './billing/report.ts';
import { dataDirectory, gatewayUrl, organisationNamed, positive, runCommand, UsageError } from './command-line.ts';
import { renewedToken } from './credentials.ts';
import { HttpClient } from './http.ts';
import { readBundle } from './load/bundle.ts';

const USAGE = `Usage: npm run cover -- --org PAYER --provider PROVIDER… [--gateway URL] [--concurrency N] [--verbose] FILE…
Registers the Coverages in FHIR R4 Bundles (JSON or gzip) or lines (.ndjson), with the Patients that they are about.
  --provider      who may bill them, where a Coverage does not say it; may be given more than once
  --gateway       the gateway's base URL, by default the payer's on this machine
  --concurrency   Coverages in flight (4)
  --verbose       a line for each Coverage, not only counts`;

await runCommand(async () => {
  const { values, positionals: files } = parseArgs({
    allowPositionals: true,
    options: {
      org: { type: 'string', default: 'payer' },
      provider: { type: 'string', multiple: true, default: [] },
      gateway: { type: 'string' },
      concurrency: { type: 'string', default: '4' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help || files.length === 0 || values.provider.length === 0) throw new UsageError(USAGE);
  const { name } = organisationNamed(values.org);
  for (const provider of values.provider) organisationNamed(provider);
  const http = new HttpClient(values.gateway ?? gatewayUrl(organisationNamed(values.org)));
  const token = renewedToken({ dataDir: dataDirectory(), organisation: name, role: 'system' });
  const atOnce = positive('--concurrency', values.concurrency);
  const all: Billed[] = [];
  for (const file of files) {
    const { bundle, hash } = await readBundle([file]);
    const coverages = preparedCoverages(bundle.entry, { payer: name, providers: values.provider });
    const registered = await registeredAs(coverages, { http, token, key: `cover/${hash}`, atOnce });
    all.push(...registered);
    if (values.verbose) linesOf(file, registered);
  }
  http.close();
  reportOf('Coverages', all);
  return all.some(({ outcome }) => outcome === 'not sent') ? 1 : 0;
});
