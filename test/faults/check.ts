/**
 * Holds the history of a run against what the consortium holds at its end: nothing acknowledged is lost, doubled or
 * changed; nothing answered as not written is there; what was left open is resolved; no answer was false.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Sending } from '@telemed-ledger/scripts/http.ts';
import { type History, meaningOf, type Request } from './history.ts';
import { MARKS, measuredIn, type RecordWrite, type TrackedRecord } from './records.ts';
import type { StoryOutcome } from './stories.ts';

/** Asks a gateway at the end of a run; every answer is final. */
export interface Reader {
  organisations: readonly string[];
  /** As a system of the organisation; `operator` for what only operators may. */
  ask(organisation: string, sending: Sending, role?: 'system' | 'operator'): Promise<Answer>;
}

export interface Evidence {
  history: History;
  records: readonly TrackedRecord[];
  stories: readonly StoryOutcome[];
  /** The end that was acknowledged last, by the licence's number. */
  licences: ReadonlyMap<string, string>;
  reader: Reader;
  /** Sends a write again under its key. */
  resolve(write: RecordWrite, record: TrackedRecord): Promise<Answer | undefined>;
}

export interface Check {
  title: string;
  /** Each says what is wrong; none: passed. */
  problems: string[];
}

const CUSTODIAN = 'patients';
const AT_ONCE = 16;
const RESOLVE_MS = 60_000;
const RESOLVE_PAUSE_MS = 500;

export async function check(evidence: Evidence): Promise<Check[]> {
  const resolved = await resolveOpen(evidence);
  return [
    resolved,
    ...(await checkRecords(evidence)),
    checkAnswers(evidence.history),
    checkServerErrors(evidence.history),
    checkStories(evidence.stories),
    await checkCounts(evidence),
    await checkLicences(evidence),
    await checkReadModels(evidence.reader),
    await checkHeights(evidence.reader),
  ];
}

/** What a write says of itself in a problem. */
const named = ({ number, method, path, organisation }: Request): string =>
  `request ${number} (${method} ${path.split('?')[0]} at the ${organisation}'s gateway)`;

async function resolveOpen({ records, resolve }: Evidence): Promise<Check> {
  const problems: string[] = [];
  const open = new Map<Request, { record: TrackedRecord; write: RecordWrite }>();
  for (const record of records)
    for (const write of record.writes)
      if (meaningOf(write.request) === 'unknown') open.set(write.request, { record, write });
  await eachOf([...open.values()], async ({ record, write }) => {
    const deadline = Date.now() + RESOLVE_MS;
    while (meaningOf(write.request) !== 'done') {
      await resolve(write, record);
      const meaning = meaningOf(write.request);
      if (meaning === 'done') break;
      if (meaning === 'false' || meaning === 'broken' || Date.now() > deadline) {
        problems.push(`${named(write.request)} is not resolved: ${write.request.attempts.at(-1)?.reason}`);
        break;
      }
      await delay(RESOLVE_PAUSE_MS);
    }
  });
  return { title: `every outcome that was left open resolves under its Idempotency-Key (${open.size})`, problems };
}

interface Found {
  ids: string[];
  /** Values by version, in their order, of the one resource that was found. */
  values: (number | undefined)[];
}

async function checkRecords(evidence: Evidence): Promise<Check[]> {
  const { records } = evidence;
  const kept: string[] = [];
  const absent: string[] = [];
  const copied: string[] = [];
  await eachOf(records, async (record) => {
    const own = await foundAt(evidence.reader, record.party.organisation, record.mark);
    compare(record, own, kept, absent);
    const copy = await foundAt(evidence.reader, CUSTODIAN, record.mark);
    if (JSON.stringify(copy) !== JSON.stringify(own))
      copied.push(`${record.mark}: the custodian holds ${JSON.stringify(copy)}, its provider ${JSON.stringify(own)}`);
  });
  const writes = [...new Set(records.flatMap((record) => record.writes.map(({ request }) => request)))];
  const count = (meaning: string) => writes.filter((request) => meaningOf(request) === meaning).length;
  return [
    {
      title: `every acknowledged write is there, once, with its version and content (${count('done')})`,
      problems: kept,
    },
    { title: `what was answered as not written is nowhere (${count('nothing')})`, problems: absent },
    { title: `the custodian holds the same records (${records.length})`, problems: copied },
  ];
}

