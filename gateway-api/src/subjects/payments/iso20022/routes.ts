/**
 * Files of ISO 20022: pain.001 out, at the payer and at the bank; pain.002, camt.053 and camt.054 in. What the bank's own gateway is
 * sent is recorded on the ledger; what a payer's is sent is only held against the ledger. No answer, log or address has an account.
 */
import { randomBytes } from 'node:crypto';
import { type AccountNumber, accountSchema } from '@telemed-ledger/chaincode/model/accounts.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { debtorOf, type PaymentState, paymentStateSchema } from '@telemed-ledger/chaincode/model/payments.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { ownStates } from '../../../duties/found.ts';
import { route } from '../../../http/routes.ts';
import type { Sending } from '../../../idempotency/writes.ts';
import { senderOf } from '../../../ledger/sender.ts';
import type { Services } from '../../services.ts';
import { numberOf } from '../accounts.ts';
import { paymentState, report } from '../payments.ts';
import { type Judged, judged, type KnownAccount } from './judging.ts';
import { pain001Of } from './pain001.ts';
import { type FileReport, readReports } from './reports.ts';

const ROLES = ['system', 'adjudicator', 'settlement'] as const;
const XML = 'application/xml';
const xmlAnswer = (text: string) => ({ body: text, headers: { 'Content-Type': XML } });

/** The accounts of payments, by token: with their numbers at their banks. */
async function accountsOf(services: Services, payments: readonly PaymentState[]): Promise<Map<string, KnownAccount>> {
  const { index, organisation } = services;
  const own = collections.billing(organisation.name);
  const ids = new Set(payments.flatMap(({ payerAccount, payeeAccount }) => [payerAccount, payeeAccount]));
  const known = new Map<string, KnownAccount>();
  for (const id of ids) {
    const row = id === undefined ? undefined : await index.state('bank-account', id);
    if (row === undefined) continue;
    const account = accountSchema.parse(JSON.parse(row.value));
    const number: AccountNumber | undefined =
      account.bank === organisation.name ? await numberOf(index, own, account) : undefined;
    known.set(account.id, { id: account.id, number });
  }
  return known;
}

async function initiation(services: Services, payments: readonly PaymentState[]): Promise<string> {
  if (payments.length === 0) throw new LedgerError('NOT_FOUND', 'no payment waits for the bank');
  const accounts = await accountsOf(services, payments);
  return pain001Of({
    messageId: randomBytes(16).toString('hex'),
    initiator: debtorOf(payments[0]!),
    created: new Date().toISOString(),
    payments,
    numberOf: (id) => accounts.get(id)?.number,
  });
}

/** Whether a payment is of who is asked for; at anybody but a bank, of its own. */
const isAsked = ({ organisation }: Services, state: PaymentState, payer: string | undefined): boolean =>
  (payer === undefined || debtorOf(state) === payer) &&
  (organisation.kind === 'bank' || debtorOf(state) === organisation.name);

export const downloadInitiation = route({
  method: 'get',
  path: '/payments/pain.001',
  summary: 'What is instructed and not reported on yet, as pain.001.001.09 (payer, bank, provider that pays back).',
  roles: ROLES,
  query: z.strictObject({ payer: z.string().optional() }),
  answers: { 200: { description: 'XML; accounts by token, at their bank by number.' } },
  async handle({ query }, services) {
    const payments: PaymentState[] = [];
    for await (const state of ownStates(services, 'payment', paymentStateSchema, ['instructed']))
      if (isAsked(services, state, query.payer)) payments.push(state);
    if (new Set(payments.map(debtorOf)).size > 1)
      throw new LedgerError('INVALID', 'there are payments of several payers', 'payer');
    return xmlAnswer(await initiation(services, payments));
  },
});

export const downloadPayment = route({
  method: 'get',
  path: '/payments/:id/pain.001',
  summary: 'One payment as pain.001.001.09 (payer, bank).',
  roles: ROLES,
  parameters: z.object({ id: z.string() }),
  answers: { 200: { description: 'XML; accounts by token, at their bank by number.' } },
  async handle({ parameters: { id } }, services) {
    const state = await paymentState(services.index, id);
    if (state === undefined) throw new LedgerError('NOT_FOUND', 'there is no such payment here');
    return xmlAnswer(await initiation(services, [state]));
  },
});

