/**
 * `npm run bench -- greedy`: a modest client alone, and beside one that asks for as much as it can, in one way after the
 * other: what the modest one waits, what the greedy one is answered, what the gateway takes of memory, and for how long
 * nobody was served.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { dataDirectory, gatewayUrl } from '../command-line.ts';
import { bearerToken, renewedToken } from '../credentials.ts';
import { HttpClient } from '../http.ts';
import { table } from '../table.ts';
import { closedLoop, quantile, type Round } from './closed-loop.ts';
import { type Held, heldIn, heldLonger } from './gateway-metrics.ts';
import { KINDS } from './greedy-client.ts';
import { processTree, residentBytes } from './processes.ts';
import { Rest } from './rest.ts';

const CLIENT = join(import.meta.dirname, 'greedy-client.ts');
const MODEST_CALLERS = 2;
const SAMPLE_MS = 100;

interface Phase {
  name: string;
  creates: Round;
  reads: Round;
  statuses: Record<string, number>;
  megabytes: number;
  from: Held;
  to: Held;
}

/** Runs all of it against the organisation's gateway and prints the table. */
export async function greedy(provider: OrganisationDefinition, seconds: number): Promise<void> {
  const dataDir = dataDirectory();
  const http = new HttpClient(gatewayUrl(provider));
  const shared = { dataDir, organisation: provider.name, minutes: 60 } as const;
  const modest = renewedToken({ ...shared, role: 'system', subject: 'a modest client' });
  const operator = renewedToken({ ...shared, role: 'operator' });
  const token = await bearerToken({ ...shared, role: 'system', subject: 'a greedy client' });
  const metrics = async (): Promise<Held> => {
    const headers = { authorization: `Bearer ${await operator()}`, accept: 'text/plain' };
    return heldIn(String((await http.send({ path: '/metrics', headers })).body));
  };
  const rest = await Rest.open(http, modest);
  const pids = processTree(Number(new URL(http.baseUrl).port)).slice(0, 1);
  const ms = (seconds * 1000) / (Object.keys(KINDS).length + 1);
  await closedLoop(MODEST_CALLERS, 1_000, rest.create);
  const phases: Phase[] = [];
  try {
    for (const name of ['alone', ...Object.keys(KINDS)]) {
      const from = await metrics();
      const memory = sampled(() => residentBytes(pids));
      const statuses = name === 'alone' ? Promise.resolve({}) : beside(http.baseUrl, token, name, ms, rest.patientId);
      const creates = closedLoop(MODEST_CALLERS, ms, rest.create);
      const reads = await closedLoop(MODEST_CALLERS, ms, rest.read);
      phases.push({
        ...{ name, creates: await creates, reads, statuses: await statuses },
        ...{ megabytes: memory() / 1e6, from, to: await metrics() },
      });
    }
  } finally {
    http.close();
  }
  report(phases);
}

/** The largest of what is read now and then, when the answered function is called. */
function sampled(read: () => number): () => number {
  let most = read();
  const timer = setInterval(() => {
    most = Math.max(most, read());
  }, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return most;
  };
}

function beside(...[baseUrl, token, kind, ms, patient]: [string, string, string, number, string]) {
  const args = [CLIENT, baseUrl, token, kind, String(Math.round(ms)), patient];
  const client = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise<Record<string, number>>((resolve, reject) => {
    let text = '';
    client.stdout.on('data', (data) => {
      text += data;
    });
    client.once('error', reject);
    client.once('close', () => resolve(text === '' ? {} : (JSON.parse(text) as Record<string, number>)));
  });
}

function report(phases: readonly Phase[]): void {
  const ms = (values: readonly number[], share: number) => quantile(values, share).toFixed(0);
  const rows = phases.map(({ name, creates, reads, statuses, megabytes, from, to }) => [
    name,
    ...[creates, reads].flatMap((round) => [ms(round.latenciesMs, 0.5), ms(round.latenciesMs, 0.99)]),
    String(creates.errors + reads.errors),
    Object.entries(statuses)
      .map(([status, count]) => `${count} × ${status}`)
      .join(', '),
    megabytes.toFixed(0),
    ...[0.1, 0.25, 1].map((bound) => String(heldLonger(bound, from, to))),
  ]);
  const head = ['greedy client', 'create p50', 'p99', 'read p50', 'p99', 'errors', 'it was answered', 'MB'];
  console.log(table([[...head, '> 0.1 s', '> 0.25 s', '> 1 s'], ...rows]));
  console.log(
    `\nlatencies of the modest client (${MODEST_CALLERS} creating, ${MODEST_CALLERS} reading), ms; MB: the gateway's process at most;\n> 0.1 s …: how often the event loop was held for longer (gateway_event_loop_delay_seconds)`,
  );
  for (const error of new Set(phases.flatMap(({ creates, reads }) => [creates.firstError, reads.firstError]))) {
    if (error !== undefined) console.log(`error of the modest client: ${error}`);
  }
}
