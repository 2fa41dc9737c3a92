/**
 * Accounts at banks, as tokens, and the terms by which a payer pays a provider's claims: from which account at which bank, to whose
 * account. A provider alone says where its claims are paid; a bank alone says whether an account is that owner's.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import {
  type Account,
  type AccountNumberValue,
  accountSchema,
  maySay,
  type PaymentTerms,
  paymentTermsSchema,
} from '../model/accounts.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { type Contracting, privateKeys } from '../model/keys.ts';
import { exponentOf } from '../model/money.ts';
import type { OutputOf } from '../model/transactions.ts';
import { memberOfKind, putCopies, putWithCopies } from './claim-states.ts';

export class Accounts extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('accounts');
    this.#consortium = consortium;
  }

  RegisterAccount(ctx: Context, argument: string): Promise<string> {
    return run('RegisterAccount', this.#consortium, ctx, argument, registerAccount);
  }

  SayOfAccount(ctx: Context, argument: string): Promise<string> {
    return run('SayOfAccount', this.#consortium, ctx, argument, sayOfAccount);
  }

  SetPaymentTerms(ctx: Context, argument: string): Promise<string> {
    return run('SetPaymentTerms', this.#consortium, ctx, argument, setPaymentTerms);
  }
}

type Done = OutputOf<'RegisterAccount'>;

async function registerAccount(call: Call<'RegisterAccount'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { account: number, currency, payee, salt } = call.private;
  const owner = caller.organisation;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  const bank = memberOfKind(consortium, input.bank, 'bank', 'bank').name;
  if (owner.kind === 'payer' && owner.name !== payer) throw new LedgerError('INVALID', 'is another payer', 'payer');
  if (payee !== undefined && owner.kind !== 'provider')
    throw new LedgerError('INVALID', 'a payer is no payee', 'payee');
  if (payee !== undefined) memberOfKind(consortium, payee, 'provider', 'payee');
  if (exponentOf(currency) === undefined) throw new LedgerError('INVALID', 'not an ISO 4217 currency', 'currency');
  const value: AccountNumberValue = { schema: 1, id: input.id, account: number, salt: sha256Hex(`number/${salt}`) };
  const account: Account = {
    ...{ schema: 1, id: input.id, step: 1, owner: owner.name, payer, bank, currency, status: 'registered' },
    ...(payee === undefined ? {} : { payee }),
    ...{ number: sha256Hex(canonicalJson(value)), updatedAt: store.time, salt: sha256Hex(`account/${salt}`) },
  };
  await putAccount(store, consortium, account);
  const key = privateKeys.accountNumber(input.id);
  await store.putOnce(collections.billing(bank), key, value, { expression: 'id' });
  store.emit(events.AccountRegistered, { id: input.id });
  return { time: store.time };
}

/** A state of an account with its payer, and copies for its bank and for the provider whose it is. */
async function putAccount(store: Store, consortium: Consortium, account: Account): Promise<void> {
  const { id, step, owner, payer, bank } = account;
  const copies = [bank, ...(owner === payer ? [] : [memberOfKind(consortium, owner, 'provider', 'owner').name])];
  await putWithCopies(store, payer, { key: privateKeys.bankAccount(id, step), value: account, copies });
}

async function sayOfAccount(call: Call<'SayOfAccount'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { state: text, status, salt } = call.private;
  const account = await loadAccount(store, input.payer, text, 'state');
  if (account.id !== input.id) throw new LedgerError('INVALID', 'is of another account', 'state');
  if (account.bank !== caller.organisation.name) throw new LedgerError('FORBIDDEN', "another bank's account", 'id');
  if (!maySay(account.status, status)) throw new LedgerError('CONFLICT', `the account is ${account.status}`, 'id');
  await putAccount(store, consortium, {
    ...account,
    ...{ step: account.step + 1, status, updatedAt: store.time, salt: sha256Hex(`account/${salt}`) },
  });
  store.emit(events.AccountRegistered, { id: input.id });
  return { time: store.time };
}

/** An account as it was shown. @throws LedgerError NOT_FOUND, INVALID */
async function loadAccount(store: Store, payer: string, text: string, expression: string): Promise<Account> {
  const { id, step } = parseText(accountSchema, text, expression);
  const key = privateKeys.bankAccount(id, step);
  return checkPresented(store, collections.billing(payer), key, text, accountSchema, expression);
}

