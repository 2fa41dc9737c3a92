/** The terms by which a payer pays a provider's claims: which bank, from and to which account, each claim alone or many together. */
import { type PaymentTerms, paymentTermsSchema } from '@telemed-ledger/chaincode/model/accounts.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Contracting, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import { textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';

export type TermServices = Pick<Services, 'index' | 'ledger' | 'organisation' | 'consortium'>;

/** How a provider's claims are paid, whether that is agreed on or not. */
export interface Agreed extends Pick<PaymentTerms, 'payee' | 'runs' | 'payerAccount' | 'payeeAccount'> {
  /** Undefined where there is none in the consortium. */
  bank: string | undefined;
  /** As a transaction shows them; undefined where nothing is agreed on. */
  shown?: { provider: string; generation: number; text: string };
}

/** The newest terms, at the payer; without any, payments go to the consortium's first bank, each claim alone. */
export async function agreedTerms(
  { index, organisation, consortium }: TermServices,
  provider: string,
): Promise<Agreed> {
  const own = collections.billing(organisation.name);
  const newest = await newestTerms(index, own, { payer: organisation.name, provider });
  const bank = organisationsOfKind(consortium, 'bank')[0]?.name;
  if (newest === undefined) return { bank, payee: provider, runs: 'each' };
  const { terms, ...shown } = newest;
  return { ...terms, shown: { provider, ...shown } };
}

/** What payer and provider have agreed on, wherever it is held; undefined where nothing is. */
export async function newestTerms(index: ReadModel, own: string, between: Contracting) {
  const generation = await index.evidence.newest(own, privateKeys.paymentTerms(between, 0).slice(0, -1));
  if (generation === 0) return undefined;
  const text = await textOf(index, own, privateKeys.paymentTerms(between, generation));
  return { generation, text, terms: paymentTermsSchema.parse(JSON.parse(text)) };
}

const idSchema = transactions.RegisterAccount.input.shape.id;
const bodySchema = z.strictObject({
  bank: z.string().max(63),
  runs: transactions.SetPaymentTerms.private!.shape.runs.default('each').meta({
    description:
      '`each`: a payment for each claim at once; `together`: many by one, by PaymentReconciliation/$instruct.',
  }),
  payerAccount: idSchema
    .optional()
    .meta({ description: 'An account of the payer at that bank; then payeeAccount too.' }),
  payeeAccount: idSchema
    .optional()
    .meta({ description: 'An account that the provider has registered for this payer.' }),
});
const shownSchema = paymentTermsSchema
  .omit({ schema: true, salt: true })
  .extend({ generation: z.int() })
  .meta({ id: 'PaymentTerms' });

export const setPaymentTerms = route({
  method: 'put',
  path: '/payment-terms/:provider',
  summary: 'Sets how the claims of a provider are paid: bank, accounts, alone or together (payer).',
  parameters: z.object({ provider: z.string() }),
  body: bodySchema,
  transaction: 'SetPaymentTerms',
  answers: { 200: { description: 'The terms.', schema: shownSchema } },
  async handle({ caller, parameters: { provider }, body, idempotency }, { index, ledger, idempotent, organisation }) {
    const own = collections.billing(organisation.name);
    const between = { payer: organisation.name, provider };
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) =>
        upToDate(async () => {
          const { payerAccount, payeeAccount, ...rest } = body;
          const known = (await newestTerms(index, own, between))?.generation ?? 0;
          const shown = {
            ...(payerAccount === undefined ? {} : { payerAccount: await accountText(index, own, payerAccount) }),
            ...(payeeAccount === undefined ? {} : { payeeAccount: await accountText(index, own, payeeAccount) }),
          };
          return ledger.submit('SetPaymentTerms', { provider }, { ...rest, ...shown, known, salt: newSalt() }, sending);
        }),
    }));
    return { body: await shownTerms(index, own, between), transactionId: outcome.transactionId };
  },
});

/** The newest state of an account, as a transaction shows it. @throws {LedgerError} NOT_FOUND */
export async function accountText(index: ReadModel, own: string, id: string): Promise<string> {
  const row = await index.state('bank-account', id);
  if (row === undefined) throw new LedgerError('NOT_FOUND', 'there is no such account here');
  const { step } = JSON.parse(row.value) as { step: number };
  return textOf(index, own, privateKeys.bankAccount(id, step));
}

async function shownTerms(index: ReadModel, own: string, between: Contracting): Promise<object> {
  const newest = await newestTerms(index, own, between);
  if (newest === undefined) throw new LedgerError('NOT_FOUND', 'nothing is agreed on: the first bank pays each claim');
  const { schema: _, salt: __, ...terms } = newest.terms;
  return { ...terms, generation: newest.generation };
}

export const getPaymentTerms = route({
  method: 'get',
  path: '/payment-terms/:provider',
  summary: 'How a payer pays the claims of a provider: for either of them and for the bank.',
  roles: ['system', 'adjudicator', 'settlement'],
  parameters: z.object({ provider: z.string() }),
  query: z.strictObject({ payer: z.string().optional() }),
  answers: { 200: { description: 'The newest terms.', schema: shownSchema } },
  async handle({ parameters: { provider }, query }, { index, organisation, consortium }) {
    const payers = organisationsOfKind(consortium, 'payer').map(({ name }) => name);
    const payer = organisation.kind === 'payer' ? organisation.name : (query.payer ?? payers[0] ?? '');
    return { body: await shownTerms(index, collections.billing(organisation.name), { payer, provider }) };
  },
});
