/**
 * Settlements: the payer instructs its bank, the bank settles, the payer remits to the provider. Each step checks by
 * hash what it cannot read, and takes the amount from there.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import {
  type ClaimResponseRecord,
  claimResponseRecordSchema,
  type PaymentRecord,
  paymentRecordSchema,
  type RemittanceRecord,
} from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import {
  instructionOf,
  isPlausibleDay,
  noticeOf,
  paysResponse,
  remittanceOf,
  settledPaymentOf,
} from '../rules/payments.ts';
import { checkState, memberOfKind, nextState, takeStep } from './claim-states.ts';

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

type Done = OutputOf<'InstructPayment'>;

async function instructPayment(call: Call<'InstructPayment'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { paymentId, salt, state: text, response } = call.private;
  const payer = caller.organisation.name;
  const bank = memberOfKind(consortium, input.bank, 'bank', 'bank').name;
  const due = { id: input.id, payer, text, step: 2, statuses: ['approved', 'partial'] } as const;
  const state = await checkState(store, due);
  const { resource } = await checkResponse(store, payer, input.id, response);
  const payment: PaymentRecord = {
    ...{ schema: 1, claimId: input.id, salt },
    resource: instructionOf({
      ...{ paymentId, claimId: input.id, response: resource },
      ...{ provider: state.provider, payer, now: store.time },
    }),
  };
  await takeStep(store, {
    state: nextState(call, { ...state, step: 3, bank, status: 'instructed' }),
    event: events.PaymentInstructed,
    values: [{ key: privateKeys.payment(input.id, 1), value: payment, copies: [bank] }],
    concerned: [bank],
  });
  return { time: store.time };
}

/** The adjudication as the payer holds it. */
const checkResponse = (store: Store, payer: string, id: string, text: string): Promise<ClaimResponseRecord> =>
  checkPresented(
    store,
    collections.billing(payer),
    privateKeys.response(id),
    text,
    claimResponseRecordSchema,
    'response',
  );

async function settlePayment(call: Call<'SettlePayment'>): Promise<Done> {
  const { input, caller, store } = call;
  const { noticeId, salt, reference, paidOn, state: text } = call.private;
  const bank = caller.organisation.name;
  const due = { id: input.id, payer: input.payer, text, step: 3, statuses: ['instructed'] } as const;
  const state = await checkState(store, due);
  if (state.bank !== bank) throw new LedgerError('FORBIDDEN', "another bank's claim", 'id');
  const payment = await checkPayment(
    store,
    input.payer,
    privateKeys.payment(input.id, 1),
    call.private.payment,
    'payment',
  );
  if (!isPlausibleDay(paidOn, payment.resource, store.time)) {
    throw new LedgerError('INVALID', 'not between the instruction and today', 'paidOn');
  }
  const transfer = { bank, reference, paidOn };
  const settled: PaymentRecord = { ...payment, resource: settledPaymentOf(payment.resource, transfer) };
  const notice: PaymentRecord = {
    ...{ schema: 1, claimId: input.id, salt },
    resource: noticeOf(noticeId, payment.resource, state.payer, transfer, store.time),
  };
  await takeStep(store, {
    state: nextState(call, { ...state, step: 4, status: 'settled' }),
    event: events.PaymentSettled,
    values: [
      { key: privateKeys.payment(input.id, 2), value: settled, copies: [bank] },
      { key: privateKeys.settlement(input.id), value: notice, copies: [bank] },
    ],
    concerned: [bank],
  });
  return { time: store.time };
}

const checkPayment = (store: Store, payer: string, key: string, text: string, expression: string) =>
  checkPresented(store, collections.billing(payer), key, text, paymentRecordSchema, expression);

async function remitPayment(call: Call<'RemitPayment'>): Promise<Done> {
  const { input, caller, store } = call;
  const { reconciliationId, salt, state: text } = call.private;
  const payer = caller.organisation.name;
  const state = await checkState(store, { id: input.id, payer, text, step: 4, statuses: ['settled'] });
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  const paymentKey = privateKeys.payment(input.id, 2);
  const payment = await checkPayment(store, payer, paymentKey, call.private.payment, 'payment');
  const noticeKey = privateKeys.settlement(input.id);
  const notice = await checkPayment(store, payer, noticeKey, call.private.settlement, 'settlement');
  const response = await checkResponse(store, payer, input.id, call.private.response);
  if (!paysResponse(payment.resource, notice.resource, response.resource)) {
    throw new LedgerError('CONFLICT', 'what was settled is not what was adjudicated', 'payment');
  }
  const remittance: RemittanceRecord = {
    ...{ schema: 1, claimId: input.id, salt },
    resources: [remittanceOf(reconciliationId, payment.resource, store.time), notice.resource],
  };
  await takeStep(store, {
    state: nextState(call, { ...state, step: 5, status: 'remitted' }),
    event: events.PaymentRemitted,
    values: [{ key: privateKeys.remittance(input.id), value: remittance, copies: [state.provider] }],
    concerned: [state.provider],
  });
  return { time: store.time };
}
