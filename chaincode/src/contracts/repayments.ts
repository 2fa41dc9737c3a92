/**
 * What providers owe back and pay back themselves: the provider instructs a bank, the bank reports what becomes of that payment as of
 * any other (settlements.ts), and the payer opens the debts again where it ended without money. What is on its way is taken from no
 * claim, so that nothing is paid back and offset as well.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { lastDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { debtsOf } from '../model/payment-details.ts';
import { isEnded, type PaymentState, type ReopenedMark } from '../model/payments.ts';
import type { OutputOf } from '../model/transactions.ts';
import { repaymentOf } from '../rules/repayments.ts';
import { checkPaymentTerms } from './accounts.ts';
import { reopenDebts as openAgain, takeDebts } from './claim-balance.ts';
import { memberOfKind, putWithCopies } from './claim-states.ts';
import { loadPayment } from './payment-loading.ts';
import { putPayment, saltOf } from './payment-states.ts';

export class Repayments extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('repayments');
    this.#consortium = consortium;
  }

  RepayDebts(ctx: Context, argument: string): Promise<string> {
    return run('RepayDebts', this.#consortium, ctx, argument, repayDebts);
  }

  ReopenDebts(ctx: Context, argument: string): Promise<string> {
    return run('ReopenDebts', this.#consortium, ctx, argument, reopenDebts);
  }
}

type Done = OutputOf<'RepayDebts'>;

async function repayDebts(call: Call<'RepayDebts'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { salt, debts, units, currency } = call.private;
  const { id } = input;
  const provider = caller.organisation.name;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  const bank = memberOfKind(consortium, input.bank, 'bank', 'bank').name;
  const amount = { units, currency };
  const by = { repaidBy: id };
  const taken = await takeDebts(store, debts, { payer, provider, amount, by, salt: saltOf(salt, 'debts') });
  if (taken.units !== units) throw new LedgerError('INVALID', 'is more than these debts', 'units');
  const order: PaymentState = {
    ...{ schema: 1, id, step: 1, payer, bank, payee: payer, debtor: provider, status: 'instructed', ...amount },
    ...{ ...(await loadAccounts(call, payer)), providers: [provider] },
    claims: new Set(taken.parts.map(({ claimId }) => claimId)).size,
    ...{ day: lastDay(store.time), instructedAt: store.time, updatedAt: store.time, salt: saltOf(salt, 'order') },
  };
  const facts = { paymentId: id, payer, provider, parts: taken.parts, amount, now: store.time };
  await putPayment(store, order, repaymentOf(facts), salt);
  for (const value of taken.values) await putWithCopies(store, payer, value);
  store.emit(events.PaymentInstructed, { id });
  return { time: store.time };
}

/** The accounts of the terms of payment the other way round, where the one that is paid into is the provider's own. */
async function loadAccounts(
  { caller, store, private: { terms: shown } }: Call<'RepayDebts'>,
  payer: string,
): Promise<Pick<PaymentState, 'payerAccount' | 'payeeAccount'>> {
  if (shown === undefined) return {};
  const provider = caller.organisation.name;
  const terms = await checkPaymentTerms(store, { payer, provider }, { provider, ...shown });
  if (terms?.payerAccount === undefined || terms.payeeAccount === undefined || terms.payee !== provider) return {};
  return { payerAccount: terms.payeeAccount.id, payeeAccount: terms.payerAccount.id };
}

async function reopenDebts({ input, caller, store, private: shown }: Call<'ReopenDebts'>): Promise<Done> {
  const { id, provider } = input;
  const payer = caller.organisation.name;
  const { state, resource } = await loadPayment(store, { id, payer }, shown);
  if (state.debtor !== provider) throw new LedgerError('INVALID', 'pays back nothing of that provider', 'provider');
  if (!isEnded(state.status)) throw new LedgerError('CONFLICT', `the payment is ${state.status}`, 'id');
  const { units, currency } = state;
  const salt = saltOf(shown.salt, 'debts');
  const owed = { payer, provider, amount: { units, currency }, id, salt, parts: debtsOf(resource) };
  const mark: ReopenedMark = { schema: 1, paymentId: id, payer, salt: saltOf(shown.salt, 'reopened') };
  const key = privateKeys.reopened(id);
  if ((await store.anchor(collections.billing(payer), key)) !== undefined)
    throw new LedgerError('CONFLICT', 'its debts are open again', 'id');
  await putWithCopies(store, payer, { key, value: mark, copies: [provider] });
  for (const value of await openAgain(store, shown.debts, owed)) await putWithCopies(store, payer, value);
  store.emit(events.DebtsReopened, { id });
  return { time: store.time };
}
