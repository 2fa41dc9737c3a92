/**
 * `npm run bench -- fraud FILE…`: bills visits of Synthea's people honestly and, among them, in every way that we know of to be paid for
 * nothing or twice; says of each way what stopped it, and of each edit how often it was wrong. On the running consortium.
 */
import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { dataDirectory, gatewayUrls } from '../command-line.ts';
import { Parties } from '../demo/parties.ts';
import { table } from '../table.ts';
import { Chance } from './fraud/random.ts';
import { type Insured, type Outcome, PROVIDERS, Scene } from './fraud/scene.ts';
import { moved, type Person, type Planned, visitsOf } from './fraud/synthea.ts';
import { WAYS, type Way } from './fraud/ways.ts';

const AT_ONCE = 6;
const DAY_MS = 86_400_000;
/** Days in which a visit is placed, before today: within every payer's time for filing. */
const WITHIN_DAYS = 85;

export interface FraudOptions {
  files: readonly string[];
  /** The same seed bills the same. */
  seed: number;
  /** Honest claims. */
  claims: number;
  /** How many claims of each way go with a hundred honest ones. */
  rate: number;
}

interface Result {
  /** Of which way; undefined: honest. */
  way: Way | undefined;
  outcome: Outcome;
}
/** What the bench could not follow to its end, on a machine that is too busy; it is counted apart. */
interface Lost {
  lost: string;
}

/** Prints the tables. @throws {UnreadableFile}; Error where the files hold no visits */
export async function fraud(options: FraudOptions): Promise<void> {
  const visits = await visitsOf(options.files);
  if (visits.length === 0) throw new Error('the files hold no visits that were billed');
  const parties = new Parties({ dataDir: dataDirectory(), urls: gatewayUrls() });
  try {
    await priced(parties, visits);
    await tabled(parties, visits);
    const all = await run(new Scene(parties, await planned(parties)), visits, options);
    report(all.filter((one): one is Result => !('lost' in one)));
    const lost = all.flatMap((one) => ('lost' in one ? [one.lost] : []));
    if (lost.length > 0) console.log(`\nnot followed to their end: ${lost.length}, the first: ${lost[0]}`);
  } finally {
    parties.close();
  }
}

/** What each code costs at most: as the dearest of its visits. */
async function priced(parties: Parties, visits: readonly Planned[]): Promise<void> {
  const prices: Record<string, number> = {};
  for (const { code, units } of visits) prices[code.code] = Math.max(units, prices[code.code] ?? 0);
  for (const code of ['99215', '27447']) prices[code] = Math.max(...Object.values(prices));
  const body = { version: `bench-${randomUUID().slice(0, 8)}`, currency: 'USD', prices };
  for (const provider of PROVIDERS) {
    const path = `/fee-schedules/${provider}`;
    const loaded = await parties.of('payer', 'adjudicator').write({ method: 'PUT', path, body });
    await parties.of(provider, 'system').find({ path: `/receipts/${loaded.transactionId}` }, 'the fee schedule');
  }
}

/** What the payer holds the codes against: by what else a visit may be billed, how often in a line, how long that takes. */
async function tabled(parties: Parties, visits: readonly Planned[]): Promise<void> {
  const payer = parties.of('payer', 'adjudicator');
  const codes = [...new Map(visits.map(({ code }) => [code.code, code])).values()];
  const element = codes.map(({ code }) => ({ code, target: [{ code: '99213', equivalence: 'wider' }] }));
  const group = [{ source: codes[0]!.system, target: 'http://www.ama-assn.org/go/cpt', element }];
  const map = { resourceType: 'ConceptMap', status: 'active', group };
  await payer.write({ method: 'POST', path: '/fhir/R4/ConceptMap', body: map });
  const units = [...codes.map(({ code }) => code), '99213'].map((code) => ({ code, perLine: 1, perDay: 1 }));
  const body = { version: 'bench', units, durations: [{ code: '99215', minutes: 40 }] };
  await payer.write({ method: 'PUT', path: '/claim-tables', body });
  const { generation } = await payer.ask<{ generation: number }>({ path: '/claim-tables' });
  for (const provider of PROVIDERS)
    await parties
      .of(provider, 'system')
      .find<{ generation: number }>({ path: '/claim-tables' }, 'the tables', (shown) => shown.generation >= generation);
}

/** A plan that pays 99213 only with an authorization. @returns the name that coverages call it by */
async function planned(parties: Parties): Promise<string> {
  const name = `bench-${randomUUID()}`;
  const url = (what: string): string => `https://telemed-ledger.example/fhir/StructureDefinition/plan-${what}`;
  const coded = (code: string): object => ({ coding: [{ code }] });
  const extension = [
    { url: url('service'), valueCoding: { system: 'http://www.ama-assn.org/go/cpt', code: '99213' } },
    { url: url('preauthorization'), valueBoolean: true },
  ];
  const benefit = [{ type: coded('authorized'), extension }, { type: coded('other') }];
  const body = {
    ...{ resourceType: 'InsurancePlan', status: 'active', name: 'Bench', identifier: [{ value: name }] },
    ...{ period: { start: '2000-01-01' }, coverage: [{ type: coded('medical'), benefit }] },
    extension: PROVIDERS.map((valueString) => ({ url: url('provider'), valueString })),
  };
  await parties.of('payer', 'adjudicator').write({ method: 'POST', path: '/fhir/R4/InsurancePlan', body });
  return name;
}

