/**
 * `npm run bench -- scale`: what one machine carries on native Fabric, with BFT ordering, as collections and organisations
 * grow: records a second and creates a second, and what a transaction costs by what it is made of.
 */
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { collectionConfigsOf } from '@telemed-ledger/network/collections.ts';
import { dataDirectory, definedConsortium, UsageError } from '../command-line.ts';
import { renewedToken } from '../credentials.ts';
import { HttpClient } from '../http.ts';
import { table } from '../table.ts';
import { closedLoop, median, perSecond, type Round } from './closed-loop.ts';
import { groupsIn } from './gateway-metrics.ts';
import { Rest } from './rest.ts';
import { costsOf, type Measured, predicted } from './scale/fit.ts';
import { onNetwork } from './scale/network.ts';
import { consortiumOf, type Setting } from './scale/setting.ts';
import { openSdk } from './sdk.ts';

const ROUNDS = 3;
const WARM_UP_MS = 3_000;
const BUNDLE = 100;
/** A sheet and its content; a later version of a record has a key of its own. */
const KEYS_OF_A_SHEET = 2;
const LARGE: Omit<Measured, 'milliseconds'> = { keys: 2, records: 1, collections: 14 + 3 * 54, organisations: 60 };

interface Load {
  name: string;
  callers: number;
  run: () => Promise<void>;
  records: number;
  /** Private keys of one operation beyond its sheet's. */
  keys: number;
  /** Through the gateway, which sends several operations in one transaction. */
  isGrouped: boolean;
}

interface Line {
  load: string;
  operations: number;
  records: number;
  errors: number;
  firstError: string | undefined;
  measured: Measured;
}

/** @param points such as `6x414` (six organisations, 414 collections) or `12` (as many collections as they need) */
export async function scale(points: string, seconds: number): Promise<void> {
  const base = definedConsortium();
  const lines: Line[] = [];
  for (const consortium of points.split(',').map((point) => consortiumOf(base, settingOf(point)))) {
    const directory = join(dataDirectory(), 'bench-scale');
    try {
      const found = await onNetwork(directory, consortium, () => measuredOn(consortium, directory, seconds));
      lines.push(...found);
      report(found);
    } catch (error) {
      const { organisations } = consortium;
      console.log(`${organisations.length} organisations could not be measured: ${(error as Error).message}`);
    }
  }
  reportCosts(lines);
}

function settingOf(point: string): Setting {
  const found = /^(\d{1,3})(?:x(\d{1,4}))?$/.exec(point);
  if (found === null) throw new UsageError(`--points ${point}: such as 6x414, or 12`);
  const organisations = Number(found[1]);
  return found[2] === undefined ? { organisations } : { organisations, collections: Number(found[2]) };
}

