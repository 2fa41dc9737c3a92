/**
 * `npm run bench -- claims`: how long a claim takes from its submission to its decision, at first and after many others, how many a
 * second are decided, how long a run of payments takes until the provider has its remittances, and what a claim of many lines costs. On
 * the running consortium, in visits that it makes up.
 */
import { randomInt } from 'node:crypto';
import pLimit from 'p-limit';
import { dataDirectory, gatewayUrls } from '../command-line.ts';
import { Parties, type Party, type Resource } from '../demo/parties.ts';
import { table } from '../table.ts';
import { closedLoop, perSecond, quantile, type Round } from './closed-loop.ts';
import { type Insured, type Recorded, Scene } from './fraud/scene.ts';
import type { Planned } from './fraud/synthea.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const MOST_AT_ONCE = 64;
const CALLERS = [1, MOST_AT_ONCE];
const AT_ONCE = 16;
const PEOPLE = 64;
/** Days on which each person has a visit, a quarter of an hour long; then once more on each, from six in the morning on. */
const DAYS = 80;
const LINES = 500;
/** Of a day of the stay that they bill. */
const SERVICES = 10;
const SERVICE_SYSTEM = 'urn:example:bench:services';
/** Visits are recorded for so many claims a second, so that nobody waits for one. */
const MOST_A_SECOND = 60;
const DAY_MS = 86_400_000;
const WITHIN_MS = 600_000;

interface Answer extends Resource {
  outcome: string;
  disposition?: string;
}
interface Payments {
  entry?: { resource: Resource & { outcome: string; detail?: object[] } }[];
}

export interface ClaimsOptions {
  /** Seconds for each number of callers. */
  seconds: number;
  /** That are settled by one run. */
  claims: number;
}

/** Prints the table. */
export async function claims({ seconds, claims: settledAtOnce }: ClaimsOptions): Promise<void> {
  const parties = new Parties({ dataDir: dataDirectory(), urls: gatewayUrls() });
  try {
    await run(await Desk.open(parties), { seconds, claims: settledAtOnce });
  } finally {
    parties.close();
  }
}

async function run(desk: Desk, { seconds, claims: wanted }: ClaimsOptions): Promise<void> {
  const rows = [['', 'callers', 'per second', 'p50 ms', 'p99 ms', 'errors']];
  const add = (name: string, callers: number, round: Round): void => {
    if (round.firstError !== undefined) console.error(`${name}: ${round.firstError}`);
    const [half, most] = [0.5, 0.99].map((share) => quantile(round.latenciesMs, share).toFixed(0));
    rows.push([name, String(callers), perSecond(round).toFixed(1), half!, most!, String(round.errors)]);
  };
  try {
    await rowsOf(desk, { seconds, claims: wanted }, add);
  } finally {
    console.log(table(rows));
  }
}

type Adds = (name: string, callers: number, round: Round) => void;

async function rowsOf(desk: Desk, { seconds, claims: wanted }: ClaimsOptions, add: Adds): Promise<void> {
  await closedLoop(8, 3_000, () => desk.decided());
  for (const callers of CALLERS) {
    await desk.recorded(Math.min(callers, MOST_A_SECOND / 2) * 2 * seconds);
    const round = await closedLoop(callers, seconds * 1_000, () => desk.decided());
    add('submitted to adjudicated, the visit recorded before', callers, round);
  }
  // What a busy gateway does not decide in time is owed all the same, once it is decided.
  while (desk.owed < wanted) await closedLoop(MOST_AT_ONCE, 5_000, () => desk.decided());
  const owed = desk.owed;
  await desk.recorded(2 * seconds);
  const after = await closedLoop(1, seconds * 1_000, () => desk.decided());
  add(`the same, after ${owed.toLocaleString('en')} claims of these runs`, 1, after);
  const due = desk.owed.toLocaleString('en');
  add(`${due} claims instructed, settled and remitted`, 1, await once(() => desk.settled()));
  add(`one claim of ${LINES} lines`, 1, await once(await desk.ofManyLines()));
}

