/**
 * `npm run bench`: what the running consortium does per second, for 1, 16 and 64 callers, through REST and through the
 * bare SDK on the same network, in alternating rounds. Only on this machine: it writes made-up records.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { access } from './bench/access.ts';
import { accessLog } from './bench/access-log.ts';
import { billing } from './bench/billing.ts';
import { claims } from './bench/claims.ts';
import { median } from './bench/closed-loop.ts';
import { fhirBench } from './bench/fhir.ts';
import { fraud } from './bench/fraud.ts';
import { greedy } from './bench/greedy.ts';
import { linkability } from './bench/linkability.ts';
import { busyCores, cpuTimes, processTree, residentBytes, TICK_MS } from './bench/processes.ts';
import { readsWithLog } from './bench/reads.ts';
import { Rest } from './bench/rest.ts';
import { scale } from './bench/scale.ts';
import { openSdk } from './bench/sdk.ts';
import { lineOf, measure, type Operation, ratioOf, type Series } from './bench/series.ts';
import {
  dataDirectory,
  gatewayUrl,
  organisationNamed,
  organisations,
  positive,
  runCommand,
  UsageError,
} from './command-line.ts';
import { renewedToken } from './credentials.ts';
import { HttpClient } from './http.ts';
import { table } from './table.ts';

const CALLERS = [1, 16, 64];
const ROUNDS = 3;
const WARM_UP_MS = 3_000;
const USAGE = `usage: npm run bench [-- fhir | greedy | access | claims | billing FILE… | fraud FILE… | access-log | reads | linkability | scale] [--org x] [--seconds 60]
  [--seed 1] [--claims 200] [--rate 2] [--resources 10000] [--patients 200] [--points 6,6x114,6x414,12]`;
const REST = 'REST create, 1 KB';
const SDK = 'bare SDK, OpenSSL signer';
const DEFAULT_SDK = 'bare SDK, its own signer';

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    options: {
      org: { type: 'string', default: 'hospital' },
      seed: { type: 'string', default: '1' },
      claims: { type: 'string', default: '200' },
      rate: { type: 'string', default: '2' },
      seconds: { type: 'string', default: '60' },
      patients: { type: 'string', default: '200' },
      resources: { type: 'string', default: '10000' },
      points: { type: 'string', default: '6,6x114,6x414,12' },
    },
    allowPositionals: true,
  });
  const [kind, ...files] = positionals;
  if (kind === 'access') return access(positive('--seconds', values.seconds)).then(() => 0);
  if ((kind === 'fraud' || kind === 'billing') && files.length === 0) throw new UsageError(USAGE);
  if (kind === 'billing') return billing(files).then(() => 0);
  if (kind === 'fraud') {
    const [seed, claims, rate] = [values.seed, values.claims, values.rate].map((text, index) =>
      positive(['--seed', '--claims', '--rate'][index]!, text),
    ) as [number, number, number];
    return fraud({ files, seed, claims, rate }).then(() => 0);
  }
  if (kind === 'claims') {
    const [seconds, settled] = [positive('--seconds', values.seconds), positive('--claims', values.claims)];
    return claims({ seconds, claims: settled }).then(() => 0);
  }
  if (kind === 'access-log') return accessLog().then(() => 0);
  if (kind === 'reads') return readsWithLog(positive('--seconds', values.seconds)).then(() => 0);
  if (kind === 'scale') return scale(values.points, positive('--seconds', values.seconds)).then(() => 0);
  if (kind === 'linkability') return linkability(positive('--patients', values.patients)).then(() => 0);
  const provider = organisationNamed(values.org);
  const seconds = positive('--seconds', values.seconds);
  if (kind === 'fhir') return fhirBench(provider, positive('--resources', values.resources), seconds).then(() => 0);
  if (kind === 'greedy') return greedy(provider, seconds).then(() => 0);
  if (kind !== undefined) throw new UsageError(USAGE);
  const custodian = organisations().find(({ kind }) => kind === 'custodian');
  const dataDir = dataDirectory();
  const http = new HttpClient(gatewayUrl(provider));
  const token = renewedToken({ dataDir, organisation: provider.name, role: 'system', minutes: 60 });
  const rest = await Rest.open(http, token);
  const profile = join(dataDir, 'organisations', provider.name, 'connection.json');
  const sdk = openSdk(profile, rest.patientId, [provider.mspId, custodian?.mspId ?? '']);
  try {
    await run(rest, sdk, seconds, Number(new URL(http.baseUrl).port));
  } finally {
    sdk.close();
    http.close();
  }
  return 0;
});

async function run(rest: Rest, sdk: ReturnType<typeof openSdk>, seconds: number, port: number): Promise<void> {
  const operations: Operation[] = [
    { name: REST, run: rest.create, records: 1, weight: 3 },
    { name: SDK, run: sdk.create, records: 1, weight: 3 },
    { name: DEFAULT_SDK, run: sdk.createWithDefaultSigner, records: 1, weight: 3 },
    { name: 'REST read', run: rest.read, records: 1, weight: 1 },
    { name: 'REST Bundle of 50', run: rest.bundle, records: 50, weight: 2 },
  ];
  const weights = operations.reduce((sum, { weight }) => sum + weight, 0);
  const unitMs = (seconds * 1000) / (CALLERS.length * ROUNDS * weights);
  const pids = processTree(port);
  const note = (what: string) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${what}`);
  const cpuMs = () => {
    const { processes, self } = cpuTimes(pids);
    return pids.length === 0 ? Number.NaN : (processes + self) * TICK_MS;
  };
  let peak = residentBytes(pids);
  const onRound = (name: string) => {
    peak = Math.max(peak, residentBytes(pids));
    note(name);
  };
  const watch = { onRound, cpuMs };
  await measure(operations, 8, 1, WARM_UP_MS / weights, watch);
  const all: Series[] = [];
  const cores: ReturnType<typeof busyCores>[] = [];
  for (const callers of CALLERS) {
    const before = cpuTimes(pids);
    all.push(await measure(operations, callers, ROUNDS, unitMs, watch));
    cores.push(busyCores(before, cpuTimes(pids)));
  }
  note('');
  report(operations, all);
  if (pids.length === 0) return console.log('\nmemory and processor time: not known on this system');
  const megabytes = Math.round(Math.max(peak, residentBytes(pids)) / 1e6).toLocaleString('en');
  console.log(`\nmemory of the ${pids.length} processes, what they share counted once, at most: ${megabytes} MB`);
  for (const [index, { consortium, self, machine, of }] of cores.entries()) {
    const used = `consortium ${consortium.toFixed(2)}, this client ${self.toFixed(2)}, machine ${machine.toFixed(2)} of ${of}`;
    console.log(`cores busy with ${CALLERS[index]} callers: ${used}`);
  }
}

function report(operations: readonly Operation[], all: readonly Series[]): void {
  const milliseconds = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(1));
  const rows = all.flatMap(({ callers, rounds }) =>
    operations.map(({ name, records }) => {
      const { perSecond, p50, p99, errors, cpuMs } = lineOf(rounds.get(name) ?? []);
      const rates = [perSecond, perSecond * records].map((rate) => Math.round(rate).toLocaleString('en'));
      return [
        name,
        String(callers),
        ...rates,
        milliseconds(p50),
        milliseconds(p99),
        milliseconds(cpuMs),
        String(errors),
      ];
    }),
  );
  console.log(table([['operation', 'callers', 'per s', 'records/s', 'p50 ms', 'p99 ms', 'cpu ms', 'errors'], ...rows]));
  const ratios = all.map((series) => [
    `${series.callers}`,
    ratioOf(series, REST, SDK).toFixed(2),
    ratioOf(series, REST, DEFAULT_SDK).toFixed(2),
  ]);
  console.log(`\n${table([['callers', 'REST / SDK (OpenSSL signer)', 'REST / SDK (its own signer)'], ...ratios])}`);
  const failures = all
    .flatMap(({ rounds }) => [...rounds.values()].flat())
    .flatMap(({ firstError }) => firstError ?? []);
  for (const failure of new Set(failures)) console.log(`error: ${failure}`);
  const rounds = all.flatMap((series) => series.rounds.get(REST) ?? []);
  const length = median(rounds.map(({ elapsedMs }) => elapsedMs)) / 1000;
  console.log(
    `medians of ${ROUNDS} rounds in turn, those of creates ${length.toFixed(1)} s long; quantiles over all rounds;\ncpu: processor time per operation of the consortium and this client together`,
  );
}