async function measuredOn(consortium: ConsortiumDefinition, dataDir: string, seconds: number): Promise<Line[]> {
  const provider = consortium.organisations.find(({ kind }) => kind === 'provider')!;
  const custodian = consortium.organisations.find(({ kind }) => kind === 'custodian')!;
  const http = new HttpClient(`http://127.0.0.1:${provider.gatewayPort}`);
  const shared = { dataDir, organisation: provider.name, minutes: 60 } as const;
  const operator = renewedToken({ ...shared, role: 'operator' });
  const rest = await Rest.open(http, renewedToken({ ...shared, role: 'system' }));
  const profile = join(dataDir, 'organisations', provider.name, 'connection.json');
  const sdk = openSdk(profile, rest.patientId, [provider.mspId, custodian.mspId]);
  const sent = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${await operator()}`, accept: 'text/plain' };
    return groupsIn(String((await http.send({ path: '/metrics', headers })).body));
  };
  try {
    return await measured(loadsOf(rest, sdk), seconds, sent, consortium);
  } finally {
    sdk.close();
    http.close();
  }
}

const loadsOf = (rest: Rest, sdk: ReturnType<typeof openSdk>): Load[] => [
  { name: 'bare SDK create', callers: 64, run: sdk.create, records: 1, keys: 0, isGrouped: false },
  { name: 'REST create', callers: 64, run: rest.create, records: 1, keys: 0, isGrouped: true },
  {
    ...{ name: `REST Bundle of ${BUNDLE}`, callers: 16, run: () => rest.bundleOf(BUNDLE) },
    ...{ records: BUNDLE, keys: 0, isGrouped: true },
  },
  {
    ...{ name: `REST Bundle of ${BUNDLE} updates`, callers: 16, run: () => rest.updateOfBundle() },
    ...{ records: BUNDLE, keys: BUNDLE, isGrouped: true },
  },
];

interface Counted extends Round {
  transactions: number;
}

async function measured(
  loads: readonly Load[],
  seconds: number,
  sent: () => Promise<number>,
  consortium: ConsortiumDefinition,
): Promise<Line[]> {
  const rounds = new Map<string, Counted[]>(loads.map(({ name }) => [name, []]));
  const milliseconds = (seconds * 1000) / (ROUNDS * loads.length);
  for (const { callers, run } of loads) await closedLoop(callers, WARM_UP_MS / loads.length, run);
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const { name, callers, run, isGrouped } of turn % 2 === 0 ? loads : [...loads].reverse()) {
      const before = await sent();
      const round = await closedLoop(callers, milliseconds, run);
      const transactions = isGrouped ? (await sent()) - before : round.operations;
      rounds.get(name)!.push({ ...round, transactions });
    }
  }
  return loads.map((load) => lineOf(load, rounds.get(load.name)!, consortium));
}

function lineOf({ name, records, keys }: Load, rounds: readonly Counted[], consortium: ConsortiumDefinition): Line {
  const operations = median(rounds.map(perSecond));
  const sum = (of: (round: Counted) => number): number => rounds.reduce((total, round) => total + of(round), 0);
  const perTransaction =
    sum((round) => round.operations) /
    Math.max(
      1,
      sum(({ transactions }) => transactions),
    );
  return {
    ...{ load: name, operations, records: operations * records, errors: sum(({ errors }) => errors) },
    firstError: rounds.find(({ firstError }) => firstError !== undefined)?.firstError,
    measured: {
      milliseconds: (1000 * perTransaction) / operations,
      keys: KEYS_OF_A_SHEET + keys * perTransaction,
      records: records * perTransaction,
      collections: collectionConfigsOf(consortium).length,
      organisations: consortium.organisations.length,
    },
  };
}

const HEAD = ['organisations', 'collections', 'load', 'per s', 'records/s', 'records/transaction', 'errors'];

function report(lines: readonly Line[]): void {
  const rows = lines.map(({ load, operations, records, errors, measured }) => [
    ...[String(measured.organisations), String(measured.collections), load, operations.toFixed(1)],
    ...[records.toFixed(0), measured.records.toFixed(1), String(errors)],
  ]);
  console.log(table([HEAD, ...rows]));
  for (const error of new Set(lines.map(({ firstError }) => firstError)))
    if (error !== undefined) console.log(`error: ${error}`);
}

/** Where there are too few measurements for it, only the tables are printed. */
function reportCosts(lines: readonly Line[]): void {
  const measurements = lines.filter(({ operations }) => operations > 0).map(({ measured }) => measured);
  const varies = (of: (one: Measured) => number) => new Set(measurements.map(of)).size > 1;
  if (!varies(({ collections }) => collections) || !varies(({ organisations }) => organisations)) return;
  const costs = costsOf(measurements);
  console.log('\nmilliseconds of this machine for each');
  console.log(table(Object.entries(costs).map(([name, cost]) => [name, cost.toPrecision(2)])));
  const errors = measurements.map((one) => Math.abs(predicted(costs, one) / one.milliseconds - 1));
  console.log(`\nthe median measurement is ${(100 * median(errors)).toFixed(0)} % off what these add up to`);
  const large = 1000 / predicted(costs, LARGE);
  console.log(`sixty organisations on this one machine by these costs: ${large.toFixed(1)} transactions a second`);
}
