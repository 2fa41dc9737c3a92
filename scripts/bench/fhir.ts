/**
 * `npm run bench -- fhir [--resources 10000] [--seconds 60]`: what one gateway of the running consortium answers of FHIR a second, with audit and
 * consent as ever, once so many resources are there; and the mix of creates, reads, updates and searches of public benchmarks.
 */
import type { OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { dataDirectory, gatewayUrl } from '../command-line.ts';
import { renewedToken } from '../credentials.ts';
import { HttpClient } from '../http.ts';
import { table } from '../table.ts';
import { closedLoop, perSecond, quantile, type Round } from './closed-loop.ts';
import { Fhir } from './fhir/queries.ts';
import { processTree, residentBytes } from './processes.ts';

const LOADERS = 4;
const MIX_USERS = 300;
const CLIENTS = 8;
const MIB = 1024 * 1024;

/** What is measured, with how many callers, in the order of the figures that are aimed at. */
const MEASURED: readonly [name: string, callers: number, of: (fhir: Fhir) => () => Promise<void>][] = [
  ['read', 64, ({ read }) => read],
  ['search by patient and code', 64, ({ search }) => search],
  ['with _include of encounter and patient', 64, ({ include }) => include],
  ['chained by identifier and code', 64, ({ chained }) => chained],
  ['Patient/$everything', 8, ({ everything }) => everything],
  ['_count=20 of all Observations', 1, ({ page }) => page],
  ['read, one caller', 1, ({ read }) => read],
  ['search, one caller', 1, ({ search }) => search],
  [`CRUD mix, ${MIX_USERS} users`, MIX_USERS, ({ mixed }) => mixed],
];

export async function fhirBench(provider: OrganisationDefinition, resources: number, seconds: number): Promise<void> {
  const http = new HttpClient(gatewayUrl(provider));
  const credentials = { dataDir: dataDirectory(), organisation: provider.name, role: 'system', minutes: 60 } as const;
  const tokens = Array.from({ length: CLIENTS }, (_, index) =>
    renewedToken({ ...credentials, subject: `bench-${index}` }),
  );
  const fhir = new Fhir(http, tokens);
  try {
    const rows = [
      ['', 'callers', 'a second', 'p50 ms', 'p99 ms', 'errors'],
      rowOf('load, resources', LOADERS, await filled(fhir, resources)),
    ];
    const faults: string[] = [];
    const ms = (seconds * 1000) / MEASURED.length;
    for (const [name, callers, of] of MEASURED) {
      await closedLoop(callers, ms / 10, of(fhir));
      const round = await closedLoop(callers, ms, of(fhir));
      rows.push(rowOf(name, callers, round));
      if (round.firstError !== undefined) faults.push(`${name}: ${round.firstError}`);
    }
    console.log(table(rows));
    const memory = residentBytes(processTree(Number(new URL(http.baseUrl).port))) / MIB;
    console.log(`${fhir.loaded} resources; all processes of the consortium have ${memory.toFixed(0)} MB`);
    for (const fault of faults) console.log(fault);
  } finally {
    http.close();
  }
}

/** Loads until there are so many; a round of resources, not of people. */
async function filled(fhir: Fhir, resources: number): Promise<Round> {
  const started = performance.now();
  const round: Round = { operations: 0, errors: 0, elapsedMs: 0, latenciesMs: [] };
  const loader = async (): Promise<void> => {
    while (fhir.loaded < resources) {
      const asked = performance.now();
      await fhir.load();
      round.latenciesMs.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: LOADERS }, loader));
  return { ...round, operations: fhir.loaded, elapsedMs: performance.now() - started };
}

const rowOf = (name: string, callers: number, round: Round): string[] => [
  ...[name, String(callers), perSecond(round).toFixed(0)],
  ...[quantile(round.latenciesMs, 0.5).toFixed(1), quantile(round.latenciesMs, 0.99).toFixed(1), String(round.errors)],
];
