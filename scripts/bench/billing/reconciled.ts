/**
 * A provider's files, from their records to what is paid for their Claims: loaded, billed, decided and paid through the gateways of a
 * consortium of its own, and reconciled on three sides.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { type Billed, billedAs } from '../../billing/claims.ts';
import { type PreparedClaim, preparedClaims } from '../../billing/prepared.ts';
import { bearerToken } from '../../credentials.ts';
import type { Parties, Party, Resource } from '../../demo/parties.ts';
import { readBundle } from '../../load/bundle.ts';
import { LoadJournal } from '../../load/journal.ts';
import { Loader } from '../../load/loader.ts';
import { type Book, bookOf } from './book.ts';
import { dispenseShown } from './dispenses.ts';

const PROVIDER = 'hospital';
const PAYER = 'payer';
const BANK = 'bank';
const AT_ONCE = 4;
const LIMITS = { entries: 1000, bytes: 8 * 1024 * 1024 };
const PAGE = 500;
const COVERAGE_PROVIDER = 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider';
const DISPENSE = 'dispense-outstanding';
const ALL_TIMES = { start: '1900-01-01', end: '2099-12-31' };

/** What became of Claims, and what three sides say of the payments. */
export interface Reconciled {
  /** Of all resources of the files: what of each type was not recorded, and why. */
  notLoaded: { type: string; reason: string; count: number }[];
  billed: Billed[];
  /** Of each that was taken. */
  decided: Decided[];
  /** Rows of each side, by its name. */
  sides: Map<string, Side>;
}

/** What came of a claim that was taken. */
export interface Decided {
  id: string;
  status: string;
  /** Edits and signals. */
  reasons: string[];
  /** After the dispense was shown that the payer had asked for. */
  answered?: Decided;
}

interface Side {
  rows: { status: string; currency: string; payments: number; claims: number; units: number }[];
  differences: object[];
}

interface DeskClaim {
  id: string;
  status: string;
  reason?: string;
}

/** Nobody holds the Claims to a time for filing: the files are of past years. @throws {UnreadableFile} */
export async function reconciled(parties: Parties, files: readonly string[]): Promise<Reconciled> {
  const book = await bookOf(files);
  const loader = await loaded(parties, files);
  await entered(parties, book);
  const billed = await bill(parties, files);
  const decided = await decide(parties);
  await pay(parties);
  return {
    notLoaded: loader.tally.refused.map(({ type, reason, count }) => ({ type, reason, count })),
    ...{ billed, decided, sides: await sidesOf(parties) },
  };
}

async function loaded(parties: Parties, files: readonly string[]): Promise<Loader> {
  const http = parties.of(PROVIDER, 'system').http;
  const { dataDir } = parties.reach;
  const loader = new Loader({
    ...{ http, token: tokenOf(parties), patienceMs: 120_000, since: Date.now() - 60_000, limits: LIMITS },
    ...{ concurrency: AT_ONCE, journal: await LoadJournal.open(join(dataDir, 'load', `bench-${randomUUID()}.jsonl`)) },
    signal: new AbortController().signal,
  });
  await loader.load(files);
  return loader;
}

const tokenOf = (parties: Parties) => () =>
  bearerToken({ dataDir: parties.reach.dataDir, organisation: PROVIDER, role: 'system' });

/** What others enter before a provider can bill: licences, prices, tables, coverages, and that payments are made together. */
async function entered(parties: Parties, { practitioners, insured, prices }: Book): Promise<void> {
  const [payer, regulator] = [parties.of(PAYER, 'adjudicator'), parties.of('regulator', 'system')];
  const limit = pLimit(AT_ONCE);
  const licence = { status: 'active', ...ALL_TIMES };
  const licences = await limit.map(practitioners, (number) =>
    regulator.write({ method: 'PUT', path: `/licences/${number}`, body: licence }),
  );
  const coverages = insured.map((identifier) => ({
    request: { method: 'POST', url: 'Coverage' },
    resource: {
      ...{ resourceType: 'Coverage', status: 'active', beneficiary: { identifier }, payor: [{ display: PAYER }] },
      ...{ period: ALL_TIMES, extension: [{ url: COVERAGE_PROVIDER, valueString: PROVIDER }] },
    },
  }));
  const batch = { resourceType: 'Bundle', type: 'batch', entry: coverages };
  const answered = await payer.ask<Resource & { entry: { response: { location: string } }[] }>({
    ...{ method: 'POST', path: '/fhir/R4', body: batch },
  });
  const schedule = { version: `bench-${randomUUID().slice(0, 8)}`, currency: 'USD', prices };
  const path = `/fee-schedules/${PROVIDER}`;
  const { transactionId } = await payer.write({ method: 'PUT', path, body: schedule });
  const tables = { version: schedule.version, signals: { 'claimed-late': { weight: 0 } } };
  await payer.write({ method: 'PUT', path: '/claim-tables', body: tables });
  await payer.write({
    ...{ method: 'PUT', path: `/payment-terms/${PROVIDER}`, body: { bank: BANK, runs: 'together' } },
  });
  const provider = parties.of(PROVIDER, 'system');
  for (const one of [transactionId, ...licences.map((each) => each.transactionId)])
    await provider.find({ path: `/receipts/${one}` }, 'what others entered');
  for (const { response } of answered.entry)
    await provider.find({ path: `/fhir/R4/${response.location.split('/_history')[0]}` }, 'the coverage');
}