const OUTCOMES = ['recorded', 'new', 'known', 'pending', 'unknown', 'differs', 'missing', 'refused'] as const;
type Outcome = (typeof OUTCOMES)[number];

const entrySchema = z.object({
  at: z.string().meta({ description: 'Where in the file.' }),
  endToEndId: z.string().optional(),
  payment: z.string().optional().meta({ description: 'Id of the PaymentReconciliation.' }),
  said: z.string().meta({ description: 'In the file’s words: BOOK, RJCT …' }),
  status: z.string().optional().meta({ description: 'What that is of a payment.' }),
  outcome: z.enum(OUTCOMES).meta({
    description:
      'recorded: now; new (preview, bank): it would be; known: it stood so; missing (payer): the bank has not recorded it; refused: by the ledger, for the reason.',
  }),
  words: z.string().optional(),
  transactionId: z.string().optional(),
});
type Entry = z.infer<typeof entrySchema>;
const answerSchema = z
  .object({
    message: z.string(),
    preview: z.boolean(),
    counts: z.partialRecord(z.enum(OUTCOMES), z.int()),
    entries: z.array(entrySchema),
  })
  .meta({ id: 'FileTaken' });

/** Entries that are recorded at once. */
const AT_ONCE = 8;

export const uploadReports = route({
  method: 'post',
  path: '/payments/files',
  summary: 'Takes a pain.002, camt.053 or camt.054: at the bank it is recorded, at the payer compared with the ledger.',
  roles: ROLES,
  query: z.strictObject({
    preview: z
      .enum(['true', 'false'])
      .default('false')
      .meta({ description: 'Whether it is only told what the file does.' }),
  }),
  body: z.string(),
  text: XML,
  large: true,
  answers: { 200: { description: 'What became of everything that it names.', schema: answerSchema } },
  async handle({ caller, body, query }, services) {
    const { message, reports } = readReports(body);
    const preview = query.preview === 'true';
    const sending: Sending | undefined = preview ? undefined : { as: senderOf(caller), client: caller.subject };
    const entries: Entry[] = [];
    // What is said of one payment is taken in the order of the file.
    const queues = [...Map.groupBy(reports, ({ paymentId, at }) => paymentId ?? at).values()];
    const next = async (): Promise<void> => {
      for (let queue = queues.shift(); queue !== undefined; queue = queues.shift())
        for (const said of queue) entries.push(await taken(services, said, sending));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    const order = new Map(reports.map(({ at }, index) => [at, index]));
    entries.sort((one, other) => (order.get(one.at) ?? 0) - (order.get(other.at) ?? 0));
    return { body: { message, preview, counts: countsOf(entries), entries } };
  },
});

function countsOf(entries: readonly Entry[]): Partial<Record<Outcome, number>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of entries) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** @param sending undefined: nothing is recorded, and what would be is told */
async function taken(services: Services, said: FileReport, sending: Sending | undefined): Promise<Entry> {
  const { at, endToEndId, paymentId: payment, status } = said;
  const entry = { at, endToEndId, payment, said: said.said, status };
  const state = payment === undefined ? undefined : await paymentState(services.index, payment);
  const account = state?.payerAccount && (await accountsOf(services, [state])).get(state.payerAccount);
  const { finding, words, report: found } = judged(said, state, account || undefined);
  if (finding !== 'new') return { ...entry, outcome: finding, words };
  if (services.organisation.kind !== 'bank')
    return { ...entry, outcome: 'missing', words: 'the bank has not recorded it' };
  if (sending === undefined) return { ...entry, outcome: 'new' };
  return { ...entry, ...(await recorded(services, payment ?? '', found!, sending)) };
}

/** What the ledger refuses is one entry's outcome; that it cannot be reached is the whole request's. */
async function recorded(
  services: Services,
  id: string,
  found: NonNullable<Judged['report']>,
  sending: Sending,
): Promise<Pick<Entry, 'outcome' | 'words' | 'transactionId'>> {
  try {
    const { transactionId } = await report(services, id, found, sending);
    return { outcome: 'recorded', transactionId };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { outcome: 'refused', words: `${error.expression ?? 'it'}: ${error.reason}` };
  }
}