async function run(scene: Scene, visits: readonly Planned[], { seed, claims, rate }: FraudOptions) {
  const chance = new Chance(seed);
  const today = new Date().toISOString().slice(0, 10);
  const placed = new Places(chance, today);
  const people = new Map<Person, Promise<Insured>>();
  const each = Math.max(1, Math.round((claims * rate) / 100));
  const honest = honestly(visits, claims).map((visit) => ({ way: undefined, visit }));
  const crooked = WAYS.flatMap((way) => Array.from({ length: each }, () => ({ way, visit: chance.of(visits) })));
  const all = chance.shuffled([...honest, ...crooked]).map((one) => ({ ...one, visit: placed.of(one.visit, one.way) }));
  const limit = pLimit(AT_ONCE);
  const follow = async ({ way, visit }: (typeof all)[number], index: number): Promise<Result> => {
    const [provider, other] = index % 2 === 0 ? PROVIDERS : ([PROVIDERS[1], PROVIDERS[0]] as const);
    if (way === undefined) {
      const insured = await known(people, visit.person, () => scene.insured(provider, visit.person));
      return { way, outcome: await scene.billed(await scene.recorded(insured, visit)) };
    }
    const insured = await scene.insured(provider, visit.person);
    return { way, outcome: await way.run({ scene, chance, visit, insured, other, today }) };
  };
  return limit.map(
    all,
    (one, index): Promise<Result | Lost> => follow(one, index).catch((error: unknown) => ({ lost: String(error) })),
  );
}

/**
 * Visits to bill honestly: those of the files, and where these are not enough the same ones again of namesakes, each round of people born
 * a day later. There are not days enough for one person to have them all.
 */
function honestly(visits: readonly Planned[], claims: number): Planned[] {
  const namesakes = new Map<string, Person>();
  return Array.from({ length: claims }, (_, index) => {
    const visit = visits[index % visits.length]!;
    const round = Math.floor(index / visits.length);
    const { gender, birthDate } = visit.person;
    const born = new Date(Date.parse(birthDate) + round * DAY_MS);
    const person = { gender, birthDate: born.toISOString().slice(0, 10) };
    const name = `${gender} ${person.birthDate}`;
    if (!namesakes.has(name)) namesakes.set(name, person);
    // By a practitioner of their own too: a licence names those of one provider.
    const npi = round === 0 ? visit.npi : `${round % 9}${visit.npi.slice(1)}`;
    return { ...visit, npi, person: namesakes.get(name)! };
  });
}

function known<K, V>(all: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const found = all.get(key) ?? make();
  all.set(key, found);
  return found;
}

/** Days for visits: nobody is in two places, neither who was seen nor who saw them. */
class Places {
  readonly #chance: Chance;
  readonly #today: string;
  readonly #taken = new Set<string>();

  constructor(chance: Chance, today: string) {
    this.#chance = chance;
    this.#today = today;
  }

  /** The visit on a day on which both were free; of a practitioner of its own where a way could touch others. */
  of(visit: Planned, way: Way | undefined): Planned {
    let npi = way === undefined ? visit.npi : this.#someone();
    for (let tries = 0; ; tries += 1) {
      if (tries > WITHIN_DAYS) npi = this.#someone();
      const ago = this.#chance.between(2, WITHIN_DAYS);
      const names = [
        `${npi} ${ago}`,
        ...(way === undefined ? [`${visit.person.birthDate} ${visit.person.gender} ${ago}`] : []),
      ];
      if (names.some((name) => this.#taken.has(name)) && tries < 2 * WITHIN_DAYS) continue;
      for (const name of names) this.#taken.add(name);
      return { ...moved(visit, ago, this.#today), npi };
    }
  }

  #someone = (): string => String(this.#chance.between(1_000_000_000, 1_999_999_999));
}

function report(results: readonly Result[]): void {
  const honest = results.filter(({ way }) => way === undefined);
  const rows = WAYS.map((way) => [way.name, ...cells(results.filter((one) => one.way === way))]);
  console.log(
    table([['way', 'claims', 'refused', 'denied', 'pended', 'paid', 'by'], ...rows, ['honest', ...cells(honest)]]),
  );
  const alarms = tally(honest.filter(({ outcome }) => outcome.came !== 'paid'));
  const share = (count: number): string => `${((100 * count) / honest.length).toFixed(1)} %`;
  console.log(`\nfalse alarms on ${honest.length} honest claims:`);
  console.log(alarms.length === 0 ? 'none' : table(alarms.map(([name, count]) => [name, String(count), share(count)])));
  const paid = results.filter(({ way, outcome }) => way?.expected === 'stopped' && outcome.came === 'paid');
  console.log(`\npaid of what the ledger’s own data disproves: ${paid.length}`);
}

function cells(results: readonly Result[]): string[] {
  const count = (came: Outcome['came']): string =>
    String(results.filter(({ outcome }) => outcome.came === came).length);
  const by = tally(results.filter(({ outcome }) => outcome.came !== 'paid')).map(([name]) => name);
  return [String(results.length), count('refused'), count('denied'), count('pended'), count('paid'), by.join(', ')];
}

/** How often each edit or signal was the reason, most often first. */
function tally(results: readonly Result[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { outcome } of results) for (const name of outcome.by) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}
