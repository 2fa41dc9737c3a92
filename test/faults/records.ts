/**
 * The load's records: a provider creates, updates and reads Observations, alone and in Bundles, each found again by an
 * identifier of its own. What was tried on each is kept for the check at the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Sending } from '@telemed-ledger/scripts/http.ts';
import { meaningOf, type Request } from './history.ts';
import { GivenUp, type RecordedParty } from './parties.ts';
import type { Random } from './random.ts';

export const MARKS = 'https://faults.example/marks';

/** One write of a record: the value it would give it, and the request that would. */
export interface RecordWrite {
  value: number;
  request: Request;
  sending: Sending;
  /** Of the answer, where there was a good one. */
  version: number | undefined;
  /** X-Block of that answer, which any gateway can be asked to wait for. */
  block?: string | undefined;
}

/** A record of the load. */
export interface TrackedRecord {
  party: RecordedParty;
  mark: string;
  /** `Observation/<id>`, once an answer told it. */
  location: string | undefined;
  writes: RecordWrite[];
}

export interface RecordsOptions {
  party: RecordedParty;
  /** Of the patients' organisation, which holds the same records. */
  custodian: RecordedParty;
  draw: Random;
  name: string;
  over: AbortSignal;
  /** Everything that was tried, by whoever runs the load. */
  records: TrackedRecord[];
}

const THINKING_MS = 40;
const RETRY_MS = 300;
const LARGEST_BUNDLE = 6;

/** Goes on until the run is over. @throws GivenUp where a write is never answered for good */
export async function writeRecords(options: RecordsOptions): Promise<void> {
  const { draw, over } = options;
  const worker = new RecordsWorker(options);
  while (!over.aborted) {
    const chance = draw.between(1, 100);
    if (chance <= 35) await worker.create();
    else if (chance <= 50) await worker.createBundle(draw.between(2, LARGEST_BUNDLE));
    else if (chance <= 75) await worker.update();
    else await worker.read();
    await delay(draw.between(0, THINKING_MS));
  }
}

