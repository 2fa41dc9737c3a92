/**
 * A client that asks for as much as it can, in a process of its own, so that what it costs here is not measured with the
 * client beside it: `node greedy-client.ts <base URL> <token> <kind> <milliseconds> <patient>`. Prints how often each
 * status was answered, as JSON.
 */
import { Agent, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { closedLoop } from './closed-loop.ts';
import { newObservation } from './observations.ts';

const MIB = 1024 * 1024;
const FHIR = '/fhir/R4';
const LARGE = Buffer.alloc(15 * MIB, 'x');

interface Ask {
  lanes: number;
  method: 'GET' | 'POST';
  path: string;
  body?: () => Buffer;
  headers?: Record<string, string>;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const once = (make: () => Buffer): (() => Buffer) => {
  let made: Buffer | undefined;
  return () => (made ??= make());
};

/** What a greedy client may do, by its name. */
export const KINDS: Record<string, (patient: string) => Ask> = {
  'bodies of 15 MB to a type that is not held, 40 lanes': () => ({
    ...{ lanes: 40, method: 'POST', path: `${FHIR}/Task`, body: () => LARGE },
  }),
  'bodies of 15 MB of empty objects, 40 lanes': () => ({
    ...{ lanes: 40, method: 'POST', path: `${FHIR}/Patient` },
    body: once(() => Buffer.from(`{"resourceType":"Patient","x":[${'{},'.repeat(5 * MIB - 20)}{}]}`)),
  }),
  'gzip that unpacks to 256 MB, 40 lanes': () => ({
    ...{ lanes: 40, method: 'POST', path: `${FHIR}/Patient`, headers: { 'content-encoding': 'gzip' } },
    body: once(() => gzipSync(Buffer.alloc(256 * MIB, 0x20))),
  }),
  'Bundles of 2,000 Observations, 8 lanes': (patient) => ({
    ...{ lanes: 8, method: 'POST', path: FHIR },
    body: once(() =>
      json({
        ...{ resourceType: 'Bundle', type: 'batch' },
        entry: Array.from({ length: 2_000 }, () => ({
          resource: newObservation(patient),
          request: { method: 'POST', url: 'Observation' },
        })),
      }),
    ),
  }),
  'batches of 2,000 searches, 20 lanes': () => ({
    ...{ lanes: 20, method: 'POST', path: FHIR, body: once(() => searches(2_000)) },
  }),
  'batches of 100 searches, 20 lanes': () => ({
    ...{ lanes: 20, method: 'POST', path: FHIR, body: once(() => searches(100)) },
  }),
  'creates, 400 lanes': (patient) => ({
    ...{ lanes: 400, method: 'POST', path: `${FHIR}/Observation`, body: () => json(newObservation(patient)) },
  }),
  'searches with _count=1000, 400 lanes': () => ({
    ...{ lanes: 400, method: 'GET', path: `${FHIR}/Observation?_count=1000` },
  }),
};

const searches = (count: number): Buffer =>
  json({
    ...{ resourceType: 'Bundle', type: 'batch' },
    entry: Array.from({ length: count }, () => ({ request: { method: 'GET', url: 'Observation?_count=50' } })),
  });

async function run(baseUrl: string, token: string, { lanes, method, path, body, headers }: Ask, ms: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const statuses: Record<string, number> = {};
  const send = () =>
    new Promise<void>((resolve) => {
      const settle = (status: string) => {
        statuses[status] = (statuses[status] ?? 0) + 1;
        resolve();
      };
      const bytes = body?.();
      const typed =
        bytes === undefined ? {} : { 'content-type': 'application/fhir+json', 'content-length': bytes.length };
      const sent = request(
        baseUrl + path,
        { agent, method, headers: { authorization: `Bearer ${token}`, ...typed, ...headers } },
        (response) => {
          response.resume();
          response.once('close', () => settle(String(response.statusCode)));
        },
      );
      sent.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? 'error'));
      sent.end(bytes);
    });
  await closedLoop(lanes, ms, send);
  agent.destroy();
  return statuses;
}

const [, script, baseUrl, token, kind, ms, patient] = process.argv;
if (script === import.meta.filename && baseUrl !== undefined && token !== undefined) {
  const ask = KINDS[kind ?? '']?.(patient ?? '');
  if (ask === undefined) throw new Error(`there is no ${kind}`);
  console.log(JSON.stringify(await run(baseUrl, token, ask, Number(ms))));
}