async function once(work: () => Promise<void>): Promise<Round> {
  const started = performance.now();
  await work();
  const elapsedMs = performance.now() - started;
  return { operations: 1, errors: 0, elapsedMs, latenciesMs: [elapsedMs] };
}

/** A patient, and the practitioner who sees her. */
interface Billed {
  insured: Insured;
  npi: string;
}

/** Who bills, decides and pays. */
class Desk {
  /** Claims that the payer owes by now and has not instructed. */
  owed = 0;
  readonly #scene: Scene;
  readonly #hospital: Party;
  readonly #payer: Party;
  readonly #bank: Party;
  readonly #people: readonly Billed[];
  /** Visits that are recorded, and billed by nobody. */
  readonly #ready: Recorded[] = [];
  #recording = Promise.resolve();
  #visits = 0;

  private constructor(parties: Parties, scene: Scene, people: readonly Billed[]) {
    this.#scene = scene;
    this.#hospital = parties.of('hospital', 'system');
    this.#payer = parties.of('payer', 'system');
    this.#bank = parties.of('bank', 'settlement');
    this.#people = people;
  }

  /** Claims wait for a run of payments: without it each would be paid as soon as it is decided. */
  static async open(parties: Parties): Promise<Desk> {
    const body = { bank: 'bank', runs: 'together' };
    await parties.of('payer', 'adjudicator').write({ method: 'PUT', path: '/payment-terms/hospital', body });
    const scene = new Scene(parties, 'none');
    const limit = pLimit(AT_ONCE);
    const people = Array.from({ length: PEOPLE }, () =>
      limit(async () => {
        const npi = String(randomInt(1_000_000_000, 2_000_000_000));
        await scene.practitioner('hospital', npi);
        return { insured: await scene.insured('hospital', { gender: 'female', birthDate: '1970-01-01' }), npi };
      }),
    );
    return new Desk(parties, scene, await Promise.all(people));
  }

  /** A claim for a visit of its own, up to its decision. */
  async decided(): Promise<void> {
    const visit = await this.#next();
    const answer = await this.#scene.submitted(visit);
    checkTaken(answer);
    await this.#adjudicated(answer.request);
    this.owed += 1;
  }

