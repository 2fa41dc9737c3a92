/**
 * Settlements: the payer instructs its bank, the bank settles, the payer remits to the provider. Each step checks by
 * hash what it cannot read, and takes the amount from there.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import {
  claimResponseRecordSchema,
  type PaymentRecord,
  paymentRecordSchema,
  type RemittanceRecord,
} from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { type EventName, events } from '../model/events.ts';
import { privateKeys, publicKeys } from '../model/keys.ts';
import type { ClaimState, TransactionName } from '../model/transactions.ts';
import {
  instructionOf,
  isPlausibleDay,
  noticeOf,
  paysResponse,
  remittanceOf,
  settledPaymentOf,
} from '../rules/payments.ts';
import { checkNotDone, claimPolicy, loadClaim, memberOfKind } from './claims.ts';

export class Settlements extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('settlements');
    this.#consortium = consortium;
  }

  InstructPayment(ctx: Context, argument: string): Promise<string> {
    return run('InstructPayment', this.#consortium, ctx, argument, instructPayment);
  }

  SettlePayment(ctx: Context, argument: string): Promise<string> {
    return run('SettlePayment', this.#consortium, ctx, argument, settlePayment);
  }

  RemitPayment(ctx: Context, argument: string): Promise<string> {
    return run('RemitPayment', this.#consortium, ctx, argument, remitPayment);
  }
}

/** Who the caller is to the claim, and in which status it must be: each step happens once, in its order. */
async function loadDue(
  store: Store,
  id: string,
  side: 'payer' | 'bank',
  caller: string,
  statuses: readonly ClaimState['status'][],
): Promise<ClaimState> {
  const state = await loadClaim(store, id);
  // Before a bank is named there is nothing that one could settle, and that is no matter of rights.
  if (state[side] !== undefined && state[side] !== caller) {
    throw new LedgerError('FORBIDDEN', `another ${side}'s claim`, 'id');
  }
  if (!statuses.includes(state.status)) throw new LedgerError('CONFLICT', `the claim is ${state.status}`, 'id');
  return state;
}

function save(
  { consortium, store }: Pick<Call<TransactionName>, 'consortium' | 'store'>,
  state: ClaimState,
  event: EventName,
): ClaimState {
  const saved = { ...state, updatedAt: store.time };
  store.put(publicKeys.claim(saved.id), saved, claimPolicy(consortium, saved));
  store.emit(event, saved);
  return saved;
}

async function instructPayment(call: Call<'InstructPayment'>): Promise<ClaimState> {
  const { input, caller, consortium, store } = call;
  const { paymentId, salt } = call.private;
  const payer = caller.organisation.name;
  const bank = memberOfKind(consortium, input.bank, 'bank', 'bank').name;
  const state = await loadDue(store, input.id, 'payer', payer, ['approved', 'partial']);
  // At whichever bank: a claim is paid once.
  for (const { name } of organisationsOfKind(consortium, 'bank')) {
    await checkNotDone(store, collections.settle(payer, name), privateKeys.payment(input.id));
  }
  const response = await checkPresented(
    store,
    collections.claim(state.provider, payer),
    privateKeys.response(input.id),
    call.private.response,
    claimResponseRecordSchema,
    'response',
  );
  const value: PaymentRecord = {
    ...{ claimId: input.id, salt },
    resource: instructionOf({
      ...{ paymentId, claimId: input.id, response: response.resource },
      ...{ provider: state.provider, payer, now: store.time },
    }),
  };
  store.putPrivate(collections.settle(payer, bank), privateKeys.payment(input.id), value);
  return save(call, { ...state, bank, status: 'instructed' }, events.PaymentInstructed);
}

async function settlePayment(call: Call<'SettlePayment'>): Promise<ClaimState> {
  const { input, caller, store } = call;
  const { noticeId, salt, reference, paidOn } = call.private;
  const bank = caller.organisation.name;
  const state = await loadDue(store, input.id, 'bank', bank, ['instructed']);
  if (state.payer !== input.payer) throw new LedgerError('INVALID', "another payer's claim", 'payer');
  const collection = collections.settle(state.payer, bank);
  await checkNotDone(store, collection, privateKeys.settlement(input.id));
  const payment = await store.getPrivate(collection, privateKeys.payment(input.id), paymentRecordSchema);
  if (payment === undefined) throw new Error('an instructed claim has no payment');
  if (!isPlausibleDay(paidOn, payment.resource, store.time)) {
    throw new LedgerError('INVALID', 'not between the instruction and today', 'paidOn');
  }
  const transfer = { bank, reference, paidOn };
  const settled: PaymentRecord = { ...payment, resource: settledPaymentOf(payment.resource, transfer) };
  const notice: PaymentRecord = {
    ...{ claimId: input.id, salt },
    resource: noticeOf(noticeId, payment.resource, state.payer, transfer, store.time),
  };
  store.putPrivate(collection, privateKeys.payment(input.id), settled);
  store.putPrivate(collection, privateKeys.settlement(input.id), notice);
  return save(call, { ...state, status: 'settled' }, events.PaymentSettled);
}

/** The payment and the notice as the bank and the payer hold them, shown to the provider. */
async function checkSettlement(
  { input, store, ...call }: Call<'RemitPayment'>,
  collection: string,
): Promise<{ payment: PaymentRecord; notice: PaymentRecord }> {
  const { payment, settlement } = call.private;
  const at = [privateKeys.payment(input.id), privateKeys.settlement(input.id)] as const;
  return {
    payment: await checkPresented(store, collection, at[0], payment, paymentRecordSchema, 'payment'),
    notice: await checkPresented(store, collection, at[1], settlement, paymentRecordSchema, 'settlement'),
  };
}

async function remitPayment(call: Call<'RemitPayment'>): Promise<ClaimState> {
  const { input, caller, store } = call;
  const { reconciliationId, salt } = call.private;
  const payer = caller.organisation.name;
  const state = await loadDue(store, input.id, 'payer', payer, ['settled']);
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  if (state.bank === undefined) throw new Error('a settled claim has no bank');
  const { payment, notice } = await checkSettlement(call, collections.settle(payer, state.bank));
  const collection = collections.claim(state.provider, payer);
  await checkNotDone(store, collection, privateKeys.remittance(input.id));
  const response = await store.getPrivate(collection, privateKeys.response(input.id), claimResponseRecordSchema);
  if (response === undefined) throw new Error('a settled claim has no response');
  if (!paysResponse(payment.resource, notice.resource, response.resource)) {
    throw new LedgerError('CONFLICT', 'what was settled is not what was adjudicated', 'payment');
  }
  const value: RemittanceRecord = {
    ...{ claimId: input.id, salt },
    resources: [remittanceOf(reconciliationId, payment.resource, store.time), notice.resource],
  };
  store.putPrivate(collection, privateKeys.remittance(input.id), value);
  return save(call, { ...state, status: 'remitted' }, events.PaymentRemitted);
}
