/** Accounts at banks: registered by payers and providers, confirmed by their banks. Only the bank is shown a number. */
import { randomUUID } from 'node:crypto';
import {
  ACCOUNT_SAYINGS,
  ACCOUNT_STATUSES,
  type Account,
  type AccountNumber,
  accountNumberSchema,
  accountNumberValueSchema,
  accountSchema,
} from '@telemed-ledger/chaincode/model/accounts.ts';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { ownStates } from '../../duties/found.ts';
import { route } from '../../http/routes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { accountText } from './terms.ts';

const { currency, payee } = transactions.RegisterAccount.private!.shape;
const bodySchema = z.strictObject({
  ...{ bank: z.string().max(63), currency, payee },
  payer: z.string().max(63).optional().meta({ description: 'At a provider: the payer that is to pay into it.' }),
  account: accountNumberSchema,
});
const shownSchema = accountSchema
  .pick({ id: true, owner: true, payer: true, bank: true, payee: true, currency: true, status: true, updatedAt: true })
  .extend({ account: accountNumberSchema.optional().meta({ description: 'At its bank alone.' }) })
  .meta({ id: 'BankAccount' });
const changed = z.object({ id: z.string(), status: z.enum(ACCOUNT_STATUSES), transactionId: z.string() });

export const registerAccount = route({
  method: 'post',
  path: '/bank-accounts',
  summary: 'Registers an account that a payer pays from or into (payer, provider); its bank is to confirm it.',
  body: bodySchema,
  transaction: 'RegisterAccount',
  answers: { 201: { description: 'It has a token now.', schema: changed } },
  async handle({ caller, body, idempotency }, { ledger, idempotent, organisation }) {
    const { payer = organisation.name, bank, ...account } = body;
    const { outcome, answer } = await idempotent.write(caller, idempotency, () => {
      const id = randomUUID();
      return {
        answer: { id },
        submit: (sending) =>
          ledger.submit('RegisterAccount', { id, payer, bank }, { ...account, salt: newSalt() }, sending),
      };
    });
    const { transactionId } = outcome;
    return { status: 201, body: { id: answer.id, status: 'registered', transactionId }, transactionId };
  },
});

export const sayOfAccount = route({
  method: 'put',
  path: '/bank-accounts/:id',
  summary: 'Confirms or refuses an account, or closes it (bank).',
  parameters: z.object({ id: z.string() }),
  body: z.strictObject({ status: z.enum(ACCOUNT_SAYINGS) }),
  transaction: 'SayOfAccount',
  answers: { 200: { description: 'It is said.', schema: changed } },
  async handle(
    { caller, parameters: { id }, body: { status }, idempotency },
    { index, ledger, idempotent, organisation },
  ) {
    const own = collections.billing(organisation.name);
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        const { payer } = await accountOf(index, id);
        // What it says of a number must be of the one that was registered.
        if (status === 'confirmed') await numberOf(index, own, await accountOf(index, id));
        const said = { state: await accountText(index, own, id), status, salt: newSalt() };
        return ledger.submit('SayOfAccount', { id, payer }, said, sending);
      },
    }));
    const { transactionId } = outcome;
    return { body: { id, status, transactionId }, transactionId };
  },
});

/** An account as it stands. @throws {LedgerError} NOT_FOUND */
async function accountOf(index: ReadModel, id: string): Promise<Account> {
  const row = await index.state('bank-account', id);
  if (row === undefined) throw new LedgerError('NOT_FOUND', 'there is no such account here');
  return accountSchema.parse(JSON.parse(row.value));
}

/**
 * The number of an account, at its bank: what lies there counts by the hash that everybody concerned holds.
 * @throws {LedgerError} CONFLICT where it is another, or is not here yet
 */
export async function numberOf(index: ReadModel, own: string, { id, number }: Account): Promise<AccountNumber> {
  const text = await index.evidence.text(own, privateKeys.accountNumber(id));
  if (text === undefined || sha256Hex(text) !== number)
    throw new LedgerError('CONFLICT', 'the number that was registered is not here', 'id');
  return accountNumberValueSchema.parse(JSON.parse(text)).account;
}

async function shownAccount(
  { index, organisation }: Pick<Services, 'index' | 'organisation'>,
  account: Account,
): Promise<object> {
  const { schema: _, salt: __, step: ___, number: ____, ...shown } = account;
  if (organisation.name !== account.bank) return shown;
  return { ...shown, account: await numberOf(index, collections.billing(organisation.name), account) };
}

const ROLES = ['system', 'adjudicator', 'settlement'] as const;

export const listAccounts = route({
  method: 'get',
  path: '/bank-accounts',
  summary: 'The accounts that concern this organisation; at the bank with their numbers.',
  roles: ROLES,
  query: z.strictObject({ status: z.enum(ACCOUNT_STATUSES).optional() }),
  answers: { 200: { description: 'Oldest first.', schema: z.object({ accounts: z.array(shownSchema) }) } },
  async handle({ query }, services) {
    const accounts: object[] = [];
    const statuses = query.status === undefined ? ACCOUNT_STATUSES : [query.status];
    for await (const account of ownStates(services, 'bank-account', accountSchema, statuses))
      accounts.push(await shownAccount(services, account));
    return { body: { accounts } };
  },
});

export const getAccount = route({
  method: 'get',
  path: '/bank-accounts/:id',
  summary: 'One of them.',
  roles: ROLES,
  parameters: z.object({ id: z.string() }),
  answers: { 200: { description: 'The account.', schema: shownSchema } },
  handle: async ({ parameters: { id } }, services) => ({
    body: await shownAccount(services, await accountOf(services.index, id)),
  }),
});