  async #adjudicated({ reference }: { reference: string }): Promise<void> {
    const path = `/fhir/R4/${reference}/$adjudicate`;
    const { body } = await this.#payer.write<Answer>({ method: 'POST', path });
    if (body.disposition !== undefined && body.disposition !== 'approved')
      throw new Error(`a claim was ${body.disposition}`);
  }

  /** All that is owed, from the instruction until the provider reads each remittance. */
  async settled(): Promise<void> {
    const since = new Date().toISOString();
    const deadline = performance.now() + WITHIN_MS;
    this.owed = 0;
    do {
      if (performance.now() > deadline) throw new Error('not all claims are remitted in time');
      await this.#instruct(since);
    } while ((await this.#isAny('approved')) || (await this.#isAny('instructed')) || (await this.#isAny('settled')));
  }

  /** What is owed by now, a thousand claims at most, where there is any; and the transfer of what the bank was instructed to pay. */
  async #instruct(since: string): Promise<void> {
    const path = '/fhir/R4/PaymentReconciliation';
    const body = { resourceType: 'Parameters', parameter: [{ name: 'provider', valueString: 'hospital' }] };
    await this.#payer.send({ method: 'POST', path: `${path}/$instruct`, body });
    const now = `${path}?_lastUpdated=ge${encodeURIComponent(since)}&_count=100`;
    const { entry = [] } = await this.#bank.ask<Payments>({ path: now });
    for (const { resource } of entry) await this.#paid(resource);
  }

  async #paid({ id, outcome }: Resource & { outcome: string }): Promise<void> {
    if (outcome !== 'queued') return;
    const parameter = [
      { name: 'reference', valueString: `BENCH-${id.slice(0, 8)}` },
      { name: 'paidOn', valueDate: new Date().toISOString().slice(0, 10) },
    ];
    const body = { resourceType: 'Parameters', parameter };
    await this.#bank.write({ method: 'POST', path: `/fhir/R4/PaymentReconciliation/${id}/$settle`, body });
  }

  async #isAny(status: string): Promise<boolean> {
    const path = `/claims?status=${status}&count=1`;
    return (await this.#hospital.ask<{ claims: object[] }>({ path })).claims.length > 0;
  }

  /** What decides a claim of many lines, the services of each day of a stay; that is recorded by then. */
  async ofManyLines(): Promise<() => Promise<void>> {
    const npi = String(randomInt(1_000_000_000, 2_000_000_000));
    await this.#scene.practitioner('hospital', npi);
    const insured = await this.#scene.insured('hospital', { gender: 'female', birthDate: '1971-01-01' });
    const codes = Array.from({ length: SERVICES }, (_, index) => ({ system: SERVICE_SYSTEM, code: `S${index}` }));
    const dayOf = (index: number): string =>
      new Date(Date.now() - (LINES / SERVICES + 2 - index) * DAY_MS).toISOString().slice(0, 10);
    const [first, last] = [dayOf(0), dayOf(LINES / SERVICES - 1)];
    const visit = { ...plannedOf(npi, first, 0), class: 'IMP', start: instant(first, 0), end: instant(last, 1_439) };
    const stay = await this.#scene.recorded(insured, visit, { type: codes.map((code) => ({ coding: [code] })) });
    const encounter = [{ reference: stay.encounter }];
    const item = Array.from({ length: LINES }, (_, index) => ({
      ...{ sequence: index + 1, productOrService: { coding: [codes[index % SERVICES]] }, encounter },
      ...{ servicedDate: dayOf(Math.floor(index / SERVICES)), net: { value: 1, currency: 'USD' } },
    }));
    const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'institutional' }] };
    const claim = { type, item, total: { value: LINES, currency: 'USD' } };
    return async () => {
      const answer = await this.#scene.submitted(stay, { claim });
      checkTaken(answer);
      await this.#adjudicated(answer.request);
    };
  }

  async #next(): Promise<Recorded> {
    for (;;) {
      const visit = this.#ready.pop();
      if (visit !== undefined) return visit;
      await this.recorded(1);
    }
  }

  /** Records visits, rounds of everybody's, until so many wait to be billed: who comes meanwhile waits for the same. */
  recorded(wanted: number): Promise<void> {
    this.#recording = this.#recording.then(async () => {
      const limit = pLimit(AT_ONCE);
      while (this.#ready.length < wanted) {
        const number = this.#visits++;
        const day = new Date(Date.now() - (2 + (number % DAYS)) * DAY_MS).toISOString().slice(0, 10);
        const all = this.#people.map(({ insured, npi }) =>
          limit(() => this.#scene.recorded(insured, plannedOf(npi, day, Math.floor(number / DAYS)))),
        );
        this.#ready.push(...(await Promise.all(all)));
      }
    });
    return this.#recording;
  }
}

function checkTaken({ outcome, error = [] }: { outcome: string; error?: Edits }): void {
  const edits = error.flatMap(({ code }) => code.coding?.[0]?.code ?? []);
  if (outcome !== 'queued') throw new Error(`a claim was not taken: ${edits.join(', ') || outcome}`);
}

type Edits = { code: { coding?: { code?: string }[] } }[];

const PERSON = { gender: 'female', birthDate: '1970-01-01' };
const instant = (day: string, minutes: number): string =>
  `${day}T${[Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')}:00Z`;

/** The visit of a number in a day. */
function plannedOf(npi: string, day: string, number: number): Planned {
  const from = 6 * 60 + number * 20;
  return {
    ...{ person: PERSON, npi, class: 'AMB', code: { system: CPT, code: '99213' }, units: 8_000 },
    ...{ start: instant(day, from), end: instant(day, from + 15) },
  };
}
