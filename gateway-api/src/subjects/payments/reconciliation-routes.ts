/** The reconciliation of a day at payer, bank and provider, and of it with what another of them has. */
import { addDays } from '@telemed-ledger/chaincode/model/days.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { claimsOf, isPayBack } from '@telemed-ledger/chaincode/model/payment-details.ts';
import {
  isEnded,
  MAX_PAYMENT_STEPS,
  type PaymentState,
  paymentStateSchema,
} from '@telemed-ledger/chaincode/model/payments.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import type { Services } from '../services.ts';
import { overviewOf, overviewSchema } from './overview.ts';
import { paymentState } from './payments.ts';
import {
  csvOf,
  type Difference,
  differencesBetween,
  digestOf,
  isOffset,
  paymentOf,
  type Reported,
  type Row,
  rowsOf,
  statusOf,
} from './reconciliation.ts';

const PAGE = 200;
/** A report is recorded on its day or later; clocks may differ by a day. */
const earliest = (date: string) => [{ prefix: 'ge' as const, value: addDays(date, -1) }];

const rowSchema = z.strictObject({
  ...{ payer: z.string(), bank: z.string(), provider: z.string(), currency: z.string(), status: z.string() },
  direction: z.literal('back').optional().meta({ description: 'Of what a provider pays back.' }),
  ...{ payments: z.int(), claims: z.int() },
  units: z.int().meta({ description: 'In minor units of the currency.' }),
});
const differenceSchema = z.object({ payment: z.string(), what: z.string() });
const answerSchema = z
  .object({
    organisation: z.string(),
    date: z.iso.date(),
    rows: z.array(rowSchema).meta({ description: 'What banks reported of that day: settled and ended payments.' }),
    digests: z.record(z.string(), z.string()).meta({
      description: 'By the other party: SHA-256 of the rows that concern both, equal at both where these are.',
    }),
    differences: z.array(differenceSchema).meta({ description: 'What is not the same everywhere, or not yet.' }),
    open: overviewSchema,
  })
  .meta({ id: 'Reconciliation' });
const ROLES = ['system', 'adjudicator', 'settlement'] as const;
const CSV = 'text/csv';
const querySchema = z.strictObject({ date: z.iso.date() });

interface Day {
  rows: Row[];
  differences: Difference[];
}

export const reconciliation = route({
  method: 'get',
  path: '/reconciliation',
  summary:
    'What became of payments on a day, equal at payer, bank and provider: JSON, or CSV of its rows (Accept: text/csv).',
  roles: ROLES,
  query: querySchema,
  answers: { 200: { description: 'Its rows, and where they differ.', schema: answerSchema } },
  async handle({ query: { date }, prefers }, services) {
    const { rows, differences } = await dayOf(services, date);
    if (prefers('application/json', CSV) === CSV) return { body: csvOf(rows), headers: { 'Content-Type': CSV } };
    const { name } = services.organisation;
    const others = [...new Set(rows.flatMap(({ payer, bank, provider }) => [payer, bank, provider]))];
    const digests = Object.fromEntries(
      others
        .filter((other) => other !== name)
        .sort()
        .map((other) => [other, digestOf(concerning(rows, other))]),
    );
    const open = await overviewOf(services);
    return { body: { organisation: name, date, rows, digests, differences, open } };
  },
});

const concerning = (rows: readonly Row[], name: string): Row[] =>
  rows.filter(({ payer, bank, provider }) => [payer, bank, provider].includes(name));

export const compareReconciliation = route({
  method: 'post',
  path: '/reconciliation',
  summary: 'Where the rows of another party’s reconciliation differ from those of this one.',
  roles: ROLES,
  query: querySchema,
  body: z.looseObject({ organisation: z.string(), rows: z.array(rowSchema).max(10_000) }),
  large: true,
  answers: {
    200: {
      description: 'None: they are equal.',
      schema: z.object({
        differences: z.array(
          z.object({
            of: rowSchema.omit({ payments: true, claims: true, units: true }),
            own: rowSchema.optional(),
            theirs: rowSchema.optional(),
          }),
        ),
      }),
    },
  },
  async handle({ query: { date }, body }, services) {
    const { rows } = await dayOf(services, date);
    const { name } = services.organisation;
    return {
      body: { differences: differencesBetween(concerning(rows, body.organisation), concerning(body.rows, name)) },
    };
  },
});

async function dayOf(services: Services, date: string): Promise<Day> {
  const { kind } = services.organisation;
  if (kind === 'provider') return providersDay(services, date);
  if (kind !== 'payer' && kind !== 'bank') throw new LedgerError('FORBIDDEN', 'this organisation has no payments');
  return ownersDay(services, date);
}

const isOfDay = ({ resource }: Reported, date: string): boolean => resource['paymentDate'] === date;
/** That a payment is instructed or accepted is the payer's and its bank's alone. */
const isTold = ({ resource }: Reported): boolean => !['instructed', 'accepted'].includes(statusOf(resource));