class RecordsWorker {
  readonly #options: RecordsOptions;
  /** Those that can be updated and read. */
  readonly #known: TrackedRecord[] = [];
  #count = 0;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  async create(): Promise<void> {
    const tracked = this.#track();
    const body = observation(tracked.mark, 1);
    const sending: Sending = { method: 'POST', path: '/fhir/R4/Observation', body };
    const write = this.#begin(tracked, 1, sending);
    const answer = await this.#carryOut(write, [tracked]);
    if (answer !== undefined) this.#take(tracked, write, answer.body, answer);
  }

  /** All of a Bundle is written or none of it. */
  async createBundle(size: number): Promise<void> {
    const all = Array.from({ length: size }, () => this.#track());
    const request = { method: 'POST', url: 'Observation' };
    const entry = all.map(({ mark }) => ({ resource: observation(mark, 1), request }));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    const sending: Sending = { method: 'POST', path: '/fhir/R4', body };
    const first = this.#begin(all[0]!, 1, sending);
    for (const other of all.slice(1)) other.writes.push({ ...first });
    const answer = await this.#carryOut(first, all);
    const answered = (answer?.body as { entry?: { response?: { location?: string } }[] } | undefined)?.entry ?? [];
    for (const [index, tracked] of all.entries()) {
      const location = /(Observation\/[^/]+)/.exec(answered[index]?.response?.location ?? '')?.[1];
      if (location !== undefined)
        this.#take(tracked, tracked.writes[0]!, { id: location.split('/')[1], meta: { versionId: '1' } }, answer);
    }
  }

  /** The next version of a record of this worker's, which nobody else writes. */
  async update(): Promise<void> {
    if (this.#known.length === 0) return this.create();
    const tracked = this.#options.draw.pick(this.#known);
    const value = tracked.writes.length + 1;
    const version = lastVersion(tracked);
    const body = { ...observation(tracked.mark, value), id: tracked.location?.split('/')[1] };
    const headers = { 'if-match': `W/"${version}"` };
    const sending: Sending = { method: 'PUT', path: `/fhir/R4/${tracked.location}`, body, headers };
    const write = this.#begin(tracked, value, sending);
    const answer = await this.#carryOut(write, [tracked]);
    if (answer !== undefined) this.#take(tracked, write, answer.body, answer);
    else this.#known.splice(this.#known.indexOf(tracked), 1);
  }

  /** What was acknowledged last is read: at once where it was written, at the custodian's by whoever waits for its block. */
  async read(): Promise<void> {
    if (this.#known.length === 0) return this.create();
    const { party, custodian, draw } = this.#options;
    const tracked = draw.pick(this.#known);
    const expected = lastDone(tracked);
    if (expected === undefined) return;
    const isElsewhere = draw.percent(40) && expected.block !== undefined;
    const headers = isElsewhere ? { 'x-wait-for-block': expected.block ?? '' } : {};
    const reader = isElsewhere ? custodian : party;
    const { request, answer } = await reader.readOnce({ path: `/fhir/R4/${tracked.location}`, headers });
    if (answer === undefined || meaningOf(request) !== 'done') return;
    const found = measuredIn(answer.body);
    const attempt = request.attempts.at(-1);
    if (found === expected.value || attempt === undefined) return;
    attempt.meaning = 'false';
    attempt.reason = `the value ${found} was read where ${expected.value} was acknowledged`;
  }

  #track(): TrackedRecord {
    const { name, party, records } = this.#options;
    this.#count += 1;
    const tracked: TrackedRecord = { party, mark: `${name}-${this.#count}`, location: undefined, writes: [] };
    records.push(tracked);
    return tracked;
  }

  #begin(tracked: TrackedRecord, value: number, sending: Sending): RecordWrite {
    const write: RecordWrite = { value, request: tracked.party.begin(sending), sending, version: undefined };
    tracked.writes.push(write);
    return write;
  }

  /**
   * Attempts a write. What a create left open is at times left so, for the end to resolve; an update is followed up,
   * because the next one needs to know the version. @returns the good answer, where one came
   */
  async #carryOut({ request, sending }: RecordWrite, [tracked]: TrackedRecord[]): Promise<Answer | undefined> {
    const { party, draw } = this.#options;
    const isLeftOpen = tracked?.location === undefined && draw.percent(50);
    const deadline = Date.now() + FOLLOWED_MS;
    for (;;) {
      const answer = await party.attempt(request, sending);
      const meaning = meaningOf(request);
      if (meaning === 'done') return answer;
      if (meaning === 'false' || meaning === 'broken' || isLeftOpen) return undefined;
      if (Date.now() > deadline) throw new GivenUp(`${request.method} ${request.path} is not answered for good`);
      await delay(RETRY_MS);
    }
  }

  #take(tracked: TrackedRecord, write: RecordWrite, body: unknown, answer: Answer | undefined): void {
    write.block = String(answer?.headers['x-block'] ?? '') || undefined;
    const { id, meta } = body as { id?: string; meta?: { versionId?: string } };
    write.version = Number(meta?.versionId);
    tracked.location = `Observation/${id}`;
    if (!this.#known.includes(tracked)) this.#known.push(tracked);
  }
}

const FOLLOWED_MS = 90_000;

const lastDone = ({ writes }: TrackedRecord): RecordWrite | undefined =>
  writes.findLast(({ request }) => meaningOf(request) === 'done');

const lastVersion = (tracked: TrackedRecord): number => lastDone(tracked)?.version ?? 1;

const observation = (mark: string, value: number) => ({
  resourceType: 'Observation',
  identifier: [{ system: MARKS, value: mark }],
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  valueQuantity: { value, unit: '/min' },
});

/** The value of an Observation of the load. */
export const measuredIn = (body: unknown): number | undefined =>
  (body as { valueQuantity?: { value?: number } } | undefined)?.valueQuantity?.value;