/** Looks for what must be there and is not, is there twice or otherwise, or must not be there. */
function compare(
  { mark, location, writes }: TrackedRecord,
  { ids, values }: Found,
  kept: string[],
  absent: string[],
): void {
  const done = writes.filter(({ request }) => meaningOf(request) === 'done');
  if (ids.length > 1) kept.push(`${mark} is there ${ids.length} times: ${ids.join(', ')}`);
  if (done.length > 0 && ids.length === 0) kept.push(`${mark} was acknowledged and is not there`);
  if (location !== undefined && ids.length === 1 && `Observation/${ids[0]}` !== location)
    kept.push(`${mark} was acknowledged as ${location} and is Observation/${ids[0]}`);
  const expected = done.map(({ value }) => value);
  const lost = expected.filter((value) => ids.length > 0 && !values.includes(value));
  if (lost.length > 0) kept.push(`${mark}: the values ${lost} were acknowledged; there are ${values}`);
  if (new Set(values).size < values.length) kept.push(`${mark}: a version is there twice: ${values}`);
  for (const { value, version, request } of done)
    if (version !== undefined && values[version - 1] !== value && !lost.includes(value))
      kept.push(`${mark}: ${named(request)} was acknowledged as version ${version}; the versions are ${values}`);
  for (const { value, request } of writes) {
    if (meaningOf(request) !== 'nothing' || !values.includes(value)) continue;
    absent.push(
      `${mark}: ${named(request)} was answered as not written (${request.attempts.at(-1)?.reason}) and is there`,
    );
  }
}

async function foundAt(reader: Reader, organisation: string, mark: string): Promise<Found> {
  const path = `/fhir/R4/Observation?identifier=${encodeURIComponent(`${MARKS}|${mark}`)}`;
  const ids = entriesOf(await reader.ask(organisation, { path })).map(({ id }) => String(id));
  if (ids.length !== 1) return { ids, values: [] };
  const versions = entriesOf(await reader.ask(organisation, { path: `/fhir/R4/Observation/${ids[0]}/_history` }));
  return { ids, values: versions.map(measuredIn).reverse() };
}

type Resource = Record<string, unknown> & { id?: string };

function entriesOf({ status, body }: Answer): Resource[] {
  if (status !== 200) throw new Error(`a read at the end of the run was answered ${status}`);
  return ((body as { entry?: { resource: Resource }[] }).entry ?? []).map(({ resource }) => resource);
}

/** 4xx: the load asks for nothing that is not there or not allowed. */
function checkAnswers({ requests }: History): Check {
  const judged = requests.filter(({ isJudged }) => isJudged);
  const problems = judged.flatMap((request) =>
    request.attempts
      .filter(({ meaning }) => meaning === 'false')
      .map(({ status, reason }) => `${named(request)} was answered ${status}: ${reason}`),
  );
  return { title: `no answer was false (${judged.length} requests)`, problems };
}

function checkServerErrors({ requests }: History): Check {
  const problems = requests.flatMap((request) =>
    request.attempts
      .filter(({ meaning }) => meaning === 'broken')
      .map(
        ({ status, reason }) =>
          `${named(request)} was answered ${status}${reason === '' ? ' without a reason' : `: ${reason}`}`,
      ),
  );
  return { title: 'no answer was a 5xx but 503 and 504 with a reason', problems };
}

function checkStories(stories: readonly StoryOutcome[]): Check {
  const broken = stories.filter(({ brokeAt }) => brokeAt !== undefined);
  return {
    title: `every story came to its end as told (${stories.length - broken.length})`,
    problems: broken.map(({ brokeAt, reason }) => `“${brokeAt}”: ${reason}`),
  };
}