async function bill(parties: Parties, files: readonly string[]): Promise<Billed[]> {
  const { http } = parties.of(PROVIDER, 'system');
  const all: Billed[] = [];
  for (const file of files) {
    const { bundle, hash } = await readBundle([file]);
    const claims: PreparedClaim[] = preparedClaims(bundle.entry);
    all.push(...(await billedAs(claims, { http, token: tokenOf(parties), key: hash, atOnce: AT_ONCE })));
  }
  return all;
}

async function claimsAt(party: Party, query: string): Promise<DeskClaim[]> {
  const all: DeskClaim[] = [];
  let path: string | undefined = `/claims?count=${PAGE}&${query}`;
  while (path !== undefined) {
    const { claims, next }: { claims: DeskClaim[]; next?: string } = await party.ask({ path });
    all.push(...claims);
    path = next;
  }
  return all;
}

/** Has all that wait decided; where the dispense of a medicine is asked for, it is shown and the claim decided again. */
async function decide(parties: Parties): Promise<Decided[]> {
  const [payer, provider] = [parties.of(PAYER, 'adjudicator'), parties.of(PROVIDER, 'system')];
  const limit = pLimit(AT_ONCE);
  const waiting = await claimsAt(payer, 'status=submitted');
  const first = await limit.map(waiting, ({ id }) => decided(payer, id));
  const asked = first.filter(({ reasons }) => reasons.includes(DISPENSE));
  await limit.map(asked, async ({ id }) => {
    await provider.find<{ claims: DeskClaim[] }>({ path: '/claims?status=pended&count=500' }, 'the question', (found) =>
      found.claims.some((one) => one.id === id),
    );
    await dispenseShown(provider, id);
  });
  const answered = new Map<string, Decided>();
  await limit.map(asked, async ({ id }) => answered.set(id, await decided(payer, id)));
  return first.map((one) => ({ ...one, ...(answered.has(one.id) ? { answered: answered.get(one.id)! } : {}) }));
}

/** Waits for a claim to be decidable, and has it decided. */
async function decided(payer: Party, id: string): Promise<Decided> {
  const path = `/fhir/R4/Claim/${id}`;
  const { body } = await payer.write<Resource & { disposition?: string }>({
    method: 'POST',
    path: `${path}/$adjudicate`,
  });
  return { id, status: (body.disposition ?? 'unknown').split(':')[0]!, reasons: await reasonsOf(payer, id) };
}

interface Part {
  name: string;
  valueCode?: string;
  valueInteger?: number;
}

/** Edits and signals of the claim's last step. */
async function reasonsOf(payer: Party, id: string): Promise<string[]> {
  const path = `/fhir/R4/Claim/${id}/$findings`;
  const { parameter = [] } = await payer.ask<Resource & { parameter?: { part: Part[] }[] }>({ method: 'POST', path });
  const said = parameter.map(({ part }) => new Map(part.map(({ name, ...value }) => [name, value])));
  const stepOf = (one: (typeof said)[number]): number => one.get('step')?.valueInteger ?? 0;
  const last = Math.max(...said.map(stepOf));
  const raised = said.filter((one) => stepOf(one) === last && one.get('outcome')?.valueCode !== 'pass');
  return [...new Set(raised.flatMap((one) => one.get('edit')?.valueCode ?? []))].sort();
}

interface Payments {
  entry?: { resource: Resource & { outcome: string } }[];
}

/** All that is owed, from the instruction until the provider reads each remittance. */
async function pay(parties: Parties): Promise<void> {
  const [payer, bank] = [parties.of(PAYER, 'adjudicator'), parties.of(BANK, 'settlement')];
  const path = '/fhir/R4/PaymentReconciliation';
  if ((await owed(payer)).length === 0) return;
  const provider = [{ name: 'provider', valueString: PROVIDER }];
  const body = { resourceType: 'Parameters', parameter: provider };
  while ((await owed(payer)).length > 0) await payer.write({ method: 'POST', path: `${path}/$instruct`, body });
  const { entry = [] } = await bank.find<Payments>(
    { path: `${path}?_count=100` },
    'the payments at the bank',
    (found) => (found.entry ?? []).some(({ resource }) => resource.outcome === 'queued'),
  );
  for (const { resource } of entry.filter(({ resource: { outcome } }) => outcome === 'queued')) {
    const parameter = [
      { name: 'reference', valueString: `BENCH-${resource.id.slice(0, 8)}` },
      { name: 'paidOn', valueDate: today() },
    ];
    const settled = { resourceType: 'Parameters', parameter };
    await bank.write({ method: 'POST', path: `${path}/${resource.id}/$settle`, body: settled });
  }
  const at = parties.of(PROVIDER, 'system');
  for (const status of ['approved', 'partial', 'instructed', 'settled'])
    await at.find<{ claims: object[] }>(
      { path: `/claims?status=${status}&count=1` },
      'the remittances',
      (found) => found.claims.length === 0,
    );
}

const owed = async (payer: Party): Promise<DeskClaim[]> =>
  (await Promise.all(['approved', 'partial'].map((status) => claimsAt(payer, `status=${status}`)))).flat();

const today = (): string => new Date().toISOString().slice(0, 10);

async function sidesOf(parties: Parties): Promise<Reconciled['sides']> {
  const sides = new Map<string, Side>();
  for (const [name, role] of [
    [PROVIDER, 'system'],
    [PAYER, 'adjudicator'],
    [BANK, 'settlement'],
  ] as const)
    sides.set(name, await parties.of(name, role).ask<Resource & Side>({ path: `/reconciliation?date=${today()}` }));
  return sides;
}
