/**
 * Gathers what goes into an 835: the reports that go with a payment, or those of a day. At the provider and at the payer, of the values
 * that both hold, so that it says the same at both.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { addDays } from '@telemed-ledger/chaincode/model/days.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseMoney } from '@telemed-ledger/chaincode/model/money.ts';
import { type ActorReference, organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { detailsOf, isPayBack } from '@telemed-ledger/chaincode/model/payment-details.ts';
import { debtorOf, type PaymentState } from '@telemed-ledger/chaincode/model/payments.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import type { Search } from '../../fhir/repository.ts';
import { inStretches } from '../../http/pauses.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { claimState } from '../claims/claims.ts';
import { paymentState } from '../payments/payments.ts';
import type { Services } from '../services.ts';
import type { Remitted } from './claims-835.ts';
import { type Report, reportsOf, reportsOfRepayment } from './remittance-reports.ts';
import { type Remittance, RemittanceSources } from './remittance-sources.ts';

const PAGE = 200;
/** Claims that are read together. */
const AT_ONCE = 8;
const nothing = (): void => undefined;
/** Claims of one file. */
const MOST_CLAIMS = 5_000;

/** What is not in a file, by its trace number or its claim. */
export interface Refused {
  trace: string;
  reason: string;
  expression?: string;
}

export interface Gathered {
  remitted: Remitted[];
  refused: Refused[];
}

/** Why something cannot be told. */
export function refusalOf(error: LedgerError | z.ZodError): Omit<Refused, 'trace'> {
  if (error instanceof z.ZodError) return { reason: 'is not as the ledger has it' };
  const { reason, expression } = error;
  return { reason, ...(expression === undefined ? {} : { expression }) };
}

/** The reports of the claims of a remittance that go with its payment, once they are all here. */
async function remitted(sources: RemittanceSources, told: Remittance): Promise<Remitted> {
  const { resource, payment, payer, claims } = told;
  const reports: Report[] = [];
  for (const claim of claims) {
    const own = reportsOf(await sources.history(claim)).filter((report) => report.payment === payment);
    if (own[0] !== undefined) reports.push(own[0]);
  }
  const { value: trace = '' } = (resource['paymentIdentifier'] ?? {}) as { value?: string };
  const payee = organisationNameOf(detailsOf(resource)[0]?.payee as ActorReference | undefined);
  return {
    ...{ payer, payee: payee ?? told.provider, trace, reports, day: String(resource['paymentDate']) },
    ...parseMoney(resource['paymentAmount'], 'PaymentReconciliation.paymentAmount'),
  };
}

/** What comes to nothing on a day, by payer, provider and currency: under one number that is theirs and the day's. */
function unpaid(day: string, { payer, provider }: Pick<ClaimState, 'payer' | 'provider'>, report: Report): Remitted {
  const { currency } = report;
  const name = sha256Hex(`${payer}/${provider}/${currency}`).slice(0, 16);
  return { payer, payee: provider, trace: `${day}-${name}`, units: 0, currency, day, reports: [report] };
}

/** What providers were told of a payment. @throws {LedgerError} NOT_FOUND */
export async function remittedBy(services: Services, payment: string): Promise<Gathered> {
  const { index, organisation } = services;
  const sources = new RemittanceSources(services);
  const all: Remitted[] = [];
  for (const provider of await providersOf(services, payment)) {
    const told = await sources.remittance(payment, provider);
    if (told !== undefined) all.push(await remitted(sources, told));
  }
  if (all.length > 0) return { remitted: all, refused: [] };
  throw new LedgerError('NOT_FOUND', whyNothing(await paymentState(index, payment), organisation.kind));
}

function whyNothing(state: PaymentState | undefined, kind: Kind): string {
  if (state?.debtor !== undefined) return 'what is paid back is told in the 835 of its day';
  return state !== undefined && kind === 'payer'
    ? 'its providers have not been told of it yet'
    : 'there is no such payment here';
}

async function providersOf({ index, organisation }: Services, payment: string): Promise<readonly string[]> {
  if (organisation.kind === 'provider') return [organisation.name];
  const state = await paymentState(index, payment);
  if (state !== undefined) return state.providers;
  const row = await index.newestRow('PaymentReconciliation', payment);
  const resource = row && index.stored(row).resource;
  return resource === undefined
    ? []
    : [...new Set(detailsOf(resource).flatMap(({ submitter }) => organisationNameOf(submitter) ?? []))];
}

