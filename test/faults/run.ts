/** One run: the load, the faults of a schedule one after the other, and the check of everything at the end. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Check } from './check.ts';
import { check } from './check.ts';
import { History } from './history.ts';
import { setLicences } from './licences.ts';
import type { FaultyNetwork } from './network.ts';
import { RecordedParties } from './parties.ts';
import { random, seedOf } from './random.ts';
import { type TrackedRecord, writeRecords } from './records.ts';
import type { Carried } from './report.ts';
import { described, type Fault } from './schedule.ts';
import { type StoryOutcome, tellStories } from './stories.ts';

export interface RunOptions {
  network: FaultyNetwork;
  seed: number;
  faults: readonly Fault[];
  /** How many clients write records, and how many tell stories. */
  clients: { records: number; stories: number };
  directory: string;
  /** Told of each fault as it is over. */
  report?: (line: string) => void;
}

export interface RunOutcome {
  history: History;
  carried: Carried[];
  checks: Check[];
}

const WARM_UP_SUCCESSES = 10;
const ANSWER_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
const SETTLE_TIMEOUT_MS = 60_000;
const PROVIDERS = ['hospital', 'clinic'] as const;

export async function run(options: RunOptions): Promise<RunOutcome> {
  const { network, seed, clients, directory } = options;
  const history = new History(join(directory, 'history.jsonl'));
  const parties = new RecordedParties(network.reach, history);
  const over = new AbortController();
  const records: TrackedRecord[] = [];
  const stories: StoryOutcome[] = [];
  const licences = new Map<string, string>();
  const custodian = parties.of('patients', 'system');
  const regulator = parties.of('regulator', 'system');
  const stopped: string[] = [];
  const watch = (work: Promise<void>): Promise<void> => work.catch((error: Error) => void stopped.push(error.message));
  const load = [
    ...Array.from({ length: clients.records }, (_, index) => {
      const name = `${seed}-${index + 1}`;
      const party = parties.of(PROVIDERS[index % PROVIDERS.length]!, 'system');
      return watch(
        writeRecords({ party, custodian, draw: random(seedOf(seed, name)), name, over: over.signal, records }),
      );
    }),
    watch(setLicences({ regulator, draw: random(seedOf(seed, 'licences')), over: over.signal, licences })),
    ...Array.from({ length: clients.stories }, () => watch(tellStories(parties, over.signal, stories))),
  ];
  const silences: string[] = [];
  const carried: Carried[] = [];
  try {
    await untilSuccesses(history, WARM_UP_SUCCESSES);
    for (const fault of options.faults) carried.push(await carryOut(options, history, fault, silences));
  } finally {
    over.abort();
  }
  await Promise.all(load);
  await untilSettled(parties, Object.keys(network.reach.urls));
  const checks = await check({
    history,
    records,
    stories,
    licences,
    reader: {
      organisations: Object.keys(network.reach.urls),
      ask: (organisation, sending, role = 'system') => parties.of(organisation, role).send(sending),
    },
    resolve: ({ request, sending }, { party }) => party.attempt(request, sending),
  });
  const title = `good answers came again within ${ANSWER_TIMEOUT_MS / 1000} s of every fault (${carried.length})`;
  checks.push({ title, problems: silences });
  checks.push({ title: 'every request was answered for good', problems: stopped });
  checks.push(...(await checkNodes(options)));
  parties.close();
  await history.close();
  return { history, carried, checks };
}

/** A node that stays behind after a fault is for the operator's command to mend, and that must succeed. */
async function checkNodes({ network, report = () => {} }: RunOptions): Promise<Check[]> {
  if (network.behind === undefined) return [];
  const stayed = await network.behind();
  if (stayed.length === 0) return [{ title: 'every orderer and peer has what the others have', problems: [] }];
  for (const line of stayed) report(line);
  report((await network.mend?.()) ?? '');
  const title = `every orderer and peer has what the others have, after npm run network -- up (${stayed.length} stayed behind)`;
  return [{ title, problems: await network.behind() }];
}

/** Strikes, holds, heals, and waits until a write succeeds again. */
async function carryOut(
  { network, report = () => {} }: RunOptions,
  history: History,
  fault: Fault,
  silences: string[],
): Promise<Carried> {
  const at = Date.now();
  const text = described(fault);
  for (const { action, part } of fault.strikes)
    network.signal(part, action === 'kill' ? 'SIGKILL' : action === 'pause' ? 'SIGSTOP' : 'SIGTERM');
  await delay(fault.holdMs);
  for (const { action, part } of fault.strikes) if (action === 'pause') network.signal(part, 'SIGCONT');
  for (const { action, part } of fault.strikes) if (action === 'restart') await network.ended(part);
  await network.restore();
  const answeredAt = await answerAfter(history, Date.now());
  if (answeredAt === undefined) silences.push(`none after: ${text}`);
  report(`${text}: good answers ${(((answeredAt ?? Date.now()) - at) / 1000).toFixed(1)} s after it began`);
  await delay(fault.restMs);
  return { fault, at, answeredAt: answeredAt ?? Date.now() };
}

/** When the first write that began after `from` had succeeded. */
async function answerAfter(history: History, from: number): Promise<number | undefined> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  const first = history.requests.length;
  while (Date.now() < deadline) {
    for (const { key, attempts } of history.requests.slice(first))
      for (const { at, ms, meaning } of attempts)
        if (key !== undefined && at >= from && meaning === 'done') return at + ms;
    await delay(POLL_MS);
  }
  return undefined;
}

async function untilSuccesses(history: History, count: number): Promise<void> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  while (history.successes().length < count) {
    if (Date.now() > deadline) throw new Error('the load does not get going');
    await delay(POLL_MS);
  }
}

/** Until every gateway is ready and holds the same block. */
async function untilSettled(parties: RecordedParties, organisations: readonly string[]): Promise<void> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const blocks = await Promise.all(
      organisations.map(async (organisation) => {
        const { body } = await parties.of(organisation, 'system').send({ path: '/readyz' });
        return (body as { block?: number }).block;
      }),
    );
    if (new Set(blocks).size === 1 || Date.now() > deadline) return;
    await delay(POLL_MS);
  }
}