async function setPaymentTerms(call: Call<'SetPaymentTerms'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { bank, runs, known, salt, payerAccount, payeeAccount } = call.private;
  const between: Contracting = { payer: caller.organisation.name, provider: input.provider };
  memberOfKind(consortium, input.provider, 'provider', 'provider');
  memberOfKind(consortium, bank, 'bank', 'bank');
  if ((payerAccount === undefined) !== (payeeAccount === undefined))
    throw new LedgerError('INVALID', 'an account to pay from needs one to pay to', 'payeeAccount');
  const from = await loadConfirmed(call, payerAccount, 'payerAccount');
  const to = await loadConfirmed(call, payeeAccount, 'payeeAccount');
  if (from !== undefined && (from.owner !== between.payer || from.bank !== bank))
    throw new LedgerError('INVALID', 'is no account of the payer at that bank', 'payerAccount');
  if (to !== undefined && to.owner !== between.provider)
    throw new LedgerError('INVALID', 'the provider has not registered it', 'payeeAccount');
  const own = collections.billing(between.payer);
  const key = privateKeys.paymentTerms(between, known + 1);
  if (known > 0 && (await store.anchor(own, privateKeys.paymentTerms(between, known))) === undefined)
    throw new LedgerError('INVALID', 'there is no such generation', 'known');
  if ((await store.anchor(own, key)) !== undefined)
    throw new LedgerError('CONFLICT', 'there are newer terms', 'paymentTerms');
  const terms: PaymentTerms = {
    ...{ schema: 1, ...between, bank, payee: to?.payee ?? between.provider, runs, from: store.time, salt },
    ...(from === undefined ? {} : { payerAccount: { id: from.id, step: from.step } }),
    ...(to === undefined ? {} : { payeeAccount: { id: to.id, step: to.step } }),
  };
  store.putPrivate(own, key, terms);
  await putCopies(store, [between.provider, bank], key, terms);
  return { time: store.time };
}

/** An account that its bank has confirmed, and has not closed since; undefined where none is shown. @throws LedgerError INVALID, CONFLICT */
async function loadConfirmed(
  { caller, store }: Call<'SetPaymentTerms'>,
  text: string | undefined,
  expression: string,
): Promise<Account | undefined> {
  if (text === undefined) return undefined;
  const payer = caller.organisation.name;
  const account = await loadAccount(store, payer, text, expression);
  if (account.status !== 'confirmed' || (await isPassed(store, payer, account)))
    throw new LedgerError('CONFLICT', 'its bank has not confirmed it', expression);
  return account;
}

const isPassed = async (store: Store, payer: string, { id, step }: Pick<Account, 'id' | 'step'>): Promise<boolean> =>
  (await store.anchor(collections.billing(payer), privateKeys.bankAccount(id, step + 1))) !== undefined;

/** Terms of payment as they are shown. */
export interface ShownPaymentTerms {
  provider: string;
  generation: number;
  text: string;
}

/**
 * The terms in force by which a payer pays a provider's claims, as they were shown; undefined where there are none. That there are
 * some, or newer ones, cannot be hidden, nor that the bank has closed one of the accounts.
 * @throws LedgerError NOT_FOUND, INVALID, CONFLICT at `terms`
 */
export async function checkPaymentTerms(
  store: Store,
  between: Contracting,
  shown: ShownPaymentTerms | undefined,
): Promise<PaymentTerms | undefined> {
  const collection = collections.billing(between.payer);
  const generation = shown?.generation ?? 0;
  if ((await store.anchor(collection, privateKeys.paymentTerms(between, generation + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'payer and provider have agreed on other terms', 'paymentTerms');
  if (shown === undefined) return undefined;
  const key = privateKeys.paymentTerms(between, generation);
  const terms = await checkPresented(store, collection, key, shown.text, paymentTermsSchema, 'paymentTerms');
  for (const account of [terms.payerAccount, terms.payeeAccount])
    if (account !== undefined && (await isPassed(store, between.payer, account)))
      throw new LedgerError('CONFLICT', 'a bank has closed an account of these terms', 'terms');
  return terms;
}