/** What providers were told on a day: by transfers of that day, and of what came to nothing. @throws {LedgerError} INVALID where that is too much */
export async function remittedOn(services: Services, day: string): Promise<Gathered> {
  const sources = new RemittanceSources(services);
  const all = new Map<string, Remitted>();
  const refused: Refused[] = [];
  const ids = [...(await claimsOf(services, day))];
  // Read together; told in their order. What is wrong with one is found again below.
  await inStretches(ids, (id) => sources.history(id).then(nothing, nothing), AT_ONCE);
  for (const id of ids) {
    try {
      await collect(all, { sources, day, state: claimStateSchema.parse(await claimState(services.index, id)) });
    } catch (error) {
      if (!(error instanceof LedgerError || error instanceof z.ZodError)) throw error;
      services.broken.report('remittance', id, error);
      refused.push({ trace: `Claim/${id}`, ...refusalOf(error) });
    }
  }
  for (const state of await repaymentsOf(services, day)) {
    const parties = { payer: state.payer, provider: debtorOf(state) };
    for (const report of reportsOfRepayment(await sources.repayment(state)))
      if (report.at.slice(0, 10) === day) add(all, unpaid(day, parties, report));
  }
  return { remitted: [...all.values()].sort((one, other) => (one.trace < other.trace ? -1 : 1)), refused };
}

/**
 * Ids of the claims that may have been told of on a day: those that were decided or taken back then, and those of payments that came
 * then or later, since a transfer is told of on its day or after it. Clocks may differ by a day.
 */
async function claimsOf({ index }: Services, day: string): Promise<Set<string>> {
  const then = [{ prefix: 'eq' as const, value: day }];
  const since = [{ prefix: 'ge' as const, value: addDays(day, -1) }];
  const ids = new Set<string>();
  const add = (reference: unknown): void => {
    const [, id] = /^Claim\/(.+)$/.exec((reference as Reference | undefined)?.reference ?? '') ?? [];
    if (id !== undefined) ids.add(id);
    if (ids.size > MOST_CLAIMS)
      throw new LedgerError('INVALID', `more than ${MOST_CLAIMS} claims; ask for single payments`, 'date');
  };
  for await (const one of found(index, 'ClaimResponse', then)) if (one['use'] === 'claim') add(one['request']);
  for await (const one of found(index, 'Task', then)) add(one['focus']);
  // A transfer of another day is told of on that day; one that was not made, or came back, may be told of on this.
  for await (const one of found(index, 'PaymentReconciliation', since))
    if (one['outcome'] !== 'complete' || one['paymentDate'] === undefined || one['paymentDate'] === day)
      for (const { request } of detailsOf(one)) add(request);
  return ids;
}

async function* found(index: ReadModel, type: string, lastUpdated: NonNullable<Search['lastUpdated']>) {
  let after: string | undefined;
  do {
    const page = await index.search({ type, lastUpdated, count: PAGE, ...(after === undefined ? {} : { after }) });
    yield* page.matches.map(({ resource }) => resource);
    after = page.next;
  } while (after !== undefined);
}

/** Next to what goes under the same number. */
function add(all: Map<string, Remitted>, one: Remitted): void {
  all.set(one.trace, { ...one, reports: [...(all.get(one.trace)?.reports ?? []), ...one.reports] });
}

/** Payments back that something became of on a day or later. */
async function repaymentsOf({ index }: Services, day: string): Promise<PaymentState[]> {
  const ids = new Set<string>();
  for await (const one of found(index, 'PaymentReconciliation', [{ prefix: 'ge', value: addDays(day, -1) }]))
    if (isPayBack(one)) ids.add(one.id);
  const states = await Promise.all([...ids].sort().map((id) => paymentState(index, id)));
  return states.filter((state) => state !== undefined);
}

async function collect(
  all: Map<string, Remitted>,
  { sources, day, state }: { sources: RemittanceSources; day: string; state: ClaimState },
): Promise<void> {
  for (const report of reportsOf(await sources.history(state.id))) {
    if (report.payment !== undefined) {
      const name = `${report.payment}/${state.provider}`;
      const told = all.has(name) ? undefined : await sources.remittance(report.payment, state.provider);
      if (told?.resource['paymentDate'] === day) all.set(name, await remitted(sources, told));
    } else if (report.at.slice(0, 10) === day) {
      add(all, unpaid(day, state, report));
    }
  }
}
