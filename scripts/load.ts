/**
 * `npm run load -- --org hospital FILE…`: sends FHIR R4 Bundles through an organisation's REST interface as its IT
 * system would. Running it again is safe: nothing is written twice.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataDirectory, gatewayUrl, organisationNamed, positive, runCommand, UsageError } from './command-line.ts';
import { renewedToken } from './credentials.ts';
import { HttpClient } from './http.ts';
import { LoadJournal } from './load/journal.ts';
import { Loader } from './load/loader.ts';
import { ProgressLine } from './load/progress.ts';

const USAGE = `Usage: npm run load -- --org ORGANISATION [--url URL] [--concurrency N] [--patience SECONDS] FILE…
FHIR R4 Bundles, JSON or gzip; the resources of a collection, document or searchset are created. Files of lines (.ndjson) are
resources that may refer to each other by their ids, in whichever of the files they are.
  --url           the gateway's base URL, by default the organisation's on this machine
  --concurrency   Bundles in flight (4)
  --patience      how long a Bundle is tried again while the gateway cannot take it (120)`;

/** A transaction within these stays all or nothing. What is cut is cut the same way in every run, so these are fixed. */
const LIMITS = { entries: 1000, bytes: 8 * 1024 * 1024 };
const INTERRUPTED = 130;

await runCommand(async () => {
  const { values, positionals: files } = parseArgs({
    allowPositionals: true,
    options: {
      org: { type: 'string' },
      url: { type: 'string' },
      concurrency: { type: 'string', default: '4' },
      patience: { type: 'string', default: '120' },
      help: { type: 'boolean' },
    },
  });
  if (values.help || files.length === 0) throw new UsageError(USAGE);
  const organisation = organisationNamed(values.org);
  const http = new HttpClient(values.url ?? gatewayUrl(organisation));
  const dataDir = dataDirectory();
  const stop = interruption();
  const since = await serverTime(http);
  const journal = await LoadJournal.open(join(dataDir, 'load', `${organisation.name}.jsonl`));
  const progress = new ProgressLine(process.stderr, () => ({ done: loader.tally.done, total: loader.total }));
  const token = renewedToken({ dataDir, organisation: organisation.name, role: 'system' });
  const loader = new Loader({
    http,
    token,
    patienceMs: positive('--patience', values.patience) * 1000,
    since,
    limits: LIMITS,
    concurrency: positive('--concurrency', values.concurrency),
    journal,
    signal: stop,
    onRetry: (why) => progress.note(`trying again: ${why}`),
  });
  const started = performance.now();
  await loader.load(files).finally(() => progress.stop());
  http.close();
  report(loader, performance.now() - started);
  if (stop.aborted) console.log('Interrupted: run the same command again to go on.');
  return stop.aborted ? INTERRUPTED : loader.complete ? 0 : 1;
});

/** Aborted by the first ctrl-C; the second one ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    process.stderr.write('\nFinishing what is in flight; ctrl-C again to leave it.\n');
    controller.abort();
  });
  return controller.signal;
}

/** The gateway's clock, whole seconds rounded down. @throws NoAnswer where nothing answers at all */
async function serverTime(http: HttpClient): Promise<number> {
  const { headers } = await http.send({ path: '/healthz' });
  return Date.parse(headers.date ?? '') || 0;
}

function report({ tally, unreadable, total }: Loader, elapsedMs: number): void {
  console.log(`\n${tally}\n`);
  for (const message of unreadable) console.log(`not loaded: ${message}`);
  for (const { file, type, reason, count } of tally.refused) {
    console.log(`not loaded: ${count} × ${type} of ${file}: ${reason}`);
  }
  const { loaded } = tally.total;
  const seconds = elapsedMs / 1000;
  const rate = Math.round(loaded / seconds).toLocaleString('en');
  console.log(`${loaded.toLocaleString('en')} resources loaded in ${seconds.toFixed(1)} s (${rate}/s)`);
  if (tally.done < total) console.log(`${total - tally.done} resources were not sent yet`);
}