/** At the payer and the bank: each step of each payment is a report. */
async function ownersDay(services: Services, date: string): Promise<Day> {
  const { organisation } = services;
  const own = collections.billing(organisation.name);
  const reported: Reported[] = [];
  const differences: Difference[] = [];
  for await (const state of paymentsSince(services, date))
    for (let step = 2; step <= state.step; step += 1) {
      const one = await reportedBy(services, own, privateKeys.reconciliation(state.id, step), state.bank);
      if (one === undefined || !isTold(one) || !isOfDay(one, date)) continue;
      reported.push(one);
      if (organisation.kind !== 'payer') continue;
      differences.push(...(await untold(services, state, step)));
    }
  return { rows: rowsOf(reported), differences };
}

/** At the payer: what a provider is to be told of a step of a payment, or to owe again. */
async function untold({ index, organisation }: Services, state: PaymentState, step: number): Promise<Difference[]> {
  const { id, providers, debtor, status } = state;
  const isWritten = (key: string) => index.evidence.isWritten(collections.billing(organisation.name), key);
  const differences: Difference[] = [];
  if (debtor !== undefined) {
    if (step === state.step && isEnded(status) && !(await isWritten(privateKeys.reopened(id))))
      differences.push({ payment: id, what: `${debtor} does not owe it again yet` });
    return differences;
  }
  for (const provider of providers)
    if (!(await isWritten(privateKeys.remitted(id, provider, step))))
      differences.push({ payment: id, what: `${provider} has not been told of it yet` });
  return differences;
}

async function* paymentsSince({ index, broken }: Services, date: string): AsyncGenerator<PaymentState> {
  let after: string | undefined;
  do {
    const { rows, next } = await index.own.updated('payment', earliest(date), { count: PAGE, after });
    for (const row of rows) {
      const state = paymentStateSchema.safeParse(JSON.parse(row.read().value));
      if (state.success) yield state.data;
      else broken.report('payment', row.id, state.error);
    }
    after = next;
  } while (after !== undefined);
}

async function reportedBy({ index }: Services, own: string, key: string, bank: string): Promise<Reported | undefined> {
  const row = await index.rowAt(own, key, 'PaymentReconciliation');
  return row && { resource: index.stored(row).resource, bank };
}

/** At the provider: what it was told. */
async function providersDay(services: Services, date: string): Promise<Day> {
  const { index, organisation } = services;
  const own = collections.billing(organisation.name);
  const reported: Reported[] = [];
  const differences: Difference[] = [];
  let after: string | undefined;
  do {
    const search = { type: 'PaymentReconciliation', lastUpdated: earliest(date), count: PAGE };
    const page = await index.search({ ...search, ...(after === undefined ? {} : { after }) });
    for (const { resource: newest } of page.matches) {
      if (isOffset(newest)) continue;
      const payment = paymentOf(newest);
      if (isPayBack(newest)) {
        reported.push(...(await reportsOfOwn(services, payment, date)));
        continue;
      }
      const claims = await statesOf(services, newest);
      const bank = claims.find((state) => state.bank !== undefined)?.bank ?? '';
      for (let step = 2; step <= MAX_PAYMENT_STEPS; step += 1) {
        const one = await reportedBy(services, own, privateKeys.remitted(payment, organisation.name, step), bank);
        if (one !== undefined && isOfDay(one, date)) reported.push(one);
      }
      if (newest['paymentDate'] === date) differences.push(...unlikeOwed(payment, newest, claims));
    }
    after = page.next;
  } while (after !== undefined);
  return { rows: rowsOf(reported), differences };
}

/** What a bank reported on a day of what this provider pays back. */
async function reportsOfOwn(services: Services, payment: string, date: string): Promise<Reported[]> {
  const own = collections.billing(services.organisation.name);
  const state = await paymentState(services.index, payment);
  const reported: Reported[] = [];
  for (let step = 2; step <= (state?.step ?? 0); step += 1) {
    const one = await reportedBy(services, own, privateKeys.reconciliation(payment, step), state!.bank);
    if (one !== undefined && isTold(one) && isOfDay(one, date)) reported.push(one);
  }
  return reported;
}

async function statesOf({ index }: Services, resource: Resource): Promise<ClaimState[]> {
  const states: ClaimState[] = [];
  for (const id of claimsOf(resource).keys()) {
    const row = await index.state('claim', id);
    if (row !== undefined) states.push(JSON.parse(row.value) as ClaimState);
  }
  return states;
}

/** Claims that were paid otherwise than the payer owed by its decision. */
function unlikeOwed(payment: string, resource: Resource, states: readonly ClaimState[]): Difference[] {
  const paid = claimsOf(resource);
  return states.flatMap(({ id, owed, payment: last }) => {
    const amount = paid.get(id)?.amount;
    const isSame = owed === undefined || (owed.units === amount?.units && owed.currency === amount.currency);
    return last === payment && !isSame ? [{ payment, what: `Claim/${id} is paid otherwise than it was decided` }] : [];
  });
}