/** Where things of the stories are counted, and the requests that made them. */
const COUNTED: { what: string; at: string; path: string; made: (request: Request) => boolean }[] = [
  { what: 'consents', at: CUSTODIAN, path: 'Consent', made: posted('/fhir/R4/Consent') },
  { what: 'coverages', at: 'payer', path: 'Coverage', made: posted('/fhir/R4/Coverage') },
  { what: 'claims', at: 'hospital', path: 'Claim', made: posted('/fhir/R4/Claim/$submit') },
  { what: 'payments', at: 'bank', path: 'PaymentReconciliation', made: posted('/$adjudicate') },
  { what: 'notices of payment', at: 'bank', path: 'PaymentNotice', made: posted('/$settle') },
];

function posted(end: string): (request: Request) => boolean {
  return ({ method, path }) => method === 'POST' && path.endsWith(end);
}

async function checkCounts({ history, reader }: Evidence): Promise<Check> {
  const problems: string[] = [];
  const expectCount = (what: string, at: string, found: number, made: Request[]): void => {
    const done = made.filter((request) => meaningOf(request) === 'done').length;
    if (found !== done) problems.push(`the ${at}'s gateway has ${found} ${what}; ${done} were acknowledged`);
  };
  for (const { what, at, path, made } of COUNTED) {
    const { body } = await reader.ask(at, { path: `/fhir/R4/${path}?_summary=count` });
    expectCount(what, at, (body as { total: number }).total, history.writes.filter(made));
  }
  expectCount(
    'access requests',
    'clinic',
    await countAccess(reader),
    history.writes.filter(posted('/access-requests')),
  );
  return { title: 'consents, access requests, claims and payments are there once each', problems };
}

/** Those that were asked for, of every page of the clinic's: a delivery goes on in further accesses, and is delivered anew in others. */
async function countAccess(reader: Reader): Promise<number> {
  let count = 0;
  for (let path: string | undefined = '/access-requests'; path !== undefined; ) {
    const page: { accessRequests: { renews?: string; continues?: string }[]; next?: string } = (
      await reader.ask('clinic', { path })
    ).body as never;
    count += page.accessRequests.filter(({ renews, continues }) => (renews ?? continues) === undefined).length;
    path = page.next;
  }
  return count;
}

async function checkLicences({ licences, reader }: Evidence): Promise<Check> {
  const problems: string[] = [];
  for (const [number, expected] of licences)
    for (const organisation of reader.organisations) {
      const { body } = await reader.ask(organisation, { path: `/licences/${number}` });
      const { end } = body as { end?: string };
      if (end !== expected)
        problems.push(`licence ${number} ends ${end} for ${organisation}; ${expected} was acknowledged`);
    }
  return { title: `every organisation has the licences as they were acknowledged (${licences.size})`, problems };
}

async function checkReadModels(reader: Reader): Promise<Check> {
  const problems: string[] = [];
  for (const organisation of reader.organisations) {
    const { status, body } = await reader.ask(organisation, { method: 'POST', path: '/verify' }, 'operator');
    const differences = (body as { differences?: object[] }).differences ?? [];
    if (status !== 200) problems.push(`the ${organisation}'s gateway answers the sweep with ${status}`);
    problems.push(...differences.map((difference) => `${organisation}: ${JSON.stringify(difference)}`));
  }
  return { title: 'every gateway holds what its peer holds', problems };
}

async function checkHeights(reader: Reader): Promise<Check> {
  const blocks = await Promise.all(
    reader.organisations.map(async (organisation) => {
      const { body } = await reader.ask(organisation, { path: '/readyz' });
      return `${organisation} ${(body as { block: number }).block}`;
    }),
  );
  const heights = new Set(blocks.map((block) => block.split(' ')[1]));
  const problems = heights.size === 1 ? [] : [blocks.join(', ')];
  return { title: `every gateway is at the same block (${[...heights].join(', ')})`, problems };
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
